//! Spans around what is done with the database, for whoever collects traces.

use std::{any::type_name, future::Future};

use tracing::{Instrument as _, Span, field::Empty, info_span};

use crate::{Engine, Error};

/// Does `work` in a span that is named after the function it stands in: `place` is an item of that
/// function. The span says what was done with which engine and what kind of error came of it; never
/// a value. What [`read!`](crate::read!) and [`write!`](crate::write!) do is in one already.
///
/// # Errors
///
/// Those of `work`.
pub async fn traced<P: Copy, T>(
    engine: Engine,
    operation: &'static str,
    place: P,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let span = span(engine, operation, place);
    let outcome = work.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        span.record("error.type", error.kind());
        if error.is_failure() {
            span.record("otel.status_code", "ERROR");
        }
    }
    outcome
}

/// Nobody else looks at the target `traces` but whoever collects traces; it costs nothing without.
fn span<P: Copy>(engine: Engine, operation: &'static str, _place: P) -> Span {
    info_span!(
        target: "traces",
        "sql",
        otel.name = function(type_name::<P>()),
        otel.kind = "client",
        otel.status_code = Empty,
        "error.type" = Empty,
        db.system.name = engine.system(),
        db.operation.name = operation,
    )
}

/// The function that an item stands in, from the item's name:
/// `thoughts_backend::store::read::<impl thoughts_backend::store::Store>::get::{{closure}}::here`.
fn function(item: &'static str) -> &'static str {
    let mut parts = item.rsplit("::").skip(1);
    parts
        .find(|part| !part.starts_with('{'))
        .unwrap_or("statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_name_of_the_function_around_it() {
        for (item, name) in [
            (
                "a::store::read::<impl a::store::Store>::get::{{closure}}::here",
                "get",
            ),
            ("a::tests::on::{{closure}}::{{closure}}::here", "on"),
            ("a::free::here", "free"),
            ("here", "statement"),
        ] {
            assert_eq!(function(item), name, "{item}");
        }
    }
}
