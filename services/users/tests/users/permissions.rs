//! Who may call what: every rpc of the contract, for everybody.

use std::collections::BTreeSet;

use api::{FILE_DESCRIPTOR_SET, users::v1::Role};
use database::testing::on_each_engine;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::{Backend, PASSWORD, Person};

/// An rpc, and what nobody, a member, an administrator and a bearer of a bad token get.
const TABLE: [(&str, [Code; 4]); 19] = [
    ("Login", [Code::Ok, Code::Ok, Code::Ok, Code::Ok]),
    ("RefreshSession", [Code::Ok, Code::Ok, Code::Ok, Code::Ok]),
    ("Logout", [Code::Ok, Code::Ok, Code::Ok, Code::Ok]),
    (
        "ChangePassword",
        [
            Code::Unauthenticated,
            Code::Ok,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "ListSessions",
        [
            Code::Unauthenticated,
            Code::Ok,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "RevokeSession",
        [
            Code::Unauthenticated,
            Code::NotFound,
            Code::NotFound,
            Code::Unauthenticated,
        ],
    ),
    (
        "CreateUser",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    ("GetSignUpState", [Code::Ok, Code::Ok, Code::Ok, Code::Ok]),
    (
        "GetCurrentUser",
        [
            Code::Unauthenticated,
            Code::Ok,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "GetUser",
        [
            Code::Unauthenticated,
            Code::Ok,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "ListUsers",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "UpdateUser",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "DeleteUser",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "CreateInvitation",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "ListInvitations",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    (
        "RevokeInvitation",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::NotFound,
            Code::Unauthenticated,
        ],
    ),
    (
        "CreatePasswordReset",
        [
            Code::Unauthenticated,
            Code::PermissionDenied,
            Code::Ok,
            Code::Unauthenticated,
        ],
    ),
    ("ResetPassword", [Code::PermissionDenied; 4]),
    ("GetKeySet", [Code::Ok, Code::Ok, Code::Ok, Code::Ok]),
];

async fn call(person: &Person, rpc: &str) -> Result<(), Status> {
    match rpc {
        "Login" => person.login("ada", PASSWORD).await.map(drop),
        "RefreshSession" => {
            let session = person.login("ada", PASSWORD).await?;
            person.refreshes(&session.refresh_token).await.map(drop)
        }
        "Logout" => {
            let session = person.login("ada", PASSWORD).await?;
            person.logs_out(&session.refresh_token).await
        }
        "ChangePassword" => person.changes_password(PASSWORD, PASSWORD).await.map(drop),
        "ListSessions" => person.sessions().await.map(drop),
        // Nobody has that session.
        "RevokeSession" => person.revokes(&Uuid::nil().to_string()).await,
        "CreateUser" => person.adds("heidi", Role::Member).await.map(drop),
        "GetSignUpState" => person.sign_up_state().await.map(drop),
        "GetCurrentUser" => person.me().await.map(drop),
        "GetUser" => person.looks_up("ada").await.map(drop),
        "ListUsers" => person.lists(0, "").await.map(drop),
        "UpdateUser" => person.gives("ada", Role::Admin).await.map(drop),
        // Whom CreateUser has made.
        "DeleteUser" => person.deletes("heidi").await,
        "CreateInvitation" => person.invites(Role::Member).await.map(drop),
        "ListInvitations" => person.invitations(0, "").await.map(drop),
        // Nobody has that invitation.
        "RevokeInvitation" => person.uninvites(&Uuid::nil().to_string()).await,
        "CreatePasswordReset" => person.lets_reset("ada").await.map(drop),
        // Whoever has no code may not.
        "ResetPassword" => person.resets("guess", PASSWORD).await,
        "GetKeySet" => person.key_set().await.map(drop),
        other => panic!("no call for {other}"),
    }
}

#[tokio::test]
async fn s14_every_rpc_is_open_to_whom_the_contract_says() {
    on_each_engine(async |fresh| {
        let (backend, ada) = Backend::start_with_ada(fresh).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        let nobody = backend.nobody().await;
        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let altered = nobody.with_token(&altered(bruce.token.as_ref().unwrap()));
        let people = [
            ("nobody", nobody),
            ("bruce", bruce),
            ("ada", ada),
            ("a bad token", altered),
        ];
        for (rpc, expected) in TABLE {
            for ((who, person), expected) in people.iter().zip(expected) {
                let code = call(person, rpc)
                    .await
                    .map_or_else(|status| status.code(), |()| Code::Ok);
                assert_eq!(code, expected, "{rpc} for {who}");
            }
        }
        backend.stop().await.unwrap();
    })
    .await;
}

#[test]
fn s14_the_table_names_every_rpc() {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let services = files.file.iter().flat_map(|file| &file.service);
    let users = services.filter(|service| service.name() == "UsersService");
    let rpcs: BTreeSet<_> = users
        .flat_map(|service| &service.method)
        .map(MethodDescriptorProto::name)
        .collect();
    assert_eq!(rpcs, TABLE.iter().map(|(rpc, _)| *rpc).collect());
}

/// The token with one character of its claims changed.
fn altered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let last = if claims.ends_with('A') { 'B' } else { 'A' };
    format!("{header}.{}{last}.{signature}", &claims[..claims.len() - 1])
}
