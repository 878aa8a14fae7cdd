//! Operators, against a model in plain Rust, however little a search may look at in one step.

use std::fmt::Debug;

use database::testing::on_each_engine;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::{
    search::Effort,
    tests::{BRUCE, STEPHEN, opened, thought},
    *,
};
use crate::{page::PageRequest, query::SearchQuery, thought::Visibility};

const DAY: i64 = 86_400_000_000;
const WORDS: [&str; 14] = [
    "platypus",
    "PLATE",
    "京都",
    "東京",
    "x",
    "Straße",
    "two words",
    "😀😀",
    "C#",
    "#Rust",
    "＃京都",
    "#rusty",
    "#x",
    "#Straße",
];

/// Thoughts of both authors, some private, over some days.
fn some_thought() -> impl Strategy<Value = Thought> {
    let words = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..5);
    let text = prop_oneof![8 => words.prop_map(|words| words.join(" ")), 1 => "\\PC{1,12}"];
    (text, any::<bool>(), 0..3_u8, -3 * DAY..3 * DAY).prop_map(|(text, bruces, private, micros)| {
        let author = if bruces { BRUCE } else { STEPHEN };
        let visibility = match private {
            0 => Visibility::Private,
            _ => Visibility::Public,
        };
        thought(author, micros, &text, visibility)
    })
}

/// A part of a query, mostly one that means something.
fn term() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&WORDS[..]).prop_map(|word| format!("\"{word}\""));
    let part = "[a-z京都😀#]{1,2}";
    let tag = prop::sample::select(vec!["#rust", "#RUST", "#京都", "#x", "#strasse", "#none"]);
    let operator = prop::sample::select(vec![
        "from:bruce",
        "from:stephen",
        "from:nobody",
        "is:private",
        "is:public",
        "is:purple",
        "since:1969-12-30",
        "since:1970-01-02",
        "until:1970-01-01",
        "until:1969-12-30",
        "until:1970",
    ]);
    let sign = prop_oneof![3 => Just(""), 1 => Just("-")];
    let term = prop_oneof![
        3 => word, 1 => part, 2 => tag.prop_map(str::to_owned), 3 => operator.prop_map(str::to_owned),
    ];
    (sign, term).prop_map(|(sign, term)| format!("{sign}{term}"))
}

fn one<T: Debug>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).expect("a case").current()
}

/// What a search means, said in the plainest way.
fn model(thoughts: &[Thought], viewer: Option<Uuid>, query: &SearchQuery) -> Vec<Uuid> {
    let visible = |thought: &&Thought| {
        thought.visibility == Visibility::Public || Some(thought.author.id) == viewer
    };
    let mut found: Vec<&Thought> = thoughts
        .iter()
        .filter(visible)
        .filter(|thought| query.matches(thought))
        .collect();
    found.sort_by_key(|thought| -thought.create_time.as_micros());
    found.iter().map(|thought| thought.id).collect()
}

async fn all_pages(
    store: &Store,
    viewer: Option<Uuid>,
    query: &SearchQuery,
    size: usize,
) -> Vec<Uuid> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let request = PageRequest { size, before };
        let page = store
            .search(viewer, query, request)
            .await
            .expect("an answer");
        assert!(page.thoughts.len() <= size);
        found.extend(page.thoughts.iter().map(|thought| thought.id));
        match page.next {
            Some(next) => assert!(before.is_none_or(|before| next < before), "goes on"),
            None => return found,
        }
        before = page.next;
    }
}

#[tokio::test]
async fn any_query_with_operators_finds_what_the_model_finds() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        let mut runner = TestRunner::new(Config::default());
        let mut thoughts = Vec::new();
        for _ in 0..80 {
            let new = one(&mut runner, some_thought());
            match store.create(&new, None).await.expect("stored") {
                Created::New(thought) => thoughts.push(thought),
                other => panic!("{other:?}"),
            }
        }
        let terms = prop::collection::vec(term(), 1..4);
        for n in 0..300 {
            store.effort = match n % 3 {
                0 => Effort::default(),
                _ => one(&mut runner, (1..40_usize, 1..40_usize).prop_map(reach)),
            };
            let typed = one(&mut runner, &terms).join(" ");
            let Ok(query) = SearchQuery::parse(&typed) else {
                continue;
            };
            let size = one(&mut runner, 1..30_usize);
            for viewer in [None, Some(BRUCE), Some(STEPHEN)] {
                let found = all_pages(&store, viewer, &query, size).await;
                let expected = model(&thoughts, viewer, &query);
                assert_eq!(
                    found, expected,
                    "{typed:?} for {viewer:?}, {:?}",
                    store.effort
                );
            }
        }
        store.close().await;
    })
    .await;
}

fn reach((first, last): (usize, usize)) -> Effort {
    Effort { first, last }
}

#[tokio::test]
async fn a_search_ends_where_it_has_looked_at_enough_and_goes_on_from_there() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        for n in 0..100 {
            let text = if n == 7 { "an e" } else { "the e" };
            let thought = thought(BRUCE, n, text, Visibility::Public);
            store.create(&thought, None).await.expect("stored");
        }
        store.effort = reach((10, 20));
        let query = SearchQuery::parse("-the").expect("a query");
        let request = |before| PageRequest { size: 5, before };
        let first = store
            .search(None, &query, request(None))
            .await
            .expect("an answer");
        assert_eq!(
            (first.thoughts.len(), first.next),
            (0, Some(70)),
            "30 of 100"
        );
        let second = store
            .search(None, &query, request(first.next))
            .await
            .expect("an answer");
        assert_eq!((second.thoughts.len(), second.next), (0, Some(40)));
        assert_eq!(all_pages(&store, None, &query, 5).await.len(), 1);
        store.close().await;
    })
    .await;
}
