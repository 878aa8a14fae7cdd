//! A call under way.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::Span;

use super::{
    calls::{self, code},
    observe::Observer,
};
use crate::{status, trace};

/// Asked every few seconds by whoever runs the service.
const HEALTH: &str = "grpc.health.v1.Health";

/// A call under way: told of once, however it ends.
pub(super) struct Call {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) request_id: String,
    /// For its trace.
    pub(super) span: Span,
    pub(super) began: Instant,
    pub(super) observer: Observer,
    /// Whether there is an answer, or the beginning of one.
    pub(super) answered: bool,
    pub(super) told: bool,
}

impl Call {
    /// There is an answer, which takes as long as it takes to be sent or, if it is a stream, as it
    /// has something to say: that is not counted as the call's time.
    pub(super) fn is_answered(&mut self, code: Code) {
        self.answered = true;
        let labels = calls::labels(&self.service, &self.method, code);
        let took = self.began.elapsed();
        self.observer.metrics().grpc.time(&labels, took);
    }

    /// It is over, as these headers or trailers say.
    pub(super) fn ends(&mut self, headers: &HeaderMap) {
        let code = code(headers);
        if code == Code::ResourceExhausted {
            let status = Status::from_header_map(headers);
            let reason = status.and_then(|status| status::reason(&status));
            self.observer.metrics().count_refusal(reason);
        }
        self.tell(code);
    }

    fn tell(&mut self, code: Code) {
        self.told = true;
        trace::ended(&self.span, code);
        let labels = calls::labels(&self.service, &self.method, code);
        self.observer.metrics().grpc.count(&labels);
        self.log(labels.grpc_code, self.began.elapsed());
    }

    fn log(&self, code: &str, took: Duration) {
        let (service, method) = (self.service.as_str(), self.method.as_str());
        let request_id = self.request_id.as_str();
        let ms = trace::milliseconds(took);
        if service == HEALTH {
            tracing::debug!(service, method, code, ms, request_id, "answered");
        } else {
            let trace_id = trace::id(&self.span).map(tracing::field::display);
            tracing::info!(service, method, code, ms, request_id, trace_id, "answered");
        }
    }
}

impl Drop for Call {
    /// Whoever called has gone before the end of the answer.
    fn drop(&mut self) {
        if !self.answered {
            self.is_answered(Code::Cancelled);
        }
        if !self.told {
            self.tell(Code::Cancelled);
        }
    }
}
