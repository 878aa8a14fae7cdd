//! Who may call what: every rpc of the contract, for everybody.

use std::collections::BTreeSet;

use api::{
    FILE_DESCRIPTOR_SET,
    thoughts::v1::{ListTagsRequest, WatchThoughtsRequest},
    users::v1::{Role, Scope},
};
use database::testing::on_each_engine;
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use runtime::auth::{self, Claims, THOUGHTS_BACKEND, USERS_BACKEND};
use tonic::{
    Code::{self, NotFound, Ok as Fine, PermissionDenied as Denied, Unauthenticated as Unknown},
    Status,
};
use uuid::Uuid;

use crate::{
    support::{Person, System, claims},
    users::service_token,
};

/// An rpc, and what each of [`PEOPLE`] gets from it, about a thought of bruce's.
const TABLE: [(&str, [Code; 9]); 15] = [
    (
        "CreateThought",
        [
            Unknown, Fine, Fine, Fine, Unknown, Unknown, Denied, Fine, Unknown,
        ],
    ),
    (
        "GetThought",
        [
            NotFound, NotFound, Fine, NotFound, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "DeleteThought",
        [
            Unknown, Denied, Fine, Fine, Unknown, Unknown, Denied, Fine, Unknown,
        ],
    ),
    (
        "UpdateThought",
        [
            Unknown, Denied, Fine, Denied, Unknown, Unknown, Denied, Fine, Unknown,
        ],
    ),
    (
        "UndeleteThought",
        [
            Unknown, NotFound, Fine, NotFound, Unknown, Unknown, Denied, Fine, Unknown,
        ],
    ),
    (
        "ListThoughtRevisions",
        [
            Unknown, Denied, Fine, Denied, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "ListThoughts",
        [
            Fine, Fine, Fine, Fine, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "SearchThoughts",
        [
            Fine, Fine, Fine, Fine, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "WatchThoughts",
        [
            Fine, Fine, Fine, Fine, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "ListTags",
        [
            Fine, Fine, Fine, Fine, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "ExportThoughts",
        [
            Unknown, Fine, Fine, Fine, Unknown, Unknown, Fine, Fine, Unknown,
        ],
    ),
    (
        "ImportThoughts",
        [
            Unknown, Fine, Fine, Fine, Unknown, Unknown, Denied, Fine, Unknown,
        ],
    ),
    // It looks at no token.
    ("GetLimits", [Fine; 9]),
    (
        "PurgeAuthor",
        [
            Unknown, Denied, Denied, Denied, Unknown, Unknown, Denied, Denied, Fine,
        ],
    ),
    (
        "PutServiceToken",
        [
            Unknown, Denied, Denied, Denied, Unknown, Unknown, Denied, Denied, Fine,
        ],
    ),
];

const PEOPLE: [&str; 9] = [
    "nobody",
    "another",
    "the author",
    "an administrator",
    "the author, expired",
    "an altered token",
    "the author's token for reading",
    "the author's token for writing",
    "the users backend",
];

#[tokio::test]
async fn s14_every_rpc_is_open_to_whom_the_contract_says() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let for_us = service_token(&system.key, THOUGHTS_BACKEND, USERS_BACKEND, 900);
        let users = system.users_backend(&system.backend);
        users.hands_over(&for_us).await.expect("taken up");
        let people = people(&system);
        for (rpc, expected) in TABLE {
            for ((who, person), expected) in PEOPLE.iter().zip(&people).zip(expected) {
                let outcome = call(&system, person, rpc, &for_us).await;
                let code = outcome.map_or_else(|status| status.code(), |()| Code::Ok);
                assert_eq!(code, expected, "{rpc} for {who}");
            }
        }
        system.stop().await;
    })
    .await;
}

#[test]
fn s14_the_table_names_every_rpc() {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("descriptors");
    let services = files.file.iter().flat_map(|file| &file.service);
    let thoughts = services.filter(|service| service.name() == "ThoughtsService");
    let rpcs: BTreeSet<_> = thoughts
        .flat_map(|service| &service.method)
        .map(MethodDescriptorProto::name)
        .collect();
    assert_eq!(rpcs, TABLE.iter().map(|(rpc, _)| *rpc).collect());
}

fn people(system: &System) -> [Person; 9] {
    let known = &system.users.known;
    known.add("mt_reads", "bruce", Role::Admin, Scope::Read);
    known.add("mt_writes", "bruce", Role::Admin, Scope::ReadWrite);
    let backend = &system.backend;
    let bruce = claims("bruce", auth::Role::Member);
    let expired = system.key.sign(&Claims {
        exp: bruce.iat,
        ..bruce.clone()
    });
    let mut altered = system.key.sign(&bruce);
    altered.insert(altered.len() / 2, 'A');
    [
        backend.nobody(),
        system.member("stephen"),
        system.member("bruce"),
        system.administrator("ada"),
        backend.with_token(expired),
        backend.with_token(altered),
        backend.with_token("mt_reads"),
        backend.with_token("mt_writes"),
        system.users_backend(backend),
    ]
}

async fn call(
    system: &System,
    person: &Person,
    rpc: &str,
    service_token: &str,
) -> Result<(), Status> {
    let bruce = system.member("bruce");
    match rpc {
        "CreateThought" => person.writes("a thought").await.map(drop),
        "GetThought" => person
            .reads(&bruce.notes("private").await?.id)
            .await
            .map(drop),
        "DeleteThought" => person.deletes(&bruce.writes("public").await?.id).await,
        "UpdateThought" => {
            let thought = bruce.writes("public").await?;
            person.edits(&thought, "changed").await.map(drop)
        }
        "UndeleteThought" => {
            let id = bruce.writes("public").await?.id;
            bruce.deletes(&id).await?;
            person.undeletes(&id).await.map(drop)
        }
        "ListThoughtRevisions" => {
            let id = bruce.writes("public").await?.id;
            person.revisions(&id, 0, "").await.map(drop)
        }
        "ListThoughts" => person.lists("").await.map(drop),
        "SearchThoughts" => person.searches("").await.map(drop),
        "ExportThoughts" => person.exports().await.map(drop),
        "ImportThoughts" => person.imports(Vec::new()).await.map(drop),
        "WatchThoughts" => person
            .watches(WatchThoughtsRequest::default())
            .await
            .map(drop),
        "GetLimits" => person.asks_for_limits().await.map(drop),
        "ListTags" => person
            .lists_tags(ListTagsRequest::default())
            .await
            .map(drop),
        // Nobody has that id.
        "PurgeAuthor" => person.purges(&Uuid::nil().to_string()).await,
        "PutServiceToken" => person.hands_over(service_token).await,
        other => panic!("no call for {other}"),
    }
}
