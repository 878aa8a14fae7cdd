//! The order of lists, searches and exports, where thoughts of many share few times.

use std::{cmp::Reverse, collections::HashSet};

use database::testing::on_each_engine;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use runtime::clock::Timestamp;

use super::{
    search::Effort,
    tests::{BRUCE, STEPHEN, opened, private, public},
    *,
};
use crate::{
    page::{Page, PageRequest, Place},
    porting::{Draft, Outcome, Record},
    query::SearchQuery,
    thought::{Author, MaxLength, Visibility},
    trash::TrashList,
};

/// So few microseconds that nearly every import meets what others have.
const TIMES: std::ops::Range<i64> = -9..9;
const NOW: Timestamp = Timestamp::from_seconds(1_000);
const TEXTS: [&str; 4] = ["a platypus", "a #x", "a platypus #x", "a wombat"];

pub(super) fn draft(micros: i64, text: String) -> Draft {
    Draft {
        id: None,
        text,
        visibility: Visibility::Public,
        create_time: Some(Timestamp::from_micros(micros)),
        update_time: None,
        delete_time: None,
        removed: false,
        revisions: Vec::new(),
    }
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let text = prop::sample::select(&TEXTS[..]);
    let private = any::<bool>();
    let trashed = prop::bool::weighted(0.25);
    (TIMES, text, private, trashed).prop_map(|(micros, text, private, trashed)| Draft {
        id: Some(Uuid::new_v4()),
        visibility: match private {
            true => Visibility::Private,
            false => Visibility::Public,
        },
        delete_time: trashed.then_some(NOW),
        ..draft(micros, text.to_owned())
    })
}

fn one<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).expect("a case").current()
}

async fn imports(store: &Store, author: &Author, drafts: Vec<Draft>) {
    let length = drafts.len();
    let records = drafts
        .into_iter()
        .map(|draft| Record::new(author.clone(), draft, NOW, MaxLength::default()));
    let records: Result<Vec<_>, _> = records.collect();
    let outcomes = store.import(author.id, &records.expect("fine"), NOW).await;
    assert_eq!(
        outcomes.expect("an answer"),
        Some(vec![Outcome::Imported; length])
    );
}

/// What is looked at, by whom.
#[derive(Clone, Copy, Debug)]
enum Looked {
    At(Option<&'static str>),
    Trash(Option<&'static str>, TrashList),
    For(&'static str),
}

const LOOKED: [Looked; 14] = [
    Looked::At(None),
    Looked::At(Some("bruce")),
    Looked::At(Some("stephen")),
    Looked::Trash(None, TrashList::Beside),
    Looked::Trash(Some("bruce"), TrashList::Beside),
    Looked::Trash(None, TrashList::Alone),
    Looked::Trash(Some("stephen"), TrashList::Alone),
    Looked::For("platypus"),
    Looked::For("a"),
    Looked::For("-wombat"),
    Looked::For("#x"),
    Looked::For("#x platypus"),
    Looked::For("from:bruce -platypus"),
    Looked::For("from:stephen a"),
];

impl Looked {
    fn author(self) -> Option<&'static str> {
        match self {
            Self::At(author) | Self::Trash(author, _) => author,
            Self::For(_) => None,
        }
    }

    /// Whether a thought is there, said in the plainest way.
    fn shows(self, thought: &Thought, viewer: Option<Uuid>) -> bool {
        let own = viewer == Some(thought.author.id);
        let visible = match (self, thought.trashed) {
            (Self::Trash(_, TrashList::Alone), lying) => own && lying.is_some(),
            (Self::Trash(_, TrashList::Beside), Some(_)) => own,
            (_, Some(_)) => false,
            (_, None) => own || thought.visibility == Visibility::Public,
        };
        let matches = match self {
            Self::For(words) => SearchQuery::parse(words).expect("a query").matches(thought),
            _ => true,
        };
        let named = |name| thought.author.username == name;
        visible && matches && self.author().is_none_or(named)
    }

    async fn page(self, store: &Store, viewer: Option<Uuid>, page: PageRequest) -> Page {
        let page = match (self, viewer) {
            (Self::Trash(author, list), Some(viewer)) => {
                store.list_trash(viewer, author, list, page, NOW).await
            }
            (Self::At(author) | Self::Trash(author, _), _) => {
                store.list(viewer, author, page).await
            }
            (Self::For(words), _) => {
                let query = SearchQuery::parse(words).expect("a query");
                store.search(viewer, &query, page).await
            }
        };
        page.expect("read")
    }

    /// All of it, page by page. None is told where one ends but in terms of what is seen.
    async fn all(self, store: &Store, viewer: Option<Uuid>, size: usize) -> Vec<Thought> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self.page(store, viewer, PageRequest { size, before }).await;
            all.extend(page.thoughts);
            let Some(next) = page.next else { return all };
            assert!(before.is_none_or(|before| next < before), "it goes on");
            before = Some(next);
        }
    }
}

#[tokio::test]
async fn lists_go_by_time_and_id_whatever_times_are_taken() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        let mut runner = TestRunner::new(Config::default());
        let authors = [public(BRUCE, 0, ""), public(STEPHEN, 0, "")].map(|thought| thought.author);
        // Each in several goes, between which something leaves for ever.
        for n in 0..24 {
            let author = &authors[n % 2];
            let drafts = one(&mut runner, prop::collection::vec(any_draft(), 1..9));
            let gone = drafts[0].id.expect("an id");
            imports(&store, author, drafts).await;
            if n % 3 == 0 {
                let deleted = store.delete(gone, author.id, NOW).await;
                assert!(deleted.expect("an answer"));
            }
        }
        let mut model = Vec::new();
        for author in &authors {
            let exported = exported(&store, author).await;
            assert!(exported.is_sorted_by_key(Place::of));
            model.extend(exported);
        }
        model.sort_by_key(|thought| Reverse(Place::of(thought)));
        let moved = model.iter().filter(|thought| thought.moved_by() > 0);
        assert!(moved.count() > 20, "hardly any time was taken");
        for n in 0..60 {
            let steps = (1..9_usize, 1..9_usize);
            let (first, last) = one(&mut runner, steps);
            store.effort = match n % 3 {
                0 => Effort::default(),
                _ => Effort {
                    first,
                    last,
                    sampled: 1,
                },
            };
            let looked = LOOKED[n % LOOKED.len()];
            let size = one(&mut runner, 1..12_usize);
            for viewer in [None, Some(BRUCE), Some(STEPHEN)] {
                if viewer.is_none() && matches!(looked, Looked::Trash(..)) {
                    continue;
                }
                let expected = model.iter().filter(|it| looked.shows(it, viewer));
                let expected: Vec<_> = expected.cloned().collect();
                let all = looked.all(&store, viewer, size).await;
                assert_eq!(all, expected, "{looked:?} for {viewer:?} with {size}");
            }
        }
        store.close().await;
    })
    .await;
}

/// All of an author's, a few at a time.
async fn exported(store: &Store, author: &Author) -> Vec<Thought> {
    let (mut exported, mut behind): (Vec<Thought>, _) = (Vec::new(), None);
    loop {
        let some = store.export(author, true, behind, 3, NOW).await;
        let some = some.expect("read");
        exported.extend(some.iter().map(|(thought, _)| thought.clone()));
        match some.last() {
            Some((last, _)) if some.len() == 3 => behind = Some(Place::of(last)),
            _ => break,
        }
    }
    let ids: HashSet<Uuid> = exported.iter().map(|thought| thought.id).collect();
    assert_eq!(ids.len(), exported.len());
    exported
}

/// Where a page ends says nothing about what its reader cannot see.
#[tokio::test]
async fn a_page_ends_at_a_time_or_at_a_thought_that_is_seen() {
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        stored_at(&store, 5, 5, "hidden").await;
        let bruce = public(BRUCE, 0, "").author;
        let drafts = [5, 5, 4].map(|micros| draft(micros, format!("seen {}", Uuid::new_v4())));
        for draft in drafts {
            imports(&store, &bruce, vec![draft]).await;
        }
        for looked in [
            Looked::At(None),
            Looked::At(Some("bruce")),
            Looked::For("seen"),
        ] {
            let page = |before| looked.page(&store, None, PageRequest { size: 1, before });
            let first = page(None).await;
            assert_eq!(first.next, Some(Place::of(&first.thoughts[0])));
            let second = page(first.next).await;
            assert_eq!(second.next, Some(Place::before(5)));
            assert!(first.thoughts[0].id > second.thoughts[0].id);
            let last = page(second.next).await;
            assert_eq!(last.thoughts[0].create_time.as_micros(), 4);
            assert_eq!(last.next, None);
        }
        store.close().await;
    })
    .await;
}

async fn stored_at(store: &Store, time: i64, position: i64, text: &str) {
    let thought = Thought {
        position,
        ..private(STEPHEN, time, text)
    };
    let created = store.create(&thought, None).await.expect("stored");
    assert!(matches!(created, Created::New(_)));
}

/// A search ends in the midst of more thoughts of one time than it looks at.
#[tokio::test]
async fn more_thoughts_of_one_time_than_a_search_looks_at_are_all_found() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        store.effort = Effort {
            first: 2,
            last: 3,
            sampled: 1,
        };
        let bruce = public(BRUCE, 0, "").author;
        let drafts = (0..40).map(|n| draft(7, format!("#x platypus {n}")));
        imports(&store, &bruce, drafts.collect()).await;
        for words in [
            "platypus",
            "#x",
            "#x 3",
            "from:bruce 3",
            "-platypus",
            "from:bruce -4",
        ] {
            for size in [1, 7, 50] {
                let found = Looked::For(words).all(&store, None, size).await;
                let query = SearchQuery::parse(words).expect("a query");
                let all = Looked::At(None).all(&store, None, 100).await;
                let expected: Vec<_> = all.into_iter().filter(|it| query.matches(it)).collect();
                assert_eq!(found, expected, "{words} with {size}");
            }
        }
        store.close().await;
    })
    .await;
}

/// What a search is told that hardly finds anything, page by page: with where each ends.
async fn transcript(store: &Store, drafts: &[Draft]) -> Vec<(Vec<Timestamp>, Option<Place>)> {
    let bruce = Author {
        id: Uuid::new_v4(),
        username: "bruce".to_owned(),
    };
    for some in drafts.chunks(3) {
        imports(store, &bruce, some.to_vec()).await;
    }
    let mut told = Vec::new();
    for words in ["-x", "from:bruce -x", "#x -mine", "mine -x", "is:private 7"] {
        let mut before = None;
        loop {
            let request = PageRequest { size: 2, before };
            let page = Looked::For(words)
                .page(store, Some(bruce.id), request)
                .await;
            let times = page.thoughts.iter().map(|thought| thought.create_time);
            told.push((times.collect(), page.next));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
    }
    store.purge_author(bruce.id, NOW).await.expect("purged");
    told
}

#[tokio::test]
async fn where_a_search_ends_does_not_tell_what_others_have() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        let mut runner = TestRunner::new(Config::default());
        let drafts = (1..50_u128).map(|n| Draft {
            id: Some(Uuid::from_u128(n)),
            visibility: Visibility::Private,
            ..draft(one(&mut runner, TIMES), format!("#x mine {n}"))
        });
        let drafts: Vec<_> = drafts.collect();
        let mut transcripts = Vec::new();
        for hidden in [false, true] {
            if hidden {
                let stephen = public(STEPHEN, 0, "").author;
                // With all the words that are searched for.
                let secrets = TIMES.step_by(2).map(|micros| Draft {
                    visibility: Visibility::Private,
                    ..draft(micros, format!("{micros} #x mine 7"))
                });
                imports(&store, &stephen, secrets.collect()).await;
            }
            for reach in 1..7 {
                store.effort = Effort {
                    first: reach,
                    last: 2 * reach,
                    sampled: 1,
                };
                transcripts.push(transcript(&store, &drafts).await);
            }
        }
        let (without, with) = transcripts.split_at(6);
        assert_eq!(without, with);
        assert!(without[0].len() > 20, "{without:?}");
        store.close().await;
    })
    .await;
}
