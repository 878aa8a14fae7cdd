//! The move from SQLite to PostgreSQL: everything arrives, and answers as before.

use std::future::pending;

use database::{
    Engine,
    testing::{Fresh, each_engine},
};

use super::{
    list_tests::draft,
    tests::{BRUCE, STEPHEN, opened, page, private, public, request, stored, texts},
    write::{INSERT, number},
    *,
};
use crate::{
    live::Bookmark,
    page::{Page, TagPageRequest},
    porting::{Outcome, Record},
    query::SearchQuery,
    revision::Revision,
    service_token::ServiceToken,
    thought::{Change, MaxLength, Thought, ThoughtText},
    trash::{Reach, TrashList},
};
use runtime::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A row at least in every table.
async fn full() -> (Fresh, Store) {
    let fresh = Fresh::sqlite();
    let store = opened(&fresh).await;
    let first = public(BRUCE, -5, "Born before 1970: 京都 #Platypus");
    let first = match store.create(&first, request(7, "first")).await.unwrap() {
        Created::New(thought) => thought,
        other => panic!("{other:?}"),
    };
    stored(&store, &private(BRUCE, 10, "a secret #platypus ✨")).await;
    stored(&store, &public(STEPHEN, 20, "STRASSE 100% #weg")).await;
    let text = ThoughtText::parse("Born long ago: 京都 #Platypus", MaxLength::default());
    let change = Change {
        text: Some(text.unwrap()),
        ..Change::default()
    };
    store
        .update(first.id, BRUCE, &change, None, NOW)
        .await
        .unwrap();
    let thrown = stored(&store, &public(BRUCE, 30, "thrown away #weg")).await;
    let reach = Reach::Own;
    assert!(
        store
            .move_to_trash(thrown.id, BRUCE, reach, NOW)
            .await
            .unwrap()
    );
    store.tag_untagged(10).await.unwrap();
    store.count_tags(100).await.unwrap();
    stored(&store, &public(STEPHEN, 40, "not counted yet #late")).await;
    let imported = Thought {
        position: 47,
        ..private(STEPHEN, 45, "as old as somebody else's")
    };
    stored(&store, &imported).await;
    assert_eq!(imports(&store).await, Outcome::Imported);
    written_by_an_older_release(&store).await;
    store.purge_author(Uuid::from_u128(3), NOW).await.unwrap();
    let token = ServiceToken::new("a token".to_owned(), NOW);
    store.put_service_token(&token).await.unwrap();
    (fresh, store)
}

/// A thought without an id, which is known again by its time and text.
async fn imports(store: &Store) -> Outcome {
    let author = public(STEPHEN, 0, "").author;
    let record = Record::new(
        author,
        draft(46, "old".to_owned()),
        NOW,
        MaxLength::default(),
    );
    let outcomes = store.import(STEPHEN, &[record.unwrap()], NOW).await;
    outcomes.unwrap().unwrap()[0]
}

/// Its tags are not known yet.
async fn written_by_an_older_release(store: &Store) {
    let old = public(STEPHEN, 50, "as long ago #old");
    let folded = crate::fold::fold(&old.text);
    let stored: Result<(), database::Error> = database::write!(store.database, |conn| {
        sqlx::query(INSERT)
            .bind(old.position)
            .bind(old.moved_by())
            .bind(old.id)
            .bind(old.author.id)
            .bind(&old.author.username)
            .bind(&old.text)
            .bind(&folded)
            .bind(number(old.visibility))
            .bind(old.update_time.as_micros())
            .execute(&mut *conn)
            .await
            .map(drop)
    });
    stored.unwrap();
}

/// Whatever can be read of everybody's.
#[derive(Debug, PartialEq)]
struct Seen {
    lists: Vec<Page>,
    found: Vec<Vec<String>>,
    tags: Vec<Vec<(String, i64)>>,
    revisions: Vec<Revision>,
    token: Option<String>,
}

async fn seen(store: &Store) -> Seen {
    let everybody = [None, Some(BRUCE), Some(STEPHEN)];
    let all = page(50, None);
    let mut seen = Seen {
        lists: Vec::new(),
        found: Vec::new(),
        tags: Vec::new(),
        revisions: Vec::new(),
        token: None,
    };
    for viewer in everybody {
        for author in [None, Some("bruce"), Some("stephen")] {
            seen.lists
                .push(store.list(viewer, author, all).await.unwrap());
        }
        for typed in [
            "京",
            "strasse",
            "100%",
            "#platypus",
            "from:bruce",
            "late",
            "-born",
        ] {
            let query = SearchQuery::parse(typed).unwrap();
            let found = store.search(viewer, &query, all).await.unwrap();
            let found = texts(&found).into_iter().map(str::to_owned);
            seen.found.push(found.collect());
        }
        let request = TagPageRequest {
            size: 50,
            behind: None,
        };
        let tags = store.tags(viewer, None, &request).await.unwrap().tags;
        let tags = tags.into_iter().map(|it| (it.tag, it.thought_count));
        seen.tags.push(tags.collect());
    }
    for author in [BRUCE, STEPHEN] {
        let trash = store.list_trash(author, None, TrashList::Alone, all, NOW);
        seen.lists.push(trash.await.unwrap());
    }
    let born = seen.lists[0].thoughts.last().unwrap().id;
    seen.revisions = store.revisions(born, all).await.unwrap().revisions;
    let token = store.service_token().await.unwrap();
    seen.token = token.map(|token| token.text().to_owned());
    seen
}

#[tokio::test]
async fn everything_is_moved_and_answers_as_before() {
    for to in each_engine().await {
        if to.engine() == Engine::Sqlite {
            continue;
        }
        let (from, store) = full().await;
        let before = seen(&store).await;
        let log = store.change_log().await.unwrap();
        let place = Bookmark {
            epoch: log.epoch,
            mark: log.end,
        };
        store.close().await;

        let migrations = migrations();
        let copied = database::copy(from.url(), to.url(), &migrations, &LEFT_OUT, pending());
        let copied = copied.await.expect("copied");
        for table in &copied {
            let name = &table.table;
            assert!(
                table.rows > 0,
                "nothing was in {name}: put something there above"
            );
        }
        let store = opened(&to).await;
        let after = seen(&store).await;
        assert_eq!(after, before);
        assert_eq!(after.revisions.len(), 1);
        let log = store.change_log().await.unwrap();
        assert!(!log.leads_on_from(place), "watchers load again");

        // It goes on from there: a repeated creation, an import that is made again, tags that were left, and the end of an author.
        let again = public(BRUCE, 60, "again");
        let again = store.create(&again, request(7, "first")).await.unwrap();
        assert!(matches!(again, Created::Before(_)), "{again:?}");
        assert_eq!(imports(&store).await, Outcome::Unchanged);
        while store.has_tags_to_do().await.unwrap() {
            store.tag_untagged(10).await.unwrap();
            store.count_tags(100).await.unwrap();
        }
        let tags = seen(&store).await.tags.remove(0);
        let tags: Vec<_> = tags.iter().map(|(tag, n)| (tag.as_str(), *n)).collect();
        assert_eq!(tags, [("late", 1), ("old", 1), ("platypus", 1), ("weg", 1)]);
        let gone = public(Uuid::from_u128(3), 70, "too late");
        assert!(store.create(&gone, None).await.is_err());
        store.close().await;
    }
}
