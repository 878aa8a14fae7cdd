//! The rpcs: messages to domain types, and back; errors to codes.

use std::str::FromStr;

use api::users::v1::{
    CreateUserRequest, GetCurrentUserRequest, GetKeySetRequest, GetSignUpStateRequest,
    GetUserRequest, KeySet, ListUsersRequest, ListUsersResponse, LoginRequest, Role as ProtoRole,
    Session as ProtoSession, SignUpState as ProtoSignUpState, User as ProtoUser,
    users_service_server::UsersService,
};
use runtime::{
    auth::{Caller, Role, Verifier},
    clock::Timestamp,
    paging::{PageSize, PageToken},
    status,
};
use tonic::{Code, Request, Response, Status};

use crate::{
    error::Error,
    password::Password,
    service::{Accounts, Session, SignUpState},
    user::User,
    username::{Username, UsernameError},
};

/// What page tokens of `ListUsers` are bound to: it has no filters.
const USERS_LIST: &str = "ListUsers";

/// The users service on the wire.
pub(crate) struct UsersGrpc {
    accounts: Accounts,
    verifier: Verifier,
}

impl UsersGrpc {
    /// Serves `accounts` to whoever `verifier` vouches for.
    pub(crate) fn new(accounts: Accounts, verifier: Verifier) -> Self {
        Self { accounts, verifier }
    }

    async fn caller<T>(&self, request: &Request<T>) -> Result<Option<Caller>, Status> {
        self.verifier.caller(request.metadata()).await
    }

    async fn signed_in<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        Caller::required(self.caller(request).await?)
    }
}

#[tonic::async_trait]
impl UsersService for UsersGrpc {
    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<ProtoSession>, Status> {
        let message = request.into_inner();
        let username = match message.username.parse::<Username>() {
            Ok(username) => Some(username),
            Err(UsernameError::Character) => None,
            Err(error) => return Err(status::invalid_argument("username", error.to_string())),
        };
        let password: Password = field("password", &message.password)?;
        let session = self
            .accounts
            .login(username, password)
            .await
            .map_err(to_status)?;
        Ok(Response::new(session.into()))
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        // A form sends an empty field for a code that was left out.
        let code = request
            .get_ref()
            .setup_code
            .as_deref()
            .filter(|code| !code.is_empty());
        let admission = match code {
            Some(code) => self.accounts.admit_with_code(code).await,
            None => {
                self.accounts
                    .admit(self.caller(&request).await?.as_ref())
                    .await
            }
        };
        let admission = admission.map_err(to_status)?;
        let message = request.get_ref();
        let username = field("username", &message.username)?;
        let password = field("password", &message.password)?;
        let role = requested_role(message.role)?;
        let created = self
            .accounts
            .create_user(admission, username, password, role)
            .await;
        Ok(Response::new(created.map_err(to_status)?.into()))
    }

    async fn get_sign_up_state(
        &self,
        _: Request<GetSignUpStateRequest>,
    ) -> Result<Response<ProtoSignUpState>, Status> {
        let state = self.accounts.sign_up_state().await.map_err(to_status)?;
        Ok(Response::new(state.into()))
    }

    async fn get_current_user(
        &self,
        request: Request<GetCurrentUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        let caller = self.signed_in(&request).await?;
        let user = self
            .accounts
            .current_user(&caller)
            .await
            .map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<ProtoUser>, Status> {
        let caller = self.signed_in(&request).await?;
        self.accounts
            .current_user(&caller)
            .await
            .map_err(to_status)?;
        let username = field("username", &request.get_ref().username)?;
        let user = self.accounts.user(&username).await.map_err(to_status)?;
        Ok(Response::new(user.into()))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let caller = self.signed_in(&request).await?;
        self.accounts
            .require_administrator(&caller)
            .await
            .map_err(to_status)?;
        let message = request.get_ref();
        let size = PageSize::parse(message.page_size)?;
        let before = PageToken::parse(&message.page_token, USERS_LIST)?.map(Timestamp::from_micros);
        let (users, next) = self
            .accounts
            .page(before, size.get())
            .await
            .map_err(to_status)?;
        let token = next.map(|time| PageToken::encode(time.as_micros(), USERS_LIST));
        Ok(Response::new(ListUsersResponse {
            users: users.into_iter().map(ProtoUser::from).collect(),
            next_page_token: token.unwrap_or_default(),
        }))
    }

    async fn get_key_set(&self, _: Request<GetKeySetRequest>) -> Result<Response<KeySet>, Status> {
        Ok(Response::new(KeySet {
            key_set_json: self.accounts.key_set_json(),
        }))
    }
}

impl From<User> for ProtoUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            role: proto_role(user.role).into(),
            create_time: Some(user.create_time.into()),
        }
    }
}

impl From<Session> for ProtoSession {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.token.text,
            access_token_expire_time: Some(session.token.expire_time.into()),
            user: Some(session.user.into()),
        }
    }
}

impl From<SignUpState> for ProtoSignUpState {
    fn from(state: SignUpState) -> Self {
        Self {
            sign_up_open: state.open,
            administrator_missing: state.administrator_missing,
        }
    }
}

/// Parses one field of a request.
fn field<T>(name: &str, text: &str) -> Result<T, Status>
where
    T: FromStr<Err: ToString>,
{
    text.parse()
        .map_err(|error: T::Err| status::invalid_argument(name, error.to_string()))
}

fn requested_role(number: i32) -> Result<Option<Role>, Status> {
    match ProtoRole::try_from(number) {
        Ok(ProtoRole::Unspecified) => Ok(None),
        Ok(ProtoRole::Member) => Ok(Some(Role::Member)),
        Ok(ProtoRole::Admin) => Ok(Some(Role::Admin)),
        Err(_) => Err(status::invalid_argument(
            "role",
            "must be ROLE_MEMBER or ROLE_ADMIN",
        )),
    }
}

fn proto_role(role: Role) -> ProtoRole {
    match role {
        Role::Member => ProtoRole::Member,
        Role::Admin => ProtoRole::Admin,
    }
}

/// What a caller sees of an error. What is ours alone is logged here, where it stops.
fn to_status(error: Error) -> Status {
    let message = error.to_string();
    match error {
        Error::WrongCredentials => {
            status::error(Code::Unauthenticated, "WRONG_CREDENTIALS", message)
        }
        Error::SignInRequired => status::sign_in_required(),
        Error::AccountGone => status::error(Code::Unauthenticated, "ACCOUNT_GONE", message),
        Error::NotAdministrator => {
            status::error(Code::PermissionDenied, "NOT_ADMINISTRATOR", message)
        }
        Error::WrongSetupCode => status::error(Code::PermissionDenied, "WRONG_SETUP_CODE", message),
        Error::AdministratorExists => {
            status::error(Code::FailedPrecondition, "ADMINISTRATOR_EXISTS", message)
        }
        Error::SetupMakesAdministrator => status::invalid_argument("role", message),
        Error::UsernameTaken => status::error(Code::AlreadyExists, "USERNAME_TAKEN", message),
        Error::UserNotFound => status::error(Code::NotFound, "USER_NOT_FOUND", message),
        Error::Busy => status::exhausted("BUSY", message),
        Error::DatabaseAway(cause) => {
            tracing::warn!(%cause, "the database is away");
            status::unavailable("DATABASE_UNAVAILABLE", "the database is away")
        }
        Error::Defect(cause) => {
            tracing::error!(%cause, "internal error");
            status::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use database::testing::Fresh;

    use super::*;
    use crate::store::{Store, migrations};

    #[test]
    fn s15_what_goes_wrong_inside_stays_inside() {
        let status = to_status(Error::defect(io::Error::other("the secret cause")));
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("secret"));
    }

    #[tokio::test]
    async fn without_its_database_the_service_is_unavailable_for_now() {
        let store = Store::new(Fresh::sqlite().open(&migrations()).await);
        store.close().await;
        let away = store.has_administrator().await.unwrap_err();
        let status = to_status(away.into());
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status::retry_after(&status).is_some());
    }

    #[test]
    fn who_meets_a_busy_service_is_told_when_to_come_back() {
        let status = to_status(Error::Busy);
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status::retry_after(&status).is_some());
    }
}
