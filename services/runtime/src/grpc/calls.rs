//! What a call is known by: its names and its code.

use http::HeaderMap;
use tonic::{Code, Status};

use crate::metrics::GrpcLabels;

/// The longest name of a method that is told of.
const MAX_NAME: usize = 64;

/// The service and the method of `/package.Service/Method`.
pub(super) fn names(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').unwrap_or((path, ""))
}

/// Whether a name could be one of ours: anybody may call any path.
pub(super) fn is_plain(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    name.len() <= MAX_NAME && name.bytes().all(letters)
}

/// The code in headers or trailers. Errors come without a body, in the headers; so an answer without
/// a code there is one of `OK`, or a stream that has begun well.
pub(super) fn code(headers: &HeaderMap) -> Code {
    let header = headers.get(Status::GRPC_STATUS);
    header.map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}

/// The labels of a call. What is served by nobody goes under one name: metrics must not grow
/// without bound.
pub(super) fn labels(service: &str, method: &str, code: Code) -> GrpcLabels {
    let served = code != Code::Unimplemented;
    let unless_unknown = |name: &str| if served { name } else { "unknown" }.to_owned();
    GrpcLabels {
        grpc_service: unless_unknown(service),
        grpc_method: unless_unknown(method),
        grpc_code: code_name(code),
    }
}

/// The codes as gRPC's own metrics spell them.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

/// Whether a code says that the service failed, rather than that it answered.
pub(crate) fn is_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unimplemented
    )
}
