//! Backends that answer what a test wants, and remember what they were asked.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use api::{
    thoughts::v1::{
        self as thoughts, Matches, Thought, Visibility,
        thoughts_service_server::{ThoughtsService, ThoughtsServiceServer},
    },
    users::v1::{
        self as users, Role, User,
        users_service_server::{UsersService, UsersServiceServer},
    },
};
use runtime::{
    clock::{Clock, Timestamp},
    grpc::server::GrpcServer,
    lifecycle::Listeners,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{Keys, LIFETIME};

/// Both backends. Clones are the same ones.
#[derive(Clone)]
pub struct Fakes {
    pub thoughts_url: String,
    pub users_url: String,
    said: Arc<Mutex<Said>>,
}

/// What a backend was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub rpc: &'static str,
    pub authorization: Option<String>,
    pub request_id: Option<String>,
    /// The message, as Rust prints it.
    pub message: String,
}

struct Said {
    keys: Keys,
    thoughts: Vec<Thought>,
    matches: Vec<Matches>,
    next_page_token: String,
    sign_up: users::SignUpState,
    refusals: HashMap<&'static str, Status>,
    calls: Vec<Call>,
}

/// A thought of an author's, some seconds old.
pub fn thought(author: &str, text: &str, seconds: u64) -> Thought {
    let clock = Clock::system();
    let written = clock.now() - std::time::Duration::from_secs(seconds);
    Thought {
        id: clock.new_id().to_string(),
        author: author.to_owned(),
        text: text.to_owned(),
        visibility: Visibility::Public.into(),
        create_time: Some(written.into()),
        update_time: Some(written.into()),
    }
}

impl Fakes {
    pub async fn start(keys: &Keys) -> Self {
        let said = Arc::new(Mutex::new(Said {
            keys: keys.clone(),
            thoughts: Vec::new(),
            matches: Vec::new(),
            next_page_token: String::new(),
            sign_up: users::SignUpState::default(),
            refusals: HashMap::new(),
            calls: Vec::new(),
        }));
        let backend = Backend(Arc::clone(&said));
        let thoughts =
            GrpcServer::new("thoughts").add_service(ThoughtsServiceServer::new(backend.clone()));
        let users = GrpcServer::new("users").add_service(UsersServiceServer::new(backend));
        Self {
            thoughts_url: serve(thoughts).await,
            users_url: serve(users).await,
            said,
        }
    }

    /// From now on an rpc answers with this error.
    pub fn refuse(&self, rpc: &'static str, status: Status) {
        self.said().refusals.insert(rpc, status);
    }

    /// From now on it answers again.
    pub fn relent(&self, rpc: &str) {
        self.said().refusals.remove(rpc);
    }

    pub fn have(&self, thoughts: Vec<Thought>) {
        self.said().thoughts = thoughts;
    }

    /// What the next searches match, in the order of the thoughts.
    pub fn match_at(&self, ranges: &[(i32, i32)]) {
        let ranges = ranges
            .iter()
            .map(|&(start, end)| thoughts::TextRange { start, end });
        self.said().matches = vec![Matches {
            ranges: ranges.collect(),
        }];
    }

    pub fn have_more(&self, token: &str) {
        self.said().next_page_token = token.to_owned();
    }

    pub fn sign_up(&self, sign_up_open: bool, administrator_missing: bool) {
        self.said().sign_up = users::SignUpState {
            sign_up_open,
            administrator_missing,
        };
    }

    /// Every call of an rpc so far.
    pub fn calls(&self, rpc: &str) -> Vec<Call> {
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
struct Backend(Arc<Mutex<Said>>);

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
        let mut said = self.0.lock().unwrap();
        said.calls.push(Call {
            rpc,
            authorization: metadata("authorization"),
            request_id: metadata("x-request-id"),
            message: format!("{:?}", request.get_ref()),
        });
        match said.refusals.get(rpc) {
            Some(status) => Err(status.clone()),
            None => Ok(said),
        }
    }
}

#[tonic::async_trait]
impl ThoughtsService for Backend {
    async fn create_thought(
        &self,
        request: Request<thoughts::CreateThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        let mut said = self.asked("CreateThought", &request)?;
        let mut made = thought("bruce", &request.get_ref().text, 0);
        made.visibility = request.get_ref().visibility;
        said.thoughts.insert(0, made.clone());
        Ok(Response::new(made))
    }

    async fn get_thought(
        &self,
        request: Request<thoughts::GetThoughtRequest>,
    ) -> Result<Response<Thought>, Status> {
        let said = self.asked("GetThought", &request)?;
        let found = said
            .thoughts
            .iter()
            .find(|thought| thought.id == request.get_ref().id);
        found
            .cloned()
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such thought"))
    }

    async fn delete_thought(
        &self,
        request: Request<thoughts::DeleteThoughtRequest>,
    ) -> Result<Response<()>, Status> {
        let mut said = self.asked("DeleteThought", &request)?;
        said.thoughts
            .retain(|thought| thought.id != request.get_ref().id);
        Ok(Response::new(()))
    }

    async fn list_thoughts(
        &self,
        request: Request<thoughts::ListThoughtsRequest>,
    ) -> Result<Response<thoughts::ListThoughtsResponse>, Status> {
        let said = self.asked("ListThoughts", &request)?;
        let author = &request.get_ref().author;
        let thoughts = said
            .thoughts
            .iter()
            .filter(|thought| thought.author == *author);
        Ok(Response::new(thoughts::ListThoughtsResponse {
            thoughts: thoughts.cloned().collect(),
            next_page_token: said.next_page_token.clone(),
        }))
    }

    async fn search_thoughts(
        &self,
        request: Request<thoughts::SearchThoughtsRequest>,
    ) -> Result<Response<thoughts::SearchThoughtsResponse>, Status> {
        let said = self.asked("SearchThoughts", &request)?;
        Ok(Response::new(thoughts::SearchThoughtsResponse {
            thoughts: said.thoughts.clone(),
            next_page_token: said.next_page_token.clone(),
            matches: said.matches.clone(),
        }))
    }

    async fn get_limits(
        &self,
        request: Request<thoughts::GetLimitsRequest>,
    ) -> Result<Response<thoughts::Limits>, Status> {
        drop(self.asked("GetLimits", &request)?);
        Ok(Response::new(thoughts::Limits {
            max_thought_length: 250,
            max_page_size: 100,
        }))
    }
}

#[tonic::async_trait]
impl UsersService for Backend {
    async fn login(
        &self,
        request: Request<users::LoginRequest>,
    ) -> Result<Response<users::Session>, Status> {
        let said = self.asked("Login", &request)?;
        let username = &request.get_ref().username;
        let expires =
            Clock::system().now() + std::time::Duration::from_secs(LIFETIME.unsigned_abs());
        Ok(Response::new(users::Session {
            access_token: said.keys.token(username, "member", LIFETIME),
            access_token_expire_time: Some(expires.into()),
            user: Some(user(username)),
        }))
    }

    async fn create_user(
        &self,
        request: Request<users::CreateUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("CreateUser", &request)?);
        Ok(Response::new(user(&request.get_ref().username)))
    }

    async fn get_sign_up_state(
        &self,
        request: Request<users::GetSignUpStateRequest>,
    ) -> Result<Response<users::SignUpState>, Status> {
        let said = self.asked("GetSignUpState", &request)?;
        Ok(Response::new(said.sign_up))
    }

    async fn get_current_user(
        &self,
        request: Request<users::GetCurrentUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("GetCurrentUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn get_user(
        &self,
        request: Request<users::GetUserRequest>,
    ) -> Result<Response<User>, Status> {
        drop(self.asked("GetUser", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn list_users(
        &self,
        request: Request<users::ListUsersRequest>,
    ) -> Result<Response<users::ListUsersResponse>, Status> {
        drop(self.asked("ListUsers", &request)?);
        Err(Status::unimplemented("no page asks this"))
    }

    async fn get_key_set(
        &self,
        request: Request<users::GetKeySetRequest>,
    ) -> Result<Response<users::KeySet>, Status> {
        let said = self.asked("GetKeySet", &request)?;
        Ok(Response::new(users::KeySet {
            key_set_json: said.keys.key_set(),
        }))
    }
}

fn user(username: &str) -> User {
    User {
        id: Clock::system().new_id().to_string(),
        username: username.to_owned(),
        role: Role::Member.into(),
        create_time: Some(Timestamp::from_seconds(0).into()),
    }
}
