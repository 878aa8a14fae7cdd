//! What a failed attempt means for the next one.

use std::error::Error;

use tonic::{ConnectError, TimeoutExpired};

/// How a call failed below gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection could be made: the address is not to be used for a while.
    Connect,
    /// The server did not look at the call: it was on its way out, or refused the stream. The
    /// call can be made again, whatever it does.
    Unprocessed,
    /// The caller's time was over before the server answered.
    TooSlow,
    /// The connection broke: the call may have been carried out or not.
    Broken,
}

impl Failure {
    /// Those after which a call may be made again.
    pub(super) const RETRIED: [Self; 3] = [Self::Connect, Self::Unprocessed, Self::Broken];

    /// A word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Unprocessed => "unprocessed",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
        }
    }

    /// Tells by the source of an error. A server that drains shows itself as a refused connection,
    /// as a call that hyper has cancelled, or as a GOAWAY without an error.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut source = Some(error);
        while let Some(error) = source {
            if error.is::<ConnectError>() {
                return Self::Connect;
            }
            if error.is::<TimeoutExpired>() {
                return Self::TooSlow;
            }
            if error
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_canceled)
            {
                return Self::Unprocessed;
            }
            if error.downcast_ref::<h2::Error>().is_some_and(unprocessed) {
                return Self::Unprocessed;
            }
            source = error.source();
        }
        Self::Broken
    }
}

/// A GOAWAY fails just those streams that the server will not look at (RFC 9113, 6.8), and so does
/// REFUSED_STREAM (8.7).
fn unprocessed(error: &h2::Error) -> bool {
    let reason = error.reason();
    (error.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
        || (error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM))
}
