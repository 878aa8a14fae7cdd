//! An older program and a newer one on one database.

use database::{Engine, testing::on_each_engine};
use sqlx::migrate::Migrator;

use super::{
    tests::{BRUCE, opened, page, private, public, texts},
    *,
};
use crate::{fold::fold, page::TagPageRequest, query::SearchQuery};

/// The schema as the first version of this program made it.
fn first_version() -> Migrations {
    let first = |mut all: Migrator| {
        all.migrations.to_mut().truncate(1);
        all
    };
    Migrations::new(
        first(sqlx::migrate!("migrations/sqlite")),
        first(sqlx::migrate!("migrations/postgres")),
    )
}

/// Writes a thought and lists all as the first version did; their texts, newest first.
async fn works_as_before(old: &Database, thought: &Thought) -> Vec<String> {
    let engine = old.engine();
    let folded = fold(&thought.text);
    let written: Result<(), _> = database::write!(old, |conn| {
        sqlx::query(
            "INSERT INTO thoughts
                 (position, id, author_id, author, text, folded, visibility, update_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (position) DO NOTHING",
        )
        .bind(thought.create_time.as_micros())
        .bind(thought.id)
        .bind(thought.author.id)
        .bind(&thought.author.username)
        .bind(&thought.text)
        .bind(&folded)
        .bind(write::number(thought.visibility))
        .bind(thought.update_time.as_micros())
        .execute(&mut *conn)
        .await?;
        if engine == Engine::Sqlite {
            sqlx::query(sqlite::INDEX)
                .bind(thought.create_time.as_micros())
                .bind(sqlite::document(thought, &folded))
                .execute(&mut *conn)
                .await?;
        }
        Ok(())
    });
    written.unwrap();
    let listed: Result<Vec<(String,)>, _> = database::read!(old, |conn| {
        sqlx::query_as("SELECT text FROM thoughts ORDER BY position DESC")
            .fetch_all(&mut *conn)
            .await
    });
    listed.unwrap().into_iter().map(|(text,)| text).collect()
}

#[tokio::test]
async fn r16_two_replicas_upgrade_at_once_and_the_old_program_goes_on() {
    on_each_engine(async |fresh| {
        let old = fresh.open(&first_version()).await;
        let first = public(BRUCE, 1, "from before #tag");
        assert_eq!(works_as_before(&old, &first).await, ["from before #tag"]);
        let (one, other) = tokio::join!(opened(fresh), opened(fresh));
        let second = private(BRUCE, 2, "meanwhile #tag");
        let both = ["meanwhile #tag", "from before #tag"];
        assert_eq!(works_as_before(&old, &second).await, both);
        for store in [&one, &other] {
            let all = page(10, None);
            let listed = store.list(Some(BRUCE), None, all).await.unwrap();
            assert_eq!(texts(&listed), both);
            let query = SearchQuery::parse("fore").unwrap();
            let found = store.search(None, &query, all).await.unwrap();
            assert_eq!(texts(&found), ["from before #tag"]);
            store.tag_untagged(10).await.unwrap();
            let tags = TagPageRequest {
                size: 10,
                behind: None,
            };
            let tags = store.tags(Some(BRUCE), None, &tags).await.unwrap();
            assert_eq!(tags.tags[0].thought_count, 2);
        }
        // It may also start again on the newer schema.
        old.close().await;
        let old = fresh.open(&first_version()).await;
        let third = public(BRUCE, 3, "and on");
        assert_eq!(works_as_before(&old, &third).await.len(), 3);
        // What the new one leaves is what the old one finds.
        assert!(
            one.delete(first.id, BRUCE, first.create_time)
                .await
                .unwrap()
        );
        let fourth = public(BRUCE, 4, "to the end");
        let left = works_as_before(&old, &fourth).await;
        assert_eq!(left, ["to the end", "and on", "meanwhile #tag"]);
        for database in [&one, &other] {
            database.close().await;
        }
        old.close().await;
    })
    .await;
}
