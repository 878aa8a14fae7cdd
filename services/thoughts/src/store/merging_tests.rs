//! What merging makes of the index.

use database::testing::Fresh;

use super::{
    tests::{BRUCE, opened, public},
    *,
};
use crate::{page::PageRequest, query::SearchQuery};

#[tokio::test]
async fn the_index_is_merged_into_few_parts_and_finds_the_same() {
    let fresh = Fresh::sqlite();
    let store = opened(&fresh).await;
    for n in 0..60 {
        store
            .create(&public(BRUCE, n, "a platypus"), None)
            .await
            .unwrap();
    }
    let before = parts(&store).await;
    let mut steps = 0;
    while store.merge_index().await.unwrap() {
        steps += 1;
        assert!(steps < 100, "it comes to an end");
    }
    let after = parts(&store).await;
    assert!(after < before && after <= 2, "{before}, then {after}");
    let query = SearchQuery::parse("platypus").unwrap();
    let page = PageRequest {
        size: 100,
        before: None,
    };
    let found = store.search(None, &query, page).await.unwrap();
    assert_eq!(found.thoughts.len(), 60);
}

async fn parts(store: &Store) -> i64 {
    let parts: Result<i64, _> = database::read!(store.database, |conn| {
        sqlx::query_scalar("SELECT count(DISTINCT segid) FROM thoughts_pieces_idx")
            .fetch_one(&mut *conn)
            .await
    });
    parts.unwrap()
}
