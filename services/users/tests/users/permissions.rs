//! Who may call what: every rpc of the contract, for everybody.

use std::collections::BTreeSet;

use api::{
    FILE_DESCRIPTOR_SET,
    users::v1::{Role, Scope},
};
use database::testing::on_each_engine;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic::{Code, Status};
use users_backend::signing::ServicePass;
use uuid::Uuid;

use crate::support::{Backend, PASSWORD, Person, expired_token, service_token, signing_key};

/// What nobody, a member, an administrator, a bearer of an altered token and of an administrator's
/// expired one, a script with an administrator's personal access token, and a service get.
type Answers = [Code; 7];

const NO_TOKEN: Code = Code::Unauthenticated;
const DENIED: Code = Code::PermissionDenied;

const ANYONE: Answers = [Code::Ok; 7];
const NAMED: Answers = answers(Code::Ok, Code::Ok, Code::Ok, NO_TOKEN);
const IN_PERSON: Answers = answers(Code::Ok, Code::Ok, DENIED, NO_TOKEN);
const ADMINISTRATORS: Answers = answers(DENIED, Code::Ok, DENIED, NO_TOKEN);
const SERVICES: Answers = answers(DENIED, DENIED, DENIED, Code::Ok);

const TABLE: [(&str, Answers); 23] = [
    ("Login", ANYONE),
    ("RefreshSession", ANYONE),
    ("Logout", ANYONE),
    ("ChangePassword", IN_PERSON),
    ("ListSessions", IN_PERSON),
    ("RevokeSession", finding_nothing(IN_PERSON)),
    ("CreateUser", ADMINISTRATORS),
    ("GetSignUpState", ANYONE),
    ("GetCurrentUser", NAMED),
    ("GetUser", NAMED),
    ("ListUsers", ADMINISTRATORS),
    ("UpdateUser", ADMINISTRATORS),
    ("DeleteUser", ADMINISTRATORS),
    ("CreateInvitation", ADMINISTRATORS),
    ("ListInvitations", ADMINISTRATORS),
    ("RevokeInvitation", finding_nothing(ADMINISTRATORS)),
    ("CreatePasswordReset", ADMINISTRATORS),
    ("ResetPassword", [DENIED; 7]),
    ("CreateAccessToken", IN_PERSON),
    ("ListAccessTokens", IN_PERSON),
    ("RevokeAccessToken", finding_nothing(IN_PERSON)),
    ("VerifyAccessToken", finding_nothing(SERVICES)),
    ("GetKeySet", ANYONE),
];

/// The answers of an rpc that looks at the token: whoever has no good one gets nowhere.
const fn answers(member: Code, administrator: Code, script: Code, service: Code) -> Answers {
    [
        NO_TOKEN,
        member,
        administrator,
        NO_TOKEN,
        NO_TOKEN,
        script,
        service,
    ]
}

/// The answers where what is asked for does not exist: who may not ask learns nothing of that.
const fn finding_nothing(mut answers: Answers) -> Answers {
    let mut who = 0;
    while who < answers.len() {
        if matches!(answers[who], Code::Ok) {
            answers[who] = Code::NotFound;
        }
        who += 1;
    }
    answers
}

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
        "CreateAccessToken" => person.makes_token("mine", Scope::Read).await.map(drop),
        "ListAccessTokens" => person.tokens().await.map(drop),
        // Nobody has that token.
        "RevokeAccessToken" => person.revokes_token(&Uuid::nil().to_string()).await,
        "VerifyAccessToken" => person.verifies("mt_nobody").await.map(drop),
        "GetKeySet" => person.key_set().await.map(drop),
        other => panic!("no call for {other}"),
    }
}

#[tokio::test]
async fn s14_every_rpc_is_open_to_whom_the_contract_says() {
    on_each_engine(async |fresh| {
        let key = signing_key();
        let service = service_token(&key, ServicePass::FromThoughts);
        let (backend, ada) = Backend::start_with_key(fresh, key.clone()).await;
        ada.adds("bruce", Role::Member).await.unwrap();
        // Somebody whose password nobody changes here.
        ada.adds("carol", Role::Admin).await.unwrap();
        let carol = backend.sign_in("carol", PASSWORD).await;
        let (_, script) = carol.script(Scope::ReadWrite).await;
        let nobody = backend.nobody().await;
        let bruce = backend.sign_in("bruce", PASSWORD).await;
        let altered = nobody.with_token(&altered(bruce.token.as_ref().unwrap()));
        let expired = nobody.with_token(&expired_token(&key, &ada.me().await.unwrap()));
        let service = nobody.with_token(&service);
        let people = [
            ("nobody", nobody),
            ("bruce", bruce),
            ("ada", ada),
            ("an altered token", altered),
            ("an expired token", expired),
            ("a script", script),
            ("a service", service),
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
