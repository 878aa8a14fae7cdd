//! The tour of the README with the real grpcurl, which knows the services by reflection alone.

use serde_json::{Value, json};
use tonic::Code;

use crate::support::{Addresses, Grpcurl, System};

pub(crate) const THOUGHTS: &str = "mythoughts.thoughts.v1.ThoughtsService";
pub(crate) const USERS: &str = "mythoughts.users.v1.UsersService";

#[tokio::test]
async fn a_developer_finds_out_what_is_served() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    finds_out_what_is_served(&grpcurl, &system);
}

#[tokio::test]
async fn s19_reflection_can_be_switched_off() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::start(&[("REFLECTION", "off")]).await;
    for address in [&system.thoughts, &system.users] {
        let said = grpcurl.is_not_told(address);
        assert!(
            said.contains("server does not support the reflection API"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_health_of_each_service_and_of_the_whole_is_told() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    asks_for_the_health(&grpcurl, &system);
}

#[tokio::test]
async fn a_thought_is_written_listed_found_and_deleted() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    writes_lists_finds_and_deletes(&grpcurl, &system);
}

#[tokio::test]
async fn a_thought_is_changed_deleted_and_brought_back() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    let bruce = grpcurl.signs_in(&system, "bruce");
    let thoughts = |rpc: &str, request: &Value| {
        grpcurl.calls(
            &system.thoughts,
            &format!("{THOUGHTS}/{rpc}"),
            Some(&bruce),
            request,
        )
    };

    let written = thoughts("CreateThought", &json!({ "text": "a draft" })).unwrap();
    let id = json!({ "id": written["id"] });
    let update = |text: &str| {
        let thought = json!({ "id": written["id"], "text": text });
        // grpcurl does not know the short form of a FieldMask.
        let mask = json!({ "paths": ["text"] });
        let request = json!({ "thought": thought, "updateMask": mask, "etag": written["etag"] });
        thoughts("UpdateThought", &request)
    };
    let updated = update("a thought").unwrap();
    assert_eq!(updated["text"], "a thought");
    assert_eq!(update("a thought").unwrap(), updated, "made again");
    assert_eq!(update("another").unwrap_err().code, Code::Aborted);
    let revisions = thoughts("ListThoughtRevisions", &id).unwrap();
    assert_eq!(revisions["revisions"][0]["text"], "a draft");

    thoughts("DeleteThought", &id).unwrap();
    let trash = thoughts("ListThoughts", &json!({ "onlyDeleted": true })).unwrap();
    assert_eq!(trash["thoughts"][0]["id"], written["id"]);
    assert_eq!(
        update("another").unwrap_err().code,
        Code::FailedPrecondition
    );
    assert_eq!(thoughts("UndeleteThought", &id).unwrap(), updated);
    assert_eq!(thoughts("GetThought", &id).unwrap(), updated);
}

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    let bruce = grpcurl.signs_in(&system, "bruce");
    let refused = |rpc: &str, token: Option<&str>, request: Value| {
        grpcurl
            .calls(
                &system.thoughts,
                &format!("{THOUGHTS}/{rpc}"),
                token,
                &request,
            )
            .unwrap_err()
    };

    let text = json!({ "text": "hello" });
    assert_eq!(
        refused("CreateThought", None, text.clone()).code,
        Code::Unauthenticated
    );
    let forged = format!("{}x", &bruce[..bruce.len() - 2]);
    for token in ["nonsense", &forged] {
        assert_eq!(
            refused("CreateThought", Some(token), text.clone()).code,
            Code::Unauthenticated
        );
        assert_eq!(
            refused("ListThoughts", Some(token), json!({})).code,
            Code::Unauthenticated
        );
    }

    for (rpc, request, field) in [
        ("GetThought", json!({ "id": "not-an-id" }), "id"),
        ("ListThoughts", json!({ "pageSize": 101 }), "page_size"),
        ("ListThoughts", json!({ "pageToken": "x" }), "page_token"),
        ("CreateThought", json!({ "text": " " }), "text"),
        ("CreateThought", json!({ "text": "x".repeat(251) }), "text"),
    ] {
        let refusal = refused(rpc, Some(&bruce), request);
        assert_eq!(
            refusal.code,
            Code::InvalidArgument,
            "{rpc}: {}",
            refusal.text
        );
        // grpcurl itself does not know google.rpc's messages; their names and our text it shows.
        let told = refusal.text.contains("google.rpc.BadRequest")
            && refusal.text.contains(&format!("Message: {field}: "));
        assert!(told, "{rpc} does not say which field: {}", refusal.text);
    }

    let wrong = json!({ "username": "bruce", "password": "wrong" });
    let unknown = json!({ "username": "nobody", "password": "wrong" });
    let login = |request| grpcurl.calls(&system.users, &format!("{USERS}/Login"), None, request);
    let (wrong, unknown) = (login(&wrong).unwrap_err(), login(&unknown).unwrap_err());
    assert_eq!(wrong.code, Code::Unauthenticated);
    assert_eq!(
        wrong.text, unknown.text,
        "a wrong password and an unknown name look the same"
    );
}

/// All of it, in a system with the example data and nothing else.
pub(crate) fn tour(system: &Addresses) {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    finds_out_what_is_served(&grpcurl, system);
    asks_for_the_health(&grpcurl, system);
    writes_lists_finds_and_deletes(&grpcurl, system);
}

fn finds_out_what_is_served(grpcurl: &Grpcurl, system: &Addresses) {
    for (address, service, request) in [
        (
            &system.thoughts,
            THOUGHTS,
            "mythoughts.thoughts.v1.CreateThoughtRequest",
        ),
        (&system.users, USERS, "mythoughts.users.v1.LoginRequest"),
    ] {
        let listed = grpcurl.asks(address, &["list"]);
        let listed: Vec<_> = listed.lines().collect();
        for name in [service, "grpc.health.v1.Health"] {
            assert!(listed.contains(&name), "{name} is not among {listed:?}");
            let described = grpcurl.asks(address, &["describe", name]);
            assert!(described.contains("rpc "), "{described}");
        }
        assert!(
            grpcurl
                .asks(address, &["describe", request])
                .contains("message")
        );
    }
}

fn asks_for_the_health(grpcurl: &Grpcurl, system: &Addresses) {
    for (address, service) in [(&system.thoughts, THOUGHTS), (&system.users, USERS)] {
        let rpc = "grpc.health.v1.Health/Check";
        for name in [service, ""] {
            let health = grpcurl
                .calls(address, rpc, None, &json!({ "service": name }))
                .unwrap();
            assert_eq!(health["status"], "SERVING", "{name:?}");
        }
        let unknown = grpcurl.calls(address, rpc, None, &json!({ "service": "nobody.Knows" }));
        assert_eq!(unknown.unwrap_err().code, Code::NotFound);
    }
}

fn writes_lists_finds_and_deletes(grpcurl: &Grpcurl, system: &Addresses) {
    let bruce = grpcurl.signs_in(system, "bruce");
    let thoughts = |rpc: &str, request: &Value| {
        grpcurl.calls(
            &system.thoughts,
            &format!("{THOUGHTS}/{rpc}"),
            Some(&bruce),
            request,
        )
    };

    let text = "The platypus 京都 shrugged at 100%";
    let request = json!({ "text": text, "requestId": "019aaaaa-0000-7000-8000-000000000001" });
    let written = thoughts("CreateThought", &request).unwrap();
    assert_eq!(written["author"], "bruce");
    assert_eq!(written["text"], text);
    assert_eq!(written["visibility"], "VISIBILITY_PUBLIC");
    let again = thoughts("CreateThought", &request).unwrap();
    assert_eq!(
        again, written,
        "the same request_id makes no second thought"
    );
    let other = json!({ "text": "another", "requestId": request["requestId"] });
    assert_eq!(
        thoughts("CreateThought", &other).unwrap_err().code,
        Code::AlreadyExists
    );

    let own = thoughts("ListThoughts", &json!({ "author": "bruce", "pageSize": 3 })).unwrap();
    assert_eq!(own["thoughts"].as_array().unwrap().len(), 3);
    assert_eq!(own["thoughts"][0], written, "newest first");
    let rest = json!({ "author": "bruce", "pageSize": 3, "pageToken": own["nextPageToken"] });
    let rest = thoughts("ListThoughts", &rest).unwrap();
    assert_eq!(
        rest["thoughts"].as_array().unwrap().len(),
        1,
        "bruce has three examples and this"
    );

    for query in ["SHRUG", "京", "\"shrugged at\" 100%"] {
        let found = thoughts("SearchThoughts", &json!({ "query": query })).unwrap();
        assert_eq!(found["thoughts"], json!([written]), "{query}");
    }
    let found = thoughts("SearchThoughts", &json!({ "query": "%_%" })).unwrap();
    assert_eq!(found["thoughts"], json!(null), "{found}");

    let id = json!({ "id": written["id"] });
    assert_eq!(thoughts("GetThought", &id).unwrap(), written);
    let for_ever = json!({ "id": written["id"], "permanently": true });
    assert_eq!(thoughts("DeleteThought", &for_ever).unwrap(), json!({}));
    assert_eq!(
        thoughts("GetThought", &id).unwrap_err().code,
        Code::NotFound
    );
}
