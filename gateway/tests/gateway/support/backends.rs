//! Backends that answer what a test wants, and remember what they were asked.

mod thoughts;
mod users;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use api::{
    thoughts::v1::{
        ExportThoughtsResponse, ImportThoughtsRequest, Matches, QueryProblem, TagCount, TextRange,
        Thought, ThoughtRevision, Visibility, WatchThoughtsResponse,
        thoughts_service_server::ThoughtsServiceServer, watch_thoughts_response::Change,
    },
    users::v1::{
        AccessToken, Invitation, Role, SessionInfo, SignUpState, User,
        users_service_server::UsersServiceServer,
    },
};
use runtime::{clock::Clock, grpc::server::GrpcServer, lifecycle::Listeners};
use tokio::sync::{mpsc::UnboundedSender, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use super::Keys;

/// Both backends. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Fakes {
    pub(crate) thoughts_url: String,
    pub(crate) users_url: String,
    said: Arc<Mutex<Said>>,
    held: watch::Sender<Option<&'static str>>,
}

/// What a backend was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) rpc: &'static str,
    pub(crate) authorization: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) client_user_agent: Option<String>,
    pub(crate) client_address: Option<String>,
    /// The message, as Rust prints it.
    pub(crate) message: String,
}

struct Said {
    watchers: Vec<UnboundedSender<Result<WatchThoughtsResponse, Status>>>,
    keys: Keys,
    thoughts: Vec<Thought>,
    revisions: Vec<ThoughtRevision>,
    tags: Vec<TagCount>,
    matches: Vec<Matches>,
    problems: Vec<QueryProblem>,
    next_page_token: String,
    resume_token: String,
    sign_up: SignUpState,
    sessions: Vec<SessionInfo>,
    users: Vec<User>,
    tokens: Vec<AccessToken>,
    invitations: Vec<Invitation>,
    secret: String,
    refused_token: Option<String>,
    refusals: HashMap<&'static str, Status>,
    calls: Vec<Call>,
    exported: Vec<Result<ExportThoughtsResponse, Status>>,
    imported: Vec<ImportThoughtsRequest>,
}

/// A thought of an author's, some seconds old.
pub(crate) fn thought(author: &str, text: &str, seconds: u64) -> Thought {
    let clock = Clock::system();
    let written = clock.now() - std::time::Duration::from_secs(seconds);
    Thought {
        id: clock.new_id().to_string(),
        author: author.to_owned(),
        text: text.to_owned(),
        visibility: Visibility::Public.into(),
        create_time: Some(written.into()),
        update_time: Some(written.into()),
        ..Thought::default()
    }
}

impl Fakes {
    pub(crate) async fn start(keys: &Keys) -> Self {
        let said = Arc::new(Mutex::new(Said {
            watchers: Vec::new(),
            keys: keys.clone(),
            thoughts: Vec::new(),
            revisions: Vec::new(),
            tags: Vec::new(),
            matches: Vec::new(),
            problems: Vec::new(),
            next_page_token: String::new(),
            resume_token: String::new(),
            sign_up: SignUpState::default(),
            sessions: Vec::new(),
            users: Vec::new(),
            tokens: Vec::new(),
            invitations: Vec::new(),
            secret: "seeded-secret".to_owned(),
            refused_token: None,
            refusals: HashMap::new(),
            calls: Vec::new(),
            exported: Vec::new(),
            imported: Vec::new(),
        }));
        let held = watch::Sender::new(None);
        let backend = Backend {
            said: Arc::clone(&said),
            held: held.subscribe(),
        };
        let thoughts =
            GrpcServer::new("thoughts").add_service(ThoughtsServiceServer::new(backend.clone()));
        let users = GrpcServer::new("users").add_service(UsersServiceServer::new(backend));
        Self {
            thoughts_url: serve(thoughts).await,
            users_url: serve(users).await,
            said,
            held,
        }
    }

    /// From now on an rpc answers with this error.
    pub(crate) fn refuse(&self, rpc: &'static str, status: Status) {
        self.said().refusals.insert(rpc, status);
    }

    /// From now on it answers again.
    pub(crate) fn relent(&self, rpc: &str) {
        self.said().refusals.remove(rpc);
    }

    /// From now on calls with this token are answered as if it were none.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.said().refused_token = Some(format!("Bearer {token}"));
    }

    /// From now on an rpc takes its calls, and answers them when it is released.
    pub(crate) fn hold(&self, rpc: &'static str) {
        self.held.send_replace(Some(rpc));
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(None);
    }

    pub(crate) fn have_sessions(&self, sessions: Vec<SessionInfo>) {
        self.said().sessions = sessions;
    }

    /// An account of this name, with this role.
    pub(crate) fn have_user(&self, username: &str, role: Role) {
        let user = User {
            role: role.into(),
            ..users::user(username)
        };
        self.said().users.push(user);
    }

    pub(crate) fn have_tokens(&self, tokens: Vec<AccessToken>) {
        self.said().tokens = tokens;
    }

    pub(crate) fn have_invitations(&self, invitations: Vec<Invitation>) {
        self.said().invitations = invitations;
    }

    /// What the next tokens and codes are.
    pub(crate) fn make_secrets(&self, secret: &str) {
        self.said().secret = secret.to_owned();
    }

    /// Whether the invitations that are asked about can be used.
    pub(crate) fn invite(&self, valid: bool) {
        self.said().sign_up.invitation_valid = valid;
    }

    /// Tells all who watch of a change.
    pub(crate) fn tell(&self, change: Option<Change>, resume_token: &str) {
        for watcher in &self.said().watchers {
            let told = WatchThoughtsResponse {
                change: change.clone(),
                resume_token: resume_token.to_owned(),
                matches: None,
            };
            // It may be gone.
            let _ = watcher.send(Ok(told));
        }
    }

    /// Tells the one who began to watch last.
    pub(crate) fn tell_last(&self, change: Option<Change>, resume_token: &str) {
        let told = WatchThoughtsResponse {
            change,
            resume_token: resume_token.to_owned(),
            matches: None,
        };
        let said = self.said();
        let watcher = said.watchers.last().expect("somebody watches");
        watcher.send(Ok(told)).expect("it is there");
    }

    pub(crate) fn have(&self, thoughts: Vec<Thought>) {
        self.said().thoughts = thoughts;
    }

    /// What exports give.
    pub(crate) fn export(&self, exported: Vec<Result<ExportThoughtsResponse, Status>>) {
        self.said().exported = exported;
    }

    /// All that imports have brought.
    pub(crate) fn imported(&self) -> Vec<ImportThoughtsRequest> {
        self.said().imported.clone()
    }

    pub(crate) fn have_revisions(&self, revisions: Vec<ThoughtRevision>) {
        self.said().revisions = revisions;
    }

    /// These tags, with how many thoughts carry each.
    pub(crate) fn have_tags(&self, tags: &[(&str, i64)]) {
        let tags = tags.iter().map(|&(tag, thought_count)| TagCount {
            tag: tag.to_owned(),
            thought_count,
        });
        self.said().tags = tags.collect();
    }

    /// What the next searches match, in the order of the thoughts.
    pub(crate) fn match_at(&self, ranges: &[(i32, i32)]) {
        let ranges = ranges.iter().map(|&(start, end)| TextRange { start, end });
        self.said().matches = vec![Matches {
            ranges: ranges.collect(),
        }];
    }

    /// What of the next searches is not understood.
    pub(crate) fn do_not_understand(&self, (start, end): (i32, i32), description: &str) {
        self.said().problems.push(QueryProblem {
            range: Some(TextRange { start, end }),
            description: description.to_owned(),
        });
    }

    pub(crate) fn have_more(&self, token: &str) {
        self.said().next_page_token = token.to_owned();
    }

    /// From where the next lists can be followed.
    pub(crate) fn lead_on_from(&self, token: &str) {
        self.said().resume_token = token.to_owned();
    }

    pub(crate) fn sign_up(&self, sign_up_open: bool, administrator_missing: bool) {
        self.said().sign_up = SignUpState {
            sign_up_open,
            administrator_missing,
            ..SignUpState::default()
        };
    }

    /// Every call of an rpc so far.
    pub(crate) fn calls(&self, rpc: &str) -> Vec<Call> {
        self.said()
            .calls
            .iter()
            .filter(|call| call.rpc == rpc)
            .cloned()
            .collect()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap()
    }
}

async fn serve(server: GrpcServer) -> String {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listeners = Listeners::bind(["LISTEN_ADDR", "OPS_ADDR"], any, any)
        .await
        .unwrap();
    let address = listeners.listen.local_addr().unwrap();
    tokio::spawn(server.serve(listeners, CancellationToken::new()));
    format!("http://{address}")
}

#[derive(Clone)]
struct Backend {
    said: Arc<Mutex<Said>>,
    held: watch::Receiver<Option<&'static str>>,
}

impl Backend {
    /// Notes a call, and refuses it if that was asked for.
    fn asked<T: std::fmt::Debug>(
        &self,
        rpc: &'static str,
        request: &Request<T>,
    ) -> Result<MutexGuard<'_, Said>, Status> {
        let metadata = |name: &str| {
            let value = request.metadata().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let mut said = self.said.lock().unwrap();
        let authorization = metadata("authorization");
        let refused = authorization.is_some() && authorization == said.refused_token;
        said.calls.push(Call {
            rpc,
            authorization,
            request_id: metadata("x-request-id"),
            client_user_agent: metadata("x-client-user-agent"),
            client_address: metadata("x-client-address"),
            message: format!("{:?}", request.get_ref()),
        });
        match said.refusals.get(rpc) {
            Some(status) => Err(status.clone()),
            None if refused => Err(Status::unauthenticated("refused")),
            None => Ok(said),
        }
    }

    /// Waits while an rpc is held.
    async fn released(&self, rpc: &str) {
        let mut held = self.held.clone();
        let _ = held.wait_for(|held| *held != Some(rpc)).await;
    }
}
