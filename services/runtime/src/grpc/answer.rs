//! Answers on their way: what happens around them until they end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tracing::Span;

use super::{call::Call, observe::log_panic};
use crate::status;

/// The body of an answer, most of all of a stream. What is made of it on the way belongs to its call
/// in log and trace, and the call is told of when it ends.
pub(super) struct Answer {
    body: Body,
    call: Call,
    /// For what is logged.
    span: Span,
}

impl Answer {
    pub(super) fn new(body: Body, call: Call, span: Span) -> Self {
        Self { body, call, span }
    }

    /// What is no answer of gRPC's, but of the HTTP below it.
    fn ends_without_trailers(&mut self) {
        if !self.call.told {
            self.call.ends(&HeaderMap::new());
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (_trace, _log) = (self.call.span.enter(), self.span.enter());
        let body = Pin::new(&mut self.body);
        let poll = AssertUnwindSafe(|| body.poll_frame(cx));
        catch_unwind(poll).unwrap_or_else(|panic| {
            log_panic(panic.as_ref());
            // What it is in the middle of is gone.
            self.body = Body::empty();
            let mut trailers = HeaderMap::new();
            let told = status::internal().add_header(&mut trailers);
            Poll::Ready(told.ok().map(|()| Ok(Frame::trailers(trailers))))
        })
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(this.next(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.call.ends(trailers);
                }
            }
            Some(Err(_)) => {}
            None => this.ends_without_trailers(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    /// Nobody asks for more of what is known to be at its end.
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.ends_without_trailers();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        extract::Request,
        middleware::from_fn_with_state,
        routing::{MethodRouter, any},
    };
    use futures_util::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::{Code, Status};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{
        grpc::observe::{Observer, observe},
        metrics::Metrics,
        proxies::TrustedProxies,
    };

    type Make = fn() -> Frame<Bytes>;

    /// The answer of a service that streams a message and then this.
    async fn answer(metrics: &Metrics, last: Make) -> Body {
        let message: Make = || Frame::data(Bytes::from_static(b"message"));
        let service = async move || {
            let frames = stream::iter([message, last]).map(|make| Ok::<_, axum::Error>(make()));
            Body::new(StreamBody::new(frames))
        };
        served(metrics, any(service)).await
    }

    async fn served(metrics: &Metrics, service: MethodRouter) -> Body {
        let observer = Observer::new(metrics.clone(), TrustedProxies::loopback(), Vec::new());
        let service = Router::new()
            .route("/Clock/Watch", service)
            .layer(from_fn_with_state(observer, observe));
        let request = Request::get("/Clock/Watch").body(Body::empty());
        let answer = service.oneshot(request.expect("a request")).await;
        answer.expect("an answer").into_body()
    }

    fn trailers(code: Code) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        let status = Status::new(code, "").add_header(&mut trailers);
        status.expect("headers");
        Frame::trailers(trailers)
    }

    /// The codes that were counted, each once.
    fn counted(metrics: &Metrics) -> Vec<String> {
        let text = metrics.encode().expect("metrics");
        let lines = text
            .lines()
            .filter(|line| line.starts_with("grpc_server_handled_total"));
        let code = |line: &str| {
            assert!(line.ends_with(" 1"), "{line}");
            let (_, rest) = line.split_once("grpc_code=\"").expect("a code");
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        lines.map(code).collect()
    }

    #[tokio::test]
    async fn a_stream_counts_as_what_it_ends_with() {
        let cases: [(Make, &str); 2] = [
            (|| trailers(Code::Ok), "OK"),
            (|| trailers(Code::Unavailable), "Unavailable"),
        ];
        for (last, code) in cases {
            let metrics = Metrics::new("test").with_grpc();
            let body = answer(&metrics, last).await;
            assert!(counted(&metrics).is_empty(), "it has only begun");
            body.collect().await.expect("all of it");
            assert_eq!(counted(&metrics), [code]);
        }
    }

    #[tokio::test]
    async fn an_answer_without_trailers_is_not_cancelled() {
        let bodies: [fn() -> Body; 2] = [Body::empty, || Body::from("405")];
        for body in bodies {
            let metrics = Metrics::new("test").with_grpc();
            let mut body = served(&metrics, any(async move || body())).await;
            // As a server does.
            while !body.is_end_stream() {
                body.frame().await;
            }
            drop(body);
            assert_eq!(counted(&metrics), ["OK"]);
        }
    }

    #[tokio::test]
    async fn a_stream_that_its_caller_leaves_is_cancelled() {
        let metrics = Metrics::new("test").with_grpc();
        let mut body = answer(&metrics, || trailers(Code::Ok)).await;
        let message = body.frame().await.expect("a frame").expect("a message");
        assert!(message.is_data());
        drop(body);
        assert_eq!(counted(&metrics), ["Canceled"]);
    }

    #[tokio::test]
    async fn s15_a_panic_on_the_way_ends_the_stream_alone() {
        let metrics = Metrics::new("test").with_grpc();
        let body = answer(&metrics, || panic!("secret")).await;
        let whole = body.collect().await.expect("an end");
        let trailers = whole.trailers().expect("trailers");
        let status = Status::from_header_map(trailers).expect("a status");
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"), "{status:?}");
        assert_eq!(counted(&metrics), ["Internal"]);
    }
}
