//! Personal access tokens: what a script may do with one, and what it may not.

use api::{
    thoughts::v1::{
        CreateThoughtRequest, DeleteThoughtRequest, ListThoughtsRequest, PurgeAuthorRequest,
        PutServiceTokenRequest, Visibility,
    },
    users::v1::{self as users, AccessToken, CreateAccessTokenRequest, Scope},
};
use runtime::clock::{Clock, Timestamp};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::{
    grpcurl::{THOUGHTS, USERS},
    support::{ADMIN_PASSWORD, Caller, Grpcurl, Refusal, System, eventually},
};

#[tokio::test]
async fn a_script_reads_and_writes_within_its_scope_until_its_token_is_revoked() {
    let system = System::with_examples().await;
    let nobody = Caller::new(&system.thoughts, &system.users);
    let bruce = nobody.signs_in("bruce", "bruce").await;
    let (writing, reading, unused) = (
        creates(&bruce, "backup", Scope::ReadWrite).await,
        creates(&bruce, "display", Scope::Read).await,
        creates(&bruce, "for later", Scope::ReadWrite).await,
    );
    let script = nobody.with_token(&writing.access_token);
    let display = nobody.with_token(&reading.access_token);
    knows_tokens(&script).await;

    let secret = writes(&script, "by the script").await.unwrap();
    for (reader, sees) in [(&display, true), (&script, true), (&nobody, false)] {
        let texts = lists(reader).await.unwrap();
        assert_eq!(texts.contains(&"by the script".to_owned()), sees);
    }
    for who in [&script, &display] {
        let me = who.asks(users::GetCurrentUserRequest {});
        let me = who.users().get_current_user(me).await.unwrap();
        assert_eq!(me.into_inner().username, "bruce");
        let stephen = users::GetUserRequest {
            username: "stephen".to_owned(),
        };
        who.users().get_user(who.asks(stephen)).await.unwrap();
    }
    let refused = writes(&display, "no").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = deletes(&display, &secret).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    deletes(&script, &secret).await.unwrap();

    // Where tokens are kept a revoked one is dead at once, and so it is where it was never used.
    for token in [&writing, &unused] {
        let id = token.id.clone();
        let revoke = bruce.asks(users::RevokeAccessTokenRequest { id });
        bruce.users().revoke_access_token(revoke).await.unwrap();
    }
    let me = script.asks(users::GetCurrentUserRequest {});
    let refused = script.users().get_current_user(me).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let later = nobody.with_token(&unused.access_token);
    let refused = lists(&later).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    lists(&display).await.unwrap();
}

#[tokio::test]
async fn s14_an_administrators_script_has_no_business_with_accounts_sessions_and_tokens() {
    let system = System::with_administrator().await;
    let nobody = Caller::new(&system.thoughts, &system.users);
    let ada = nobody.signs_in("ada", ADMIN_PASSWORD).await;
    let token = creates(&ada, "too mighty", Scope::ReadWrite).await;
    let script = nobody.with_token(&token.access_token);
    knows_tokens(&script).await;
    // What each rpc answers to an empty message: who may call is looked at before what is said.
    macro_rules! refused {
        ($client:ident: $($rpc:ident $request:path,)*) => {$({
            let asked = script.asks(<$request>::default());
            let refused = script.$client().$rpc(asked).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{}", stringify!($rpc));
        })*};
    }
    refused! { users:
        change_password users::ChangePasswordRequest,
        list_sessions users::ListSessionsRequest,
        revoke_session users::RevokeSessionRequest,
        create_user users::CreateUserRequest,
        list_users users::ListUsersRequest,
        update_user users::UpdateUserRequest,
        delete_user users::DeleteUserRequest,
        create_invitation users::CreateInvitationRequest,
        list_invitations users::ListInvitationsRequest,
        revoke_invitation users::RevokeInvitationRequest,
        create_password_reset users::CreatePasswordResetRequest,
        create_access_token users::CreateAccessTokenRequest,
        list_access_tokens users::ListAccessTokensRequest,
        revoke_access_token users::RevokeAccessTokenRequest,
        verify_access_token users::VerifyAccessTokenRequest,
    }
    refused! { thoughts:
        purge_author PurgeAuthorRequest,
        put_service_token PutServiceTokenRequest,
    }
    // Nor is it an administrator where thoughts are moderated.
    let bruce = nobody.signs_in("bruce", "bruce").await;
    let rude = says(&bruce, "rude", Visibility::Public).await.unwrap();
    let refused = deletes(&script, &rude).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    deletes(&ada, &rude).await.unwrap();
}

#[tokio::test]
async fn grpcurl_makes_a_token_that_speaks_for_its_owner_on_both_backends() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let system = System::with_examples().await;
    let bruce = grpcurl.signs_in(&system, "bruce");
    let users = |rpc: &str, token: &str, request: &Value| {
        let rpc = format!("{USERS}/{rpc}");
        grpcurl.calls(&system.users, &rpc, Some(token), request)
    };
    let thoughts = |rpc: &str, token: &str, request: &Value| {
        let rpc = format!("{THOUGHTS}/{rpc}");
        grpcurl.calls(&system.thoughts, &rpc, Some(token), request)
    };

    let create = |name: &str, scope: &str| {
        let request =
            json!({ "displayName": name, "scope": scope, "expireTime": tomorrow().to_string() });
        users("CreateAccessToken", &bruce, &request)
    };
    let made = create("nightly", "SCOPE_READ_WRITE").unwrap();
    let script = made["accessToken"].as_str().unwrap();
    assert!(script.starts_with("mt_"), "{made}");
    let display = create("display", "SCOPE_READ").unwrap();
    let display = display["accessToken"].as_str().unwrap();
    let unseen = create("\u{200b}", "SCOPE_READ").unwrap_err();
    assert_eq!(unseen.code, Code::InvalidArgument);
    assert!(unseen.text.contains("display_name: "), "{}", unseen.text);
    knows_tokens(&Caller::new(&system.thoughts, &system.users).with_token(script)).await;

    let me = users("GetCurrentUser", script, &json!({})).unwrap();
    assert_eq!(me["username"], "bruce");
    let secret = json!({ "text": "by a script", "visibility": "VISIBILITY_PRIVATE" });
    let written = thoughts("CreateThought", script, &secret).unwrap();
    assert_eq!(written["author"], "bruce");
    let id = json!({ "id": written["id"] });
    assert_eq!(thoughts("GetThought", display, &id).unwrap(), written);

    let forbidden = |refused: Result<Value, Refusal>| {
        assert_eq!(refused.unwrap_err().code, Code::PermissionDenied);
    };
    forbidden(thoughts("CreateThought", display, &secret));
    let change = json!({ "currentPassword": "bruce", "newPassword": "another bruce" });
    forbidden(users("ChangePassword", script, &change));
    let listed = users("ListAccessTokens", &bruce, &json!({})).unwrap();
    assert_eq!(listed["accessTokens"].as_array().unwrap().len(), 2);

    let revoke = json!({ "id": made["id"] });
    assert_eq!(
        users("RevokeAccessToken", &bruce, &revoke).unwrap(),
        json!({})
    );
    let refused = users("GetCurrentUser", script, &json!({})).unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
}

/// A new token of `owner`'s, for a day.
pub(crate) async fn creates(owner: &Caller, display_name: &str, scope: Scope) -> AccessToken {
    let request = owner.asks(CreateAccessTokenRequest {
        display_name: display_name.to_owned(),
        expire_time: Some(tomorrow()),
        scope: scope.into(),
    });
    let created = owner.users().create_access_token(request).await;
    created.expect("a token").into_inner()
}

/// Waits until the thoughts backend has been handed what it asks the users backend with.
pub(crate) async fn knows_tokens(script: &Caller) {
    eventually(
        "the thoughts backend knows the token",
        async || match lists(script).await {
            Err(refused) if refused.code() == Code::Unavailable => None,
            outcome => Some(outcome.expect("a good token")),
        },
    )
    .await;
}

fn tomorrow() -> prost_types::Timestamp {
    let now = Clock::system().now();
    Timestamp::from_seconds(now.as_seconds() + 86_400).into()
}

async fn writes(who: &Caller, text: &str) -> Result<String, Status> {
    says(who, text, Visibility::Private).await
}

async fn says(who: &Caller, text: &str, visibility: Visibility) -> Result<String, Status> {
    let request = who.asks(CreateThoughtRequest {
        text: text.to_owned(),
        visibility: visibility.into(),
        request_id: None,
    });
    let written = who.thoughts().create_thought(request).await?;
    Ok(written.into_inner().id)
}

async fn deletes(who: &Caller, id: &str) -> Result<(), Status> {
    let request = who.asks(DeleteThoughtRequest {
        id: id.to_owned(),
        permanently: false,
    });
    who.thoughts().delete_thought(request).await.map(drop)
}

async fn lists(who: &Caller) -> Result<Vec<String>, Status> {
    let request = who.asks(ListThoughtsRequest::default());
    let listed = who.thoughts().list_thoughts(request).await?.into_inner();
    let thoughts = listed.thoughts.into_iter();
    Ok(thoughts.map(|thought| thought.text).collect())
}
