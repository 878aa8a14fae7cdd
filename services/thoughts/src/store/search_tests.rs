//! What a search finds: the same on each engine.

use database::testing::on_each_engine;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::{
    search::Effort,
    tests::{BRUCE, opened, thought},
    *,
};
use crate::{page::PageRequest, query::SearchQuery, thought::Visibility};

const TEXTS: [&str; 30] = [
    "A Platypus in the pond",
    "PLATEAU",
    "京都の咖啡馆",
    "東京都",
    "京 都",
    "ｶﾌｪとコーヒー",
    "カフェ",
    "Straße",
    "STRASSE",
    "ΟΔΟΣ ὀδός",
    "ISTANBUL and Iğdır",
    "ılık",
    "Привет, Мир",
    "السلام عليكم",
    "สวัสดีชาวโลก",
    "😀😀😀 and 👩‍💻",
    "😀😁😂",
    "café",
    "cafe\u{301} noir",
    "100% _pure_ c:\\temp",
    "100 percent pure",
    "it's a \"quote\"",
    "two  words",
    "two words",
    "first line\nsecond line\twith a tab",
    "ﬁne ﬂow ①②③",
    "... --- ...",
    "한국어 텍스트",
    "\u{e025}private use",
    "x",
];

/// Queries and the texts that they find, by number.
const CASES: &[(&str, &[usize])] = &[
    ("platy", &[0]),
    ("PLAT", &[0, 1]),
    ("plat pond", &[0]),
    ("pond plateau", &[]),
    ("京都", &[2, 3]),
    ("京", &[2, 3, 4]),
    ("咖啡馆", &[2]),
    ("都の", &[2]),
    ("カフェ", &[5, 6]),
    ("ｺｰﾋｰ", &[5]),
    ("strasse", &[7, 8]),
    ("STRAẞE", &[7, 8]),
    ("ss", &[7, 8]),
    ("οδοσ", &[9]),
    ("ΟΔΌΣ", &[]),
    ("ὈΔΌΣ", &[9]),
    ("istanbul", &[10]),
    ("ı", &[10, 11]),
    ("ПРИВЕТ мир", &[12]),
    ("ми", &[12]),
    ("سلام", &[13]),
    ("ชาว", &[14]),
    ("😀", &[15, 16]),
    ("😀😀😀", &[15]),
    ("😀😁", &[16]),
    ("👩💻", &[15]),
    ("CAFÉ", &[17, 18]),
    ("cafe\u{301}", &[17, 18]),
    ("cafe", &[]),
    ("100%", &[19]),
    ("%", &[19]),
    ("_", &[19]),
    ("_pure_", &[19]),
    ("c:\\", &[19]),
    ("\\", &[19]),
    ("\\t", &[19]),
    ("pure", &[19, 20]),
    ("'", &[21]),
    ("it's", &[21]),
    ("words two", &[22, 23]),
    ("\"two words\"", &[23]),
    ("\"two  words\"", &[22]),
    ("\"o w\"", &[23]),
    ("\" w\" two", &[22, 23]),
    ("\"two", &[22, 23]),
    ("\"line\nsecond\"", &[24]),
    ("\"\n\"", &[24]),
    ("\"\t\"", &[24]),
    ("fine flow", &[25]),
    ("123", &[25]),
    ("...", &[26]),
    ("\"... -\"", &[26]),
    ("----", &[]),
    ("국", &[27]),
    ("텍스트", &[27]),
    ("\u{e025}", &[28]),
    ("x", &[29]),
    ("\"\" \u{ad}x", &[29]),
    ("qqq", &[]),
    ("everyone", &[]),
    ("OR", &[22, 23]),
    ("NEAR(a b)", &[]),
    ("pla*", &[]),
    ("-", &[26]),
    ("pieces:x", &[]),
    ("plat -pond", &[1]),
    ("京 -京都", &[4]),
    ("-\"two words\" two", &[22]),
    ("😀 -😁 -👩💻", &[]),
    ("100 -%", &[20]),
    ("from:bruce x", &[29]),
    ("from:stephen x", &[]),
    ("since:1970 until:1970-01-01 x", &[29]),
    ("since:1970-01-02 x", &[]),
    ("is:private x", &[]),
    ("is:purple x", &[]),
    ("#x", &[]),
];

async fn filled(fresh: &database::testing::Fresh) -> Store {
    let store = opened(fresh).await;
    for (n, text) in (0..).zip(TEXTS) {
        let thought = thought(BRUCE, n, text, Visibility::Public);
        store.create(&thought, None).await.expect("stored");
    }
    store
}

/// The numbers of the texts found, oldest first.
async fn found(store: &Store, query: &SearchQuery) -> Vec<usize> {
    let all = PageRequest {
        size: 100,
        before: None,
    };
    let page = store.search(None, query, all).await.expect("an answer");
    let number = |thought: &Thought| usize::try_from(thought.create_time.as_micros());
    let mut numbers: Vec<_> = page
        .thoughts
        .iter()
        .map(|t| number(t).expect("small"))
        .collect();
    assert!(numbers.is_sorted_by(|newer, older| newer > older));
    numbers.reverse();
    numbers
}

/// What a search means, said in the plainest way.
fn model(query: &SearchQuery) -> Vec<usize> {
    let matching =
        |&(n, text): &(i64, &str)| query.matches(&thought(BRUCE, n, text, Visibility::Public));
    let all = (0..).zip(TEXTS).filter(matching);
    all.map(|(n, _)| usize::try_from(n).expect("small"))
        .collect()
}

#[tokio::test]
async fn each_query_finds_the_same_on_each_engine() {
    on_each_engine(async |fresh| {
        let store = filled(fresh).await;
        for (words, expected) in CASES {
            let query = SearchQuery::parse(words).expect("a query");
            assert_eq!(found(&store, &query).await, *expected, "{words:?}");
            assert_eq!(model(&query), *expected, "{words:?} in the model");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn any_query_finds_what_the_model_finds() {
    let parts = || {
        let somewhere = (0..TEXTS.len(), 0..40_usize, 1..5_usize).prop_map(|(n, start, length)| {
            TEXTS[n]
                .chars()
                .skip(start)
                .take(length)
                .collect::<String>()
        });
        prop_oneof![4 => somewhere, 1 => "\\PC{0,4}", 1 => "[ \"%_\\\\京a]{0,4}"]
    };
    on_each_engine(async |fresh| {
        let store = filled(fresh).await;
        let mut runner = TestRunner::new(Config::default());
        for _ in 0..150 {
            let words = prop::collection::vec(parts(), 1..3);
            let words = words
                .new_tree(&mut runner)
                .expect("a case")
                .current()
                .join(" ");
            let Ok(query) = SearchQuery::parse(&words) else {
                continue;
            };
            assert_eq!(found(&store, &query).await, model(&query), "{words:?}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_longest_queries_are_answered() {
    on_each_engine(async |fresh| {
        let store = filled(fresh).await;
        let long: String = ('\u{4e00}'..).take(1_000).collect();
        let fifty: String = ('\u{4e00}'..)
            .take(500)
            .flat_map(|c| [c, 'a', ' '])
            .take(150)
            .collect();
        for words in [&long, &fifty, &"a".repeat(1_000), &"%".repeat(1_000)] {
            let query = SearchQuery::parse(words).expect("a query");
            assert_eq!(found(&store, &query).await, [0_usize; 0]);
        }
        store.close().await;
    })
    .await;
}

/// A position may be on the day after, where others have written in the last moment of a day.
#[tokio::test]
async fn days_are_those_of_the_times_and_not_of_the_positions() {
    const MIDNIGHT: i64 = 86_400_000_000;
    on_each_engine(async |fresh| {
        let store = opened(fresh).await;
        for (time, position, text) in [
            (MIDNIGHT - 1, MIDNIGHT + 5, "late platypus"),
            (MIDNIGHT, MIDNIGHT + 6, "early platypus"),
        ] {
            let thought = Thought {
                position,
                ..thought(BRUCE, time, text, Visibility::Public)
            };
            store.create(&thought, None).await.expect("stored");
        }
        for (words, expected) in [
            ("until:1970-01-01", "late platypus"),
            ("until:1970-01-01 platypus", "late platypus"),
            ("since:1970-01-02", "early platypus"),
            ("since:1970-01-02 platypus from:bruce", "early platypus"),
        ] {
            for effort in [
                Effort::default(),
                Effort {
                    first: 1,
                    last: 9,
                    sampled: 1,
                },
            ] {
                let store = Store {
                    effort,
                    ..store.clone()
                };
                let query = SearchQuery::parse(words).expect("a query");
                let all = PageRequest {
                    size: 9,
                    before: None,
                };
                let page = store.search(None, &query, all).await.expect("an answer");
                let texts: Vec<_> = page.thoughts.iter().map(|t| t.text.as_str()).collect();
                assert_eq!(texts, [expected], "{words} with {effort:?}");
            }
        }
        store.close().await;
    })
    .await;
}
