//! The search language and `ListTags`, over the wire.

use api::thoughts::v1::{ListTagsRequest, ListTagsResponse, Matches, QueryProblem, TextRange};
use database::testing::{Fresh, on_each_engine};
use runtime::paging::PageToken;

use crate::support::{Backend, Person, bad_field, texts};

async fn finds(person: &Person, query: &str) -> Vec<String> {
    let found = person.searches(query).await.unwrap();
    assert_eq!(found.problems, [], "{query}");
    texts(&found.thoughts)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn counts(listed: &ListTagsResponse) -> Vec<(&str, i64)> {
    let tags = listed.tags.iter();
    tags.map(|count| (count.tag.as_str(), count.thought_count))
        .collect()
}

#[tokio::test]
async fn operators_narrow_a_search() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        let first = bruce.writes("A platypus #Animals").await.unwrap();
        bruce.notes("my own platypus ＃animals").await.unwrap();
        stephen.writes("a PLATYPUS in a pond").await.unwrap();
        assert_eq!(first.tags, ["animals"]);
        for (query, expected) in [
            (
                "platypus -pond",
                vec!["my own platypus ＃animals", "A platypus #Animals"],
            ),
            ("from:stephen", vec!["a PLATYPUS in a pond"]),
            ("from:@Bruce is:public", vec!["A platypus #Animals"]),
            ("is:private", vec!["my own platypus ＃animals"]),
            ("#ANIMALS -\"my own\"", vec!["A platypus #Animals"]),
            ("-#animals", vec!["a PLATYPUS in a pond"]),
            (
                "since:2024-01-01 until:9999 pond",
                vec!["a PLATYPUS in a pond"],
            ),
            ("until:2023-12-31", vec![]),
            ("from:bruce from:stephen", vec![]),
        ] {
            assert_eq!(finds(&bruce, query).await, expected, "{query}");
        }
        for other in [&stephen, &backend.nobody()] {
            assert_eq!(finds(other, "#animals").await, ["A platypus #Animals"]);
            assert_eq!(finds(other, "from:bruce").await, ["A platypus #Animals"]);
            assert_eq!(finds(other, "is:private").await, [""; 0]);
            assert_eq!(finds(other, "from:bruce is:private").await, [""; 0]);
        }
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_understood_is_searched_and_told() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let bruce = backend.member("bruce");
    bruce.writes("京都 since:yesterday #Tag -x").await.unwrap();
    let found = bruce.searches("京 since:yesterday #tag").await.unwrap();
    let range = |start, end| TextRange { start, end };
    let description = "since: needs a day such as 2026-01-31 right behind it, or a month or year";
    let problem = QueryProblem {
        range: Some(range(2, 17)),
        description: description.to_owned(),
    };
    assert_eq!(found.problems, [problem]);
    let ranges = vec![range(0, 1), range(3, 18), range(19, 23)];
    assert_eq!(found.matches, [Matches { ranges }]);
    backend.stop().await;
}

#[tokio::test]
async fn tags_are_listed_with_counts_and_in_pages() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        bruce.writes("#one #two").await.unwrap();
        bruce.notes("#two #secret").await.unwrap();
        stephen.writes("#two").await.unwrap();
        let request = |author: &str, page_size, page_token: &str| ListTagsRequest {
            author: author.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let all = |author| request(author, 0, "");
        for (person, author, expected) in [
            (&backend.nobody(), "", vec![("two", 2), ("one", 1)]),
            (&bruce, "", vec![("two", 3), ("one", 1), ("secret", 1)]),
            (&bruce, "BRUCE", vec![("two", 2), ("one", 1), ("secret", 1)]),
            (&stephen, "bruce", vec![("one", 1), ("two", 1)]),
            (&stephen, "nobody", vec![]),
            (&stephen, "\0", vec![]),
        ] {
            let listed = person.lists_tags(all(author)).await.unwrap();
            assert_eq!(counts(&listed), expected, "{author}");
        }
        let first = bruce.lists_tags(request("", 2, "")).await.unwrap();
        assert_eq!(counts(&first), [("two", 3), ("one", 1)]);
        let token = first.next_page_token;
        let second = bruce.lists_tags(request("", 2, &token)).await.unwrap();
        assert_eq!(counts(&second), [("secret", 1)]);
        assert_eq!(second.next_page_token, "");
        for wrong in [request("bruce", 2, &token), request("", 2, "x")] {
            assert_eq!(bad_field(bruce.lists_tags(wrong).await), "page_token");
        }
        // As nobody but this list makes them, with a checksum that anybody can make.
        let key = |count: i64, tag: &[u8]| {
            let key = [&count.to_be_bytes()[..], tag].concat();
            PageToken::encode_key(&key, "ListTags:")
        };
        for forged in [
            key(i64::MIN, b"one"),
            key(0, b"one"),
            key(1, b"\0"),
            key(1, b"\xff"),
            PageToken::encode_key(b"short", "ListTags:"),
        ] {
            let forged = bruce.lists_tags(request("", 2, &forged)).await;
            assert_eq!(bad_field(forged), "page_token");
        }
        let wrong = request("", 101, "");
        assert_eq!(bad_field(bruce.lists_tags(wrong).await), "page_size");
        backend.stop().await;
    })
    .await;
}
