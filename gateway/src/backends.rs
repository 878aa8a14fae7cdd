//! The calls to the backends, from parsed values to parsed answers.

use api::{thoughts::v1 as thoughts, users::v1 as users};
use axum::{extract::FromRequestParts, http::request::Parts};
use runtime::{
    clock::Timestamp,
    grpc::{REQUEST_ID, client::Idempotent},
};
use tonic::{Request, Status, metadata::MetadataValue};
use uuid::Uuid;

use crate::{
    app::App,
    error::{Part, Problem},
    model::{Draft, SignUp, Thought, ThoughtList, Viewer, Visibility},
    observe::RequestId,
    session::Token,
};

/// The backends as one request speaks to them: each call carries the request's id.
#[derive(Clone)]
pub(crate) struct Backends {
    app: App,
    request_id: RequestId,
}

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) viewer: Viewer,
    pub(crate) token: Token,
    pub(crate) expires: Timestamp,
}

/// Somebody who wants an account.
#[derive(Debug)]
pub(crate) struct NewUser<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    /// Proves the right to make the first administrator.
    pub(crate) setup_code: Option<&'a str>,
}

impl FromRequestParts<App> for Backends {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let request_id = RequestId::from_request_parts(parts, app).await?;
        Ok(Self {
            app: app.clone(),
            request_id,
        })
    }
}

/// Thoughts.
impl Backends {
    /// Saves a thought; saving the same draft again makes no second one.
    pub(crate) async fn create_thought(
        &self,
        draft: &Draft,
        token: &Token,
    ) -> Result<Thought, Problem> {
        let visibility = match draft.visibility {
            Visibility::Public => thoughts::Visibility::Public,
            Visibility::Private => thoughts::Visibility::Private,
        };
        let mut request = self.request(
            thoughts::CreateThoughtRequest {
                text: draft.text.clone(),
                visibility: visibility.into(),
                request_id: Some(draft.request_id.to_string()),
            },
            Some(token),
        );
        request.extensions_mut().insert(Idempotent);
        let answer = self.app.thoughts.clone().create_thought(request).await;
        thought(answer.map_err(thoughts_failed)?.into_inner())
    }

    /// One thought, if this person may read it.
    pub(crate) async fn thought(
        &self,
        id: Uuid,
        token: Option<&Token>,
    ) -> Result<Thought, Problem> {
        let request = self.request(thoughts::GetThoughtRequest { id: id.to_string() }, token);
        let answer = self.app.thoughts.clone().get_thought(request).await;
        thought(answer.map_err(thoughts_failed)?.into_inner())
    }

    pub(crate) async fn delete_thought(&self, id: Uuid, token: &Token) -> Result<(), Problem> {
        let request = self.request(
            thoughts::DeleteThoughtRequest { id: id.to_string() },
            Some(token),
        );
        let answer = self.app.thoughts.clone().delete_thought(request).await;
        answer.map(drop).map_err(thoughts_failed)
    }

    /// A page of somebody's thoughts, newest first: those that the token's owner may read.
    pub(crate) async fn thoughts_of(
        &self,
        author: &str,
        page_token: Option<&str>,
        token: Option<&Token>,
    ) -> Result<ThoughtList, Problem> {
        let request = thoughts::ListThoughtsRequest {
            author: author.to_owned(),
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, token);
        let answer = self.app.thoughts.clone().list_thoughts(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        list(answer.thoughts, Vec::new(), answer.next_page_token)
    }

    /// A page of what a search finds; without words, of everyone's thoughts.
    pub(crate) async fn search(
        &self,
        words: &str,
        page_token: Option<&str>,
        token: Option<&Token>,
    ) -> Result<ThoughtList, Problem> {
        let request = thoughts::SearchThoughtsRequest {
            query: words.to_owned(),
            page_size: 0,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let request = self.request(request, token);
        let answer = self.app.thoughts.clone().search_thoughts(request).await;
        let answer = answer.map_err(thoughts_failed)?.into_inner();
        list(answer.thoughts, answer.matches, answer.next_page_token)
    }

    /// The longest text of a thought, in Unicode scalar values; `None` while nobody can say.
    pub(crate) async fn max_thought_length(&self) -> Option<u32> {
        let request = self.request(thoughts::GetLimitsRequest {}, None);
        let mut client = self.app.thoughts.clone();
        let ask = async {
            let limits = client.get_limits(request).await.map_err(thoughts_failed)?;
            u32::try_from(limits.into_inner().max_thought_length).map_err(|_| Problem::Defect)
        };
        let limit = self
            .app
            .max_thought_length
            .get(self.app.clock.now(), ask)
            .await;
        limit.ok()
    }
}

/// Accounts.
impl Backends {
    pub(crate) async fn log_in(
        &self,
        username: &str,
        password: &str,
    ) -> Result<NewSession, Problem> {
        let request = users::LoginRequest {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        let answer = self
            .app
            .users
            .clone()
            .login(self.request(request, None))
            .await;
        new_session(answer.map_err(users_failed)?.into_inner())
    }

    /// Makes an account; `token` is an administrator's, where one makes it for somebody else.
    pub(crate) async fn create_user(
        &self,
        user: &NewUser<'_>,
        token: Option<&Token>,
    ) -> Result<String, Problem> {
        let request = users::CreateUserRequest {
            username: user.username.to_owned(),
            password: user.password.to_owned(),
            role: users::Role::Unspecified.into(),
            setup_code: user.setup_code.map(str::to_owned),
        };
        let answer = self
            .app
            .users
            .clone()
            .create_user(self.request(request, token))
            .await;
        Ok(answer.map_err(users_failed)?.into_inner().username)
    }

    pub(crate) async fn sign_up_state(&self) -> Result<SignUp, Problem> {
        let request = self.request(users::GetSignUpStateRequest {}, None);
        let answer = self.app.users.clone().get_sign_up_state(request).await;
        let state = answer.map_err(users_failed)?.into_inner();
        Ok(match (state.administrator_missing, state.sign_up_open) {
            (true, open) => SignUp::FirstAdministrator { open },
            (false, true) => SignUp::Open,
            (false, false) => SignUp::Closed,
        })
    }

    /// The public keys as a JSON Web Key Set.
    pub(crate) async fn key_set(&self) -> Result<String, Problem> {
        let request = self.request(users::GetKeySetRequest {}, None);
        let mut client = self.app.users.clone();
        let ask = async {
            let answer = client.get_key_set(request).await.map_err(users_failed)?;
            Ok(answer.into_inner().key_set_json)
        };
        self.app.key_set.get(self.app.clock.now(), ask).await
    }

    fn request<T>(&self, message: T, token: Option<&Token>) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Ok(id) = self.request_id.to_string().parse() {
            metadata.insert(REQUEST_ID, id);
        }
        // A checked token is made of letters that metadata can carry.
        if let Some(Ok(mut bearer)) = token.map(bearer) {
            bearer.set_sensitive(true);
            metadata.insert("authorization", bearer);
        }
        request
    }
}

fn bearer(token: &Token) -> Result<MetadataValue<tonic::metadata::Ascii>, impl Sized> {
    format!("Bearer {}", token.expose()).parse()
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn thoughts_failed(status: Status) -> Problem {
    Problem::from_status(Part::Thoughts, &status)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn users_failed(status: Status) -> Problem {
    Problem::from_status(Part::Accounts, &status)
}

/// A thought that is none (no id, no time) is a defect of the backend.
fn thought(thought: thoughts::Thought) -> Result<Thought, Problem> {
    let private = thought.visibility() == thoughts::Visibility::Private;
    let id = Uuid::try_parse(&thought.id).ok();
    let (Some(id), Some(written)) = (id, thought.create_time) else {
        tracing::error!(id = thought.id, "a thought without an id or a time");
        return Err(Problem::Defect);
    };
    Ok(Thought {
        id,
        author: thought.author,
        text: thought.text,
        private,
        written: written.into(),
        matches: Vec::new(),
    })
}

fn list(
    answers: Vec<thoughts::Thought>,
    matches: Vec<thoughts::Matches>,
    next_page_token: String,
) -> Result<ThoughtList, Problem> {
    let mut list: Vec<_> = answers.into_iter().map(thought).collect::<Result<_, _>>()?;
    let scalar = |number: i32| usize::try_from(number).unwrap_or_default();
    for (thought, matches) in list.iter_mut().zip(matches) {
        let ranges = matches.ranges.into_iter();
        thought.matches = ranges
            .map(|range| scalar(range.start)..scalar(range.end))
            .collect();
    }
    Ok(ThoughtList {
        thoughts: list,
        next_page_token: Some(next_page_token).filter(|token| !token.is_empty()),
    })
}

fn new_session(session: users::Session) -> Result<NewSession, Problem> {
    let (Some(user), Some(expires)) = (session.user, session.access_token_expire_time) else {
        tracing::error!("a session without a user or an end");
        return Err(Problem::Defect);
    };
    Ok(NewSession {
        token: Token::new(&session.access_token),
        expires: expires.into(),
        viewer: Viewer {
            administrator: user.role() == users::Role::Admin,
            username: user.username,
        },
    })
}
