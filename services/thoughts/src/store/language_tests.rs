//! Operators, against a model in plain Rust, however little a search may look at in one step.

use std::fmt::Debug;

use database::testing::on_each_engine;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use time::{Duration, OffsetDateTime};

use super::{
    search::Effort,
    tests::{BRUCE, STEPHEN, opened, stored, thought},
    *,
};
use crate::{
    fold::fold,
    page::{PageRequest, Place},
    query::SearchQuery,
    tag::tags,
    thought::Visibility,
};

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
    let text = prop_oneof![
        4 => words.prop_map(|words| words.join(" ")),
        // What folding, quoting and LIKE have to do with.
        2 => "[aßẞİıςΣﬁﬀÅe\u{301}\u{345}ｱｶﾞ゙㍿京ㄱㅏ\u{ad}\u{200d}👩💻%_\\\\'#＃: \n-]{1,16}",
        1 => "\\PC{1,16}",
        1 => "[^\0]{1,16}",
    ];
    (text, any::<bool>(), 0..3_u8, -3 * DAY..3 * DAY).prop_map(|(text, bruces, private, micros)| {
        let author = if bruces { BRUCE } else { STEPHEN };
        let visibility = match private {
            0 => Visibility::Private,
            _ => Visibility::Public,
        };
        thought(author, micros, &text, visibility)
    })
}

/// A part of a query, as it is meant.
#[derive(Clone, Debug)]
struct Term {
    negated: bool,
    meant: Meant,
}

#[derive(Clone, Debug)]
enum Meant {
    /// To be anywhere in the text.
    Text(String),
    Tag(String),
    From(&'static str),
    /// Days since 1970.
    Since(i64),
    Until(i64),
    Is(Visibility),
}

impl Term {
    /// How it is typed, by the language's own rules.
    fn typed(&self) -> String {
        let day = |&number: &i64| {
            let day = OffsetDateTime::UNIX_EPOCH + Duration::days(number);
            day.date().to_string()
        };
        let typed = match &self.meant {
            Meant::Text(text) if text.chars().all(char::is_alphanumeric) => text.clone(),
            Meant::Text(text) => format!("\"{text}\""),
            Meant::Tag(tag) => format!("#{tag}"),
            Meant::From(name) => format!("from:{name}"),
            Meant::Since(number) => format!("since:{}", day(number)),
            Meant::Until(number) => format!("until:{}", day(number)),
            Meant::Is(Visibility::Public) => "is:public".to_owned(),
            Meant::Is(Visibility::Private) => "is:private".to_owned(),
        };
        let sign = if self.negated { "-" } else { "" };
        format!("{sign}{typed}")
    }

    /// What it says of a thought, in the plainest way.
    fn holds(&self, thought: &Thought) -> bool {
        let micros = thought.create_time.as_micros();
        let is_so = match &self.meant {
            Meant::Text(text) if fold(text).is_empty() => return true,
            Meant::Text(text) => fold(&thought.text).contains(&fold(text)),
            Meant::Tag(tag) => tags(&thought.text).iter().any(|it| it.as_str() == tag),
            Meant::From(name) => thought.author.username == *name,
            Meant::Since(day) => micros >= day * DAY,
            Meant::Until(day) => micros < (day + 1) * DAY,
            Meant::Is(visibility) => thought.visibility == *visibility,
        };
        is_so != self.negated
    }
}

/// Terms that have to do with these thoughts.
fn term(thoughts: &[Thought]) -> impl Strategy<Value = Term> {
    let texts: Vec<String> = thoughts
        .iter()
        .map(|thought| thought.text.clone())
        .collect();
    let carried = texts.iter().flat_map(|text| tags(text)).map(String::from);
    let known: Vec<String> = carried.chain(["none".to_owned()]).collect();
    let part = (prop::sample::select(texts), 0..16_usize, 1..6_usize);
    let part = part.prop_map(|(text, start, length)| {
        let characters = text.chars().skip(start).take(length);
        characters.collect::<String>()
    });
    let part = (part, 0..3_u8).prop_map(|(part, case)| match case {
        0 => part.to_uppercase(),
        1 => part.to_lowercase(),
        _ => part,
    });
    let text = prop_oneof![6 => part, 1 => "[a-z京都😀#]{1,2}", 1 => "[^\0]{1,4}"];
    // No quotation mark can be asked for.
    let text = text.prop_map(|text| text.replace(['"', '＂', '“', '”', '„'], " "));
    let visibility = prop::sample::select(vec![Visibility::Public, Visibility::Private]);
    let meant = prop_oneof![
        8 => text.prop_filter("asks for something", |text| !text.is_empty()).prop_map(Meant::Text),
        4 => prop::sample::select(known).prop_map(Meant::Tag),
        2 => prop::sample::select(vec!["bruce", "stephen", "nobody"]).prop_map(Meant::From),
        1 => (-4..4_i64).prop_map(Meant::Since),
        1 => (-4..4_i64).prop_map(Meant::Until),
        1 => visibility.prop_map(Meant::Is),
    ];
    (prop::bool::weighted(0.25), meant).prop_map(|(negated, meant)| Term { negated, meant })
}

fn one<T: Debug>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).expect("a case").current()
}

/// What a search means, said in the plainest way: when each was written, and what it says.
fn model(thoughts: &[Thought], viewer: Option<Uuid>, terms: &[Term]) -> Vec<(i64, String)> {
    let visible = |thought: &&Thought| {
        thought.visibility == Visibility::Public || Some(thought.author.id) == viewer
    };
    let mut found: Vec<(i64, String)> = thoughts
        .iter()
        .filter(visible)
        .filter(|thought| terms.iter().all(|term| term.holds(thought)))
        .map(as_found)
        .collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    found
}

fn as_found(thought: &Thought) -> (i64, String) {
    (thought.create_time.as_micros(), thought.text.clone())
}

async fn all_pages(
    store: &Store,
    viewer: Option<Uuid>,
    query: &SearchQuery,
    size: usize,
) -> Vec<(i64, String)> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let request = PageRequest { size, before };
        let page = store
            .search(viewer, query, request)
            .await
            .expect("an answer");
        assert!(page.thoughts.len() <= size);
        found.extend(page.thoughts.iter().map(as_found));
        match page.next {
            Some(next) => assert!(before.is_none_or(|before| next < before), "goes on"),
            None => return found,
        }
        before = page.next;
    }
}

#[tokio::test]
async fn any_query_finds_what_it_means_however_little_a_step_looks_at() {
    on_each_engine(async |fresh| {
        let mut store = opened(fresh).await;
        let mut runner = TestRunner::new(Config::default());
        let mut thoughts = Vec::new();
        for _ in 0..80 {
            thoughts.push(stored(&store, &one(&mut runner, some_thought())).await);
        }
        let some_terms = prop::collection::vec(term(&thoughts), 1..4);
        let mut hits = 0;
        for n in 0..300 {
            store.effort = match n % 3 {
                0 => Effort::default(),
                _ => one(&mut runner, (1..40_usize, 1..40_usize).prop_map(reach)),
            };
            let terms = one(&mut runner, &some_terms);
            let typed: Vec<String> = terms.iter().map(Term::typed).collect();
            let typed = typed.join(" ");
            let query = SearchQuery::parse(&typed).expect("a query");
            assert_eq!(query.problems(), [], "{typed:?} of {terms:?}");
            let size = one(&mut runner, 1..30_usize);
            for viewer in [None, Some(BRUCE), Some(STEPHEN)] {
                let found = all_pages(&store, viewer, &query, size).await;
                assert_eq!(
                    found,
                    model(&thoughts, viewer, &terms),
                    "{typed:?} of {terms:?} for {viewer:?}, {:?}",
                    store.effort
                );
                hits += usize::from(!found.is_empty());
            }
        }
        assert!(hits > 100, "hardly any of the queries finds anything");
        store.close().await;
    })
    .await;
}

fn reach((first, last): (usize, usize)) -> Effort {
    Effort {
        first,
        last,
        sampled: 1,
    }
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
            (0, Some(Place::before(70))),
            "30 of 100"
        );
        let second = store
            .search(None, &query, request(first.next))
            .await
            .expect("an answer");
        assert_eq!(
            (second.thoughts.len(), second.next),
            (0, Some(Place::before(40)))
        );
        assert_eq!(all_pages(&store, None, &query, 5).await.len(), 1);
        store.close().await;
    })
    .await;
}
