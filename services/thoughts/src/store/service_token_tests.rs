//! The service token, on each engine.

use database::testing::on_each_engine;
use runtime::clock::Timestamp;

use super::tests::opened;
use crate::service_token::ServiceToken;

fn token(text: &str, expires: i64) -> ServiceToken {
    ServiceToken::new(text.to_owned(), Timestamp::from_micros(expires))
}

#[tokio::test]
async fn the_service_token_that_ends_last_is_kept_for_all_replicas() {
    on_each_engine(async |fresh| {
        let (one, other) = (opened(fresh).await, opened(fresh).await);
        assert_eq!(one.service_token().await.expect("read"), None);
        for (put, kept) in [
            (token("first", 10), token("first", 10)),
            (token("earlier", 9), token("first", 10)),
            (token("as late", 10), token("first", 10)),
            (token("later", 11), token("later", 11)),
        ] {
            one.put_service_token(&put).await.expect("put");
            let found = other.service_token().await.expect("read");
            assert_eq!(
                found.map(|it| it.text().to_owned()),
                Some(kept.text().to_owned())
            );
            let found = other.service_token().await.expect("read");
            assert_eq!(found, Some(kept));
        }
        one.close().await;
        other.close().await;
    })
    .await;
}

#[test]
fn a_service_token_is_never_shown() {
    assert!(!format!("{:?}", token("secret", 1)).contains("secret"));
}
