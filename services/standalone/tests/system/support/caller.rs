//! Somebody who calls the backends with the typed clients.

use api::{
    thoughts::v1::{
        CreateThoughtRequest, ListThoughtsRequest, Thought, UpdateThoughtRequest,
        thoughts_service_client::ThoughtsServiceClient,
    },
    users::v1::{LoginRequest, users_service_client::UsersServiceClient},
};
use runtime::grpc::client::Channel;
use tonic::Request;

/// With a token or without one.
pub(crate) struct Caller {
    thoughts: ThoughtsServiceClient<Channel>,
    users: UsersServiceClient<Channel>,
    token: Option<String>,
}

impl Caller {
    /// Whoever is not signed in, at the addresses of both backends.
    pub(crate) fn new(thoughts: &str, users: &str) -> Self {
        let channel = |name, address: &str| {
            let url = format!("http://{address}").parse().expect("an address");
            Channel::new(name, url)
        };
        Self {
            thoughts: ThoughtsServiceClient::new(channel("thoughts", thoughts)),
            users: UsersServiceClient::new(channel("users", users)),
            token: None,
        }
    }

    /// The same with that token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            thoughts: self.thoughts(),
            users: self.users(),
            token: Some(token.to_owned()),
        }
    }

    /// The same signed in.
    pub(crate) async fn signs_in(&self, username: &str, password: &str) -> Self {
        let (username, password) = (username.to_owned(), password.to_owned());
        let login = LoginRequest { username, password };
        let session = self.users().login(login).await.expect("a session");
        self.with_token(&session.into_inner().access_token)
    }

    /// Writes a public thought.
    pub(crate) async fn writes(&self, text: &str) -> Thought {
        let message = CreateThoughtRequest {
            text: text.to_owned(),
            ..Default::default()
        };
        let written = self.thoughts().create_thought(self.asks(message)).await;
        written.expect("written").into_inner()
    }

    /// Changes the text of a thought, whatever it is now.
    pub(crate) async fn edits(&self, id: &str, text: &str) {
        let thought = Thought {
            id: id.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let mut message = UpdateThoughtRequest {
            thought: Some(thought),
            ..Default::default()
        };
        let paths = &mut message.update_mask.get_or_insert_default().paths;
        paths.push("text".to_owned());
        let changed = self.thoughts().update_thought(self.asks(message)).await;
        changed.expect("changed");
    }

    /// The newest of somebody's thoughts.
    pub(crate) async fn lists(&self, author: &str) -> Vec<Thought> {
        let message = ListThoughtsRequest {
            author: author.to_owned(),
            page_size: 100,
            ..Default::default()
        };
        let list = self.thoughts().list_thoughts(self.asks(message)).await;
        list.expect("a list").into_inner().thoughts
    }

    pub(crate) fn thoughts(&self) -> ThoughtsServiceClient<Channel> {
        self.thoughts.clone()
    }

    pub(crate) fn users(&self) -> UsersServiceClient<Channel> {
        self.users.clone()
    }

    /// A request with the caller's token.
    pub(crate) fn asks<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("a header");
            request.metadata_mut().insert("authorization", value);
        }
        request
    }
}
