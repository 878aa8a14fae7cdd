//! Personal access tokens, as their owner sees them.

use maud::{Markup, html};
use runtime::clock::Timestamp;

use super::time;
use crate::{
    model::{PersonalToken, Scope},
    paths,
};

/// The tokens under each other.
pub(crate) fn list(tokens: &[PersonalToken], now: Timestamp) -> Markup {
    html! {
        ul.rows.card {
            @for token in tokens {
                li {
                    div.about {
                        p {
                            strong { bdi { (token.name) } }
                            span.badge { (token.scope.name()) }
                        }
                        p.quiet { (times(token, now)) }
                    }
                    a.plain href=(paths::revoke_token(token.id)) {
                        "Revoke …" span.unseen { " " (token.name) }
                    }
                }
            }
        }
    }
}

/// A call that a script could make with it.
pub(crate) fn example(scope: Scope) -> Markup {
    let (message, rpc) = match scope {
        Scope::Read => (r#"{"query": "platypus"}"#, "SearchThoughts"),
        Scope::ReadWrite => (r#"{"text": "Written by a script"}"#, "CreateThought"),
    };
    html! {
        pre { code {
            "TOKEN=mt_…\n"
            "grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" \\\n"
            "  -d '" (message) "' \\\n"
            "  ADDRESS:8000 mythoughts.thoughts.v1.ThoughtsService/" (rpc)
        } }
    }
}

fn times(token: &PersonalToken, now: Timestamp) -> Markup {
    html! {
        "Made " (time::ago(token.made, now))
        " · ends " (time::on(token.expires, now)) " · "
        @match token.last_used {
            Some(used) => { "last used " (time::ago(used, now)) },
            None => "never used",
        }
    }
}
