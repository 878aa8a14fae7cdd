//! Messages to domain types, and back.

use std::str::FromStr;

use api::users::v1::{
    Role as ProtoRole, Session as ProtoSession, SessionInfo as ProtoSessionInfo,
    SignUpState as ProtoSignUpState, User as ProtoUser,
};
use prost_types::Timestamp as ProtoTimestamp;
use runtime::{
    auth::Role,
    clock::Timestamp,
    grpc::{CLIENT_USER_AGENT, client_address},
    status,
};
use tonic::{Request, Status, metadata::MetadataMap};
use uuid::Uuid;

use crate::{
    client::{Client, UserAgent},
    refresh_token::RefreshToken,
    service::{Session, SignUpState},
    session::SessionInfo,
    user::User,
};

/// Parses one field of a request.
pub(super) fn field<T>(name: &str, text: &str) -> Result<T, Status>
where
    T: FromStr<Err: ToString>,
{
    text.parse()
        .map_err(|error: T::Err| status::invalid_argument(name, error.to_string()))
}

/// An optional field's text. A form sends an empty one for what was left out.
pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Parses an optional time. It is cut to whole microseconds.
pub(super) fn time(name: &str, time: Option<ProtoTimestamp>) -> Result<Option<Timestamp>, Status> {
    // As google.protobuf.Timestamp has it: the years 1 to 9999, and nanoseconds that count forward.
    let possible = |time: &ProtoTimestamp| {
        (-62_135_596_800..=253_402_300_799).contains(&time.seconds)
            && (0..1_000_000_000).contains(&time.nanos)
    };
    match time {
        Some(time) if !possible(&time) => Err(status::invalid_argument(
            name,
            "must be a time of the years 1 to 9999",
        )),
        time => Ok(time.map(Timestamp::from)),
    }
}

/// An account as administrators see it.
pub(super) fn for_administrator(user: User) -> ProtoUser {
    let disabled = user.disabled;
    ProtoUser {
        disabled,
        ..user.into()
    }
}

pub(super) fn requested_role(number: i32) -> Result<Option<Role>, Status> {
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

/// A refresh token that may be none; `None` is one that renews nothing.
pub(super) fn refresh_token(text: &str) -> Result<Option<RefreshToken>, Status> {
    if text.is_empty() {
        return Err(status::invalid_argument(
            "refresh_token",
            "must not be empty",
        ));
    }
    Ok(text.parse().ok())
}

/// Who makes a call: what the gateway tells of the browser in front of it, or else the caller
/// itself.
pub(super) fn client<T>(request: &Request<T>) -> Client {
    let metadata: &MetadataMap = request.metadata();
    let told = metadata
        .get(CLIENT_USER_AGENT)
        .or_else(|| metadata.get("user-agent"));
    let text = told.map(|value| String::from_utf8_lossy(value.as_bytes()));
    Client {
        address: client_address(request),
        user_agent: UserAgent::new(text.as_deref().unwrap_or_default()),
    }
}

/// A session as its owner sees it from the session `current`.
pub(super) fn session_info(session: SessionInfo, current: Uuid) -> ProtoSessionInfo {
    ProtoSessionInfo {
        id: session.id.to_string(),
        current: session.id == current,
        user_agent: session.user_agent.as_str().to_owned(),
        create_time: Some(session.create_time.into()),
        last_use_time: Some(session.last_use_time.into()),
        expire_time: Some(session.expire_time.into()),
        reuse_time: session.reuse_time.map(Into::into),
    }
}

/// As everybody may see it.
impl From<User> for ProtoUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            role: proto_role(user.role).into(),
            create_time: Some(user.create_time.into()),
            disabled: false,
        }
    }
}

impl From<Session> for ProtoSession {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.token.text,
            access_token_expire_time: Some(session.token.expire_time.into()),
            user: Some(session.user.into()),
            refresh_token: session
                .refresh_token
                .map(|token| token.expose())
                .unwrap_or_default(),
            refresh_token_expire_time: Some(session.expire_time.into()),
        }
    }
}

impl From<SignUpState> for ProtoSignUpState {
    fn from(state: SignUpState) -> Self {
        Self {
            sign_up_open: state.open,
            administrator_missing: state.administrator_missing,
            invitation_valid: state.invitation_valid,
        }
    }
}

pub(super) fn proto_role(role: Role) -> ProtoRole {
    match role {
        Role::Member => ProtoRole::Member,
        Role::Admin => ProtoRole::Admin,
    }
}
