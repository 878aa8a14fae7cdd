//! `GetThought`, `ListThoughts`, `SearchThoughts`.

use api::thoughts::v1::{Matches, TextRange};
use database::testing::{Fresh, on_each_engine};
use runtime::paging::PageToken;
use thoughts_backend::Config;
use tonic::Code;

use crate::support::{Backend, bad_field, because, config, refusal, texts};

#[tokio::test]
async fn private_thoughts_are_seen_by_their_author_alone() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        bruce.writes("a public secret").await.unwrap();
        let secret = bruce.notes("a private secret").await.unwrap();
        let others = [
            backend.nobody(),
            backend.member("stephen"),
            backend.administrator("ada"),
        ];
        for other in others {
            let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
            assert_eq!(refusal(other.reads(&secret.id).await), missing);
            for seen in [
                other.lists("").await.unwrap().thoughts,
                other.lists("bruce").await.unwrap().thoughts,
                other.searches("secret").await.unwrap().thoughts,
                other.searches("").await.unwrap().thoughts,
            ] {
                assert_eq!(texts(&seen), ["a public secret"]);
            }
        }
        assert_eq!(bruce.reads(&secret.id).await.unwrap(), secret);
        for seen in [
            bruce.lists("").await.unwrap().thoughts,
            bruce.lists("Bruce").await.unwrap().thoughts,
            bruce.searches("secret").await.unwrap().thoughts,
        ] {
            assert_eq!(texts(&seen), ["a private secret", "a public secret"]);
        }
        for unknown in ["stephen", "nobody at all", "\0", "%"] {
            assert!(bruce.lists(unknown).await.unwrap().thoughts.is_empty());
        }
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        for n in 0..7 {
            let text = format!("thought {n}");
            if n % 2 == 0 {
                bruce.notes(&text).await
            } else {
                bruce.writes(&text).await
            }
            .unwrap();
        }
        let newest_first: Vec<String> = (0..7).rev().map(|n| format!("thought {n}")).collect();
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = bruce.pages("", 3, &token).await.unwrap();
            listed.extend(page.thoughts.into_iter().map(|thought| thought.text));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, newest_first);
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = bruce.search_pages("thought", 2, &token).await.unwrap();
            assert_eq!(page.thoughts.len(), page.matches.len());
            found.extend(page.thoughts.into_iter().map(|thought| thought.text));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, newest_first);
        // A page that is just full is the last one.
        assert_eq!(bruce.pages("", 7, "").await.unwrap().next_page_token, "");
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_search_says_where_it_matches() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        backend
            .member("bruce")
            .writes("京都 PLATYPUS, platypus")
            .await
            .unwrap();
        let found = backend.nobody().searches("platy 都").await.unwrap();
        let range = |start, end| TextRange { start, end };
        let ranges = vec![range(1, 2), range(3, 8), range(13, 18)];
        assert_eq!(found.matches, [Matches { ranges }]);
        let all = backend.nobody().searches("").await.unwrap();
        assert_eq!(all.matches, [Matches { ranges: vec![] }]);
        assert!(
            backend
                .nobody()
                .searches("wombat")
                .await
                .unwrap()
                .thoughts
                .is_empty()
        );
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn malformed_requests_are_refused_by_field() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let bruce = backend.member("bruce");
    for n in 0..3 {
        bruce.writes(&n.to_string()).await.unwrap();
    }
    for id in [
        "",
        "7",
        "not-a-uuid",
        "0190163d8694739baea5966c26f8ad91",
        &"a".repeat(100_000),
    ] {
        assert_eq!(bad_field(bruce.reads(id).await), "id");
        assert_eq!(bad_field(bruce.deletes(id).await), "id");
        assert_eq!(bad_field(bruce.deletes_for_ever(id).await), "id");
        assert_eq!(bad_field(bruce.undeletes(id).await), "id");
        assert_eq!(bad_field(bruce.revisions(id, 0, "").await), "id");
    }
    for size in [-1, 101, i32::MIN, i32::MAX] {
        assert_eq!(bad_field(bruce.pages("", size, "").await), "page_size");
        assert_eq!(
            bad_field(bruce.search_pages("", size, "").await),
            "page_size"
        );
    }
    let token = bruce.pages("", 1, "").await.unwrap().next_page_token;
    let search_token = bruce.search_pages("", 1, "").await.unwrap().next_page_token;
    let mangled = format!("{token}x");
    for wrong in ["x", "\0", &mangled, &search_token] {
        assert_eq!(bad_field(bruce.pages("", 1, wrong).await), "page_token");
    }
    assert_eq!(
        bad_field(bruce.pages("bruce", 1, &token).await),
        "page_token"
    );
    assert_eq!(
        bad_field(bruce.search_pages("", 1, &token).await),
        "page_token"
    );
    assert_eq!(
        bad_field(bruce.search_pages("0", 1, &search_token).await),
        "page_token"
    );
    let fifty_one: String = (100..151).map(|n| format!("{n} ")).collect();
    for query in [
        "nul\0",
        &"a".repeat(1_001),
        &fifty_one,
        &"京".repeat(300_000),
    ] {
        assert_eq!(bad_field(bruce.searches(query).await), "query");
    }
    assert!(
        bruce
            .searches(&"京".repeat(1_000))
            .await
            .unwrap()
            .thoughts
            .is_empty()
    );
}

#[tokio::test]
async fn the_example_data_is_there_when_asked_for() {
    on_each_engine(async |fresh| {
        let demo = || Config {
            demo: true,
            ..config(fresh)
        };
        // Two replicas that start at once.
        let (backend, other) =
            tokio::join!(Backend::start_with(demo()), Backend::start_with(demo()));
        for backend in [&backend, &other] {
            let all = backend.nobody().lists("").await.unwrap().thoughts;
            let authors: Vec<_> = all.iter().map(|thought| thought.author.as_str()).collect();
            assert_eq!(authors, ["stephen", "stephen", "bruce", "bruce", "bruce"]);
        }
        assert_eq!(
            backend
                .nobody()
                .lists("bruce")
                .await
                .unwrap()
                .thoughts
                .len(),
            3
        );
        backend.stop().await;
        other.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_of_any_place_is_answered_or_refused() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        bruce.writes("one").await.unwrap();
        let (list, search) = ("ListThoughts:", "SearchThoughts:one");
        for time in [i64::MIN, i64::MIN / 2, -1, i64::MAX / 2, i64::MAX] {
            let seen = usize::from(time > 0);
            for id in [None, Some([0; 16]), Some([255; 16])] {
                let token = |scope| match id {
                    None => PageToken::encode(time, scope),
                    Some(id) => {
                        let key = [&time.to_be_bytes()[..], &id].concat();
                        PageToken::encode_key(&key, scope)
                    }
                };
                let listed = bruce.pages("", 1, &token(list)).await.unwrap();
                let found = bruce.search_pages("one", 1, &token(search)).await.unwrap();
                let seen_of = [listed.thoughts.len(), found.thoughts.len()];
                assert_eq!(seen_of, [seen; 2], "{time} {id:?}");
            }
        }
        for key in [&[0_u8; 23][..], &[0; 25], b""] {
            let token = PageToken::encode_key(key, list);
            assert_eq!(bad_field(bruce.pages("", 1, &token).await), "page_token");
        }
        backend.stop().await;
    })
    .await;
}
