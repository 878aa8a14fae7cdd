//! Import and export by the settings page, on the real services.

mod pages;

use std::fs;

use api::thoughts::v1::{
    CreateThoughtRequest, DeleteThoughtRequest, ImportThoughtsRequest, Thought,
    UpdateThoughtRequest, Visibility,
};
use reqwest::{
    Client,
    multipart::{Form, Part},
};
use runtime::clock::Timestamp;
use serde_json::Value;

use crate::{
    grpcurl::THOUGHTS,
    support::{Caller, Grpcurl, System, client},
};

/// A browser's worth of somebody who is signed in.
struct Person<'a> {
    system: &'a System,
    client: Client,
    caller: Caller,
}

impl<'a> Person<'a> {
    async fn signs_in(system: &'a System, name: &str, password: &str) -> Self {
        Self::by_form(system, "/login", name, password).await
    }

    /// Somebody new.
    async fn signs_up(system: &'a System, name: &str) -> Self {
        Self::by_form(system, "/signup", name, "a difference engine").await
    }

    async fn by_form(system: &'a System, path: &str, name: &str, password: &str) -> Self {
        let client = client();
        let form = [("username", name), ("password", password)];
        let answer = client.post(system.page(path)).form(&form).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 303);
        let cookies = answer.headers().get_all("set-cookie").iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
        let token = cookies.find_map(|cookie| cookie.strip_prefix("session="));
        let token = token.and_then(|cookie| cookie.split(';').next());
        let nobody = Caller::new(&system.thoughts, &system.users);
        Self {
            system,
            client,
            caller: nobody.with_token(token.expect("a session")),
        }
    }

    async fn writes(&self, text: &str, visibility: Visibility) -> Thought {
        let request = CreateThoughtRequest {
            text: text.to_owned(),
            visibility: visibility.into(),
            request_id: None,
        };
        let (mut thoughts, request) = (self.caller.thoughts(), self.caller.asks(request));
        let made = thoughts.create_thought(request);
        made.await.unwrap().into_inner()
    }

    async fn changes(&self, id: &str, text: &str, visibility: Visibility) {
        let thought = Thought {
            id: id.to_owned(),
            text: text.to_owned(),
            visibility: visibility.into(),
            ..Thought::default()
        };
        let paths = ["text", "visibility"].map(str::to_owned).to_vec();
        let request = UpdateThoughtRequest {
            thought: Some(thought),
            update_mask: Some(prost_types::FieldMask { paths }),
            etag: None,
        };
        let (mut thoughts, request) = (self.caller.thoughts(), self.caller.asks(request));
        let changed = thoughts.update_thought(request);
        changed.await.unwrap();
    }

    async fn deletes(&self, id: &str) {
        let request = DeleteThoughtRequest {
            id: id.to_owned(),
            permanently: false,
        };
        let (mut thoughts, request) = (self.caller.thoughts(), self.caller.asks(request));
        let deleted = thoughts.delete_thought(request);
        deleted.await.unwrap();
    }

    /// Thoughts from long ago, by rpc.
    async fn remembers(&self, thoughts: Vec<(&str, i64)>) {
        let messages: Vec<_> = thoughts
            .into_iter()
            .map(|(text, micros)| ImportThoughtsRequest {
                thought: Some(Thought {
                    text: text.to_owned(),
                    visibility: Visibility::Private.into(),
                    create_time: Some(Timestamp::from_micros(micros).into()),
                    ..Thought::default()
                }),
                ..ImportThoughtsRequest::default()
            })
            .collect();
        let all = messages.len();
        let request = self.caller.asks(futures_util::stream::iter(messages));
        let mut answers = self
            .caller
            .thoughts()
            .import_thoughts(request)
            .await
            .unwrap()
            .into_inner();
        let mut imported = 0;
        while let Some(answer) = answers.message().await.unwrap() {
            imported = answer.imported_count;
        }
        assert_eq!(usize::try_from(imported).unwrap(), all);
    }

    async fn takes(&self, file: &str) -> Vec<u8> {
        let path = format!("/settings/data/thoughts.{file}");
        let answer = self
            .client
            .get(self.system.page(&path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap().to_vec()
    }

    /// Uploads a file, and has the page that answers it, with its counts.
    async fn brings(&self, name: &str, file: &[u8]) -> (String, [u64; 3]) {
        let part = Part::bytes(file.to_vec()).file_name(name.to_owned());
        let form = Form::new().part("file", part);
        let request = self.client.post(self.system.page("/settings/data"));
        let page = request
            .multipart(form)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let count = |name: &str| {
            let (_, rest) = page
                .split_once(&format!("<dt>{name}</dt><dd>"))
                .expect(&page);
            let digits = rest.split('<').next().unwrap().replace(',', "");
            digits.parse().unwrap()
        };
        let counts = ["Imported", "Already there", "Refused"].map(count);
        (page, counts)
    }
}

const ODD: [&str; 14] = [
    "---",
    "---\nid: 0190a000-0000-7000-8000-000000000001\n---\nlooks like front matter",
    "--- \n\n...",
    "two\nlines\n\n\nand more",
    "a\ttab",
    "👩‍👩‍👧 ☕️ e\u{301}",
    "京都の咖啡馆 #京都",
    "line\u{2028}and paragraph\u{2029}separators",
    "\u{feff}a mark of order",
    "\"quotes\", \\ and {braces: [1]} & <b>",
    "../../etc/passwd",
    "CON",
    "\u{202e}desrever",
    "# heading\n- list: 1\n| table |",
];

async fn writes_all_sorts(person: &Person<'_>) {
    for (text, n) in ODD.iter().zip(0..) {
        let visibility = [Visibility::Public, Visibility::Private][n % 2];
        let thought = person.writes(text, visibility).await;
        if n % 3 == 0 {
            person
                .changes(
                    &thought.id,
                    "in between\n---\n\u{2028}x",
                    Visibility::Private,
                )
                .await;
            person
                .changes(&thought.id, &format!("{text}\nchanged"), visibility)
                .await;
        }
        if n % 4 == 0 {
            person.deletes(&thought.id).await;
        }
    }
    let much = person
        .writes("changed very often", Visibility::Public)
        .await;
    for n in 0..70 {
        person
            .changes(&much.id, &format!("version {n}"), Visibility::Public)
            .await;
    }
    person
        .remembers(vec![
            ("from before 1970", -1),
            ("from the year 1", -62_135_596_800_000_000),
            ("at the beginning", 0),
            ("in the same second", 1),
        ])
        .await;
}

#[tokio::test]
async fn what_went_out_comes_in_as_it_was_and_twice_is_once() {
    let system = System::start(&[("SIGN_UP", "open")]).await;
    let bruce = Person::signs_up(&system, "bruce").await;
    writes_all_sorts(&bruce).await;
    let lines = bruce.takes("jsonl").await;
    let folder = bruce.takes("zip").await;
    let all = ODD.len() as u64 + 5;
    // The one that was changed very often comes in two pieces.
    assert_eq!(
        lines.iter().filter(|byte| **byte == b'\n').count() as u64,
        all + 1
    );

    for (name, file) in [("thoughts.jsonl", &lines), ("thoughts.zip", &folder)] {
        let (_, counts) = bruce.brings(name, file).await;
        assert_eq!(counts, [0, all + 1, 0], "{name} where all of it is");
        assert_eq!(bruce.takes("jsonl").await, lines);

        let elsewhere = System::start(&[("SIGN_UP", "open")]).await;
        let bruce = Person::signs_up(&elsewhere, "bruce").await;
        let (_, counts) = bruce.brings(name, file).await;
        assert_eq!(counts, [all, 1, 0], "{name} in an empty account");
        let there = bruce.takes("jsonl").await;
        assert_eq!(as_lines(&there), as_lines(&lines), "{name}");
        let (_, counts) = bruce.brings(name, file).await;
        assert_eq!(counts, [0, all + 1, 0], "{name} twice");
        assert_eq!(bruce.takes("jsonl").await, lines, "{name} twice");
        assert_eq!(bruce.takes("zip").await, folder, "{name} as a folder");
    }
}

fn as_lines(file: &[u8]) -> Vec<Value> {
    let file = std::str::from_utf8(file).unwrap();
    let lines = file.split_terminator('\n');
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_import_takes_nothing_over_and_finds_nothing_out() {
    let system = System::with_examples().await;
    let bruce = Person::signs_in(&system, "bruce", "bruce").await;
    let stephen = Person::signs_in(&system, "stephen", "stephen").await;
    let secret = bruce.writes("secret", Visibility::Private).await;
    let trashed = bruce.writes("in the trash", Visibility::Private).await;
    bruce.deletes(&trashed.id).await;
    let before = bruce.takes("jsonl").await;

    let free = "0190a000-0000-7000-8000-00000000000f";
    let mut answers = Vec::new();
    for (id, n) in [(secret.id.as_str(), 1), (&trashed.id, 2), (free, 3)] {
        let line = format!(
            "{{\"thought\":{{\"id\":\"{id}\",\"text\":\"mine {n}\",\"visibility\":\"public\"}},\
             \"revisions\":[{{\"text\":\"was mine\",\"visibility\":\"public\",\
             \"createTime\":\"2001-01-0{n}T00:00:00Z\",\"endTime\":\"2001-01-02T00:00:00Z\"}}]}}"
        );
        let (page, counts) = stephen.brings("a.jsonl", line.as_bytes()).await;
        assert_eq!(counts, [1, 0, 0]);
        answers.push(page);
    }
    assert_eq!(
        answers[0], answers[2],
        "an id of somebody else's is as good as a free one"
    );
    assert_eq!(answers[1], answers[2]);
    // All that bruce has, in stephen's account: but for what is in place of two of them by now.
    let (page, counts) = stephen.brings("bruce.jsonl", &before).await;
    assert_eq!(counts[2], 2);
    assert!(
        page.contains("a thought of yours that says something else by now"),
        "{page}"
    );
    assert_eq!(bruce.takes("jsonl").await, before);
    let stephens = String::from_utf8(stephen.takes("jsonl").await).unwrap();
    assert!(
        stephens.contains(free) && !stephens.contains(&secret.id),
        "{stephens}"
    );
    assert!(!stephens.contains(&trashed.id), "{stephens}");
}

#[tokio::test]
async fn memos_come_over() {
    let system = System::start(&[("SIGN_UP", "open"), ("MAX_THOUGHT_LENGTH", "40")]).await;
    let bruce = Person::signs_up(&system, "bruce").await;
    let memos = serde_json::json!({"memos": [
        {"name": "memos/a", "state": "NORMAL", "createTime": "2024-01-02T03:04:05Z",
         "updateTime": "2024-01-03T03:04:05Z", "content": "**Public** #memo", "visibility": "PUBLIC",
         "pinned": true, "attachments": [{"name": "attachments/1"}]},
        {"name": "memos/b", "createTime": "2024-01-02T03:04:05Z", "content": "Protected",
         "visibility": "PROTECTED"},
        {"name": "memos/c", "createTime": "2024-01-02T03:04:06Z", "content": "long ".repeat(20),
         "visibility": "PRIVATE"},
    ], "nextPageToken": ""});
    for (counts, file) in [
        ([2, 0, 1], memos.to_string()),
        ([0, 2, 1], format!("{memos:#}")),
    ] {
        let (page, found) = bruce.brings("memos.json", file.as_bytes()).await;
        assert_eq!(found, counts);
        assert!(page.contains("1 of the refused is too long"), "{page}");
        assert!(
            page.contains("must have at most 40 characters, not 99"),
            "{page}"
        );
        assert!(page.contains("1 had pictures or other files"), "{page}");
    }
    let lines = as_lines(&bruce.takes("jsonl").await);
    let mut told: Vec<_> = lines
        .iter()
        .map(|line| {
            let thought = &line["thought"];
            ["text", "visibility", "createTime", "updateTime"]
                .map(|it| thought[it].as_str().unwrap())
        })
        .collect();
    // Those of one time go by ids that nobody knows before.
    told.sort_by_key(|&[text, _, create_time, _]| (create_time, text));
    assert_eq!(
        told,
        [
            [
                "**Public** #memo",
                "VISIBILITY_PUBLIC",
                "2024-01-02T03:04:05Z",
                "2024-01-03T03:04:05Z"
            ],
            [
                "Protected",
                "VISIBILITY_PRIVATE",
                "2024-01-02T03:04:05Z",
                "2024-01-02T03:04:05Z"
            ],
        ]
    );
}

#[tokio::test]
async fn a_file_with_holes_gives_what_is_whole() {
    let system = System::start(&[("SIGN_UP", "open")]).await;
    let bruce = Person::signs_up(&system, "bruce").await;
    let long = "x".repeat(6 << 20);
    let file = format!(
        "{{\"text\":\"one\"}}\n{{\"text\":\"\"}}\n{{\"text\":\"a\\u0000b\"}}\n{long}\n\
         {{\"text\":\"from tomorrow\",\"createTime\":\"2999-01-01T00:00:00Z\"}}\n{{\"text\":\"two\"}}"
    );
    let (page, counts) = bruce.brings("a.jsonl", file.as_bytes()).await;
    assert_eq!(counts, [2, 0, 4]);
    for told in [
        "line 2</bdi></strong> <bdi>The text must not be empty.",
        "line 3</bdi></strong> <bdi>The text must not contain the control character U+0000.",
        "line 4</bdi></strong> <bdi>Is longer than 3 MiB.",
        "line 5</bdi></strong> <bdi>The time of writing must not be more than five minutes ahead.",
    ] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let folder = bruce.takes("zip").await;
    let (page, counts) = bruce.brings("a.zip", &folder[..folder.len() / 2]).await;
    assert_eq!((counts[0], counts[2]), (0, 0));
    assert!(page.contains("From here on it cannot be read"), "{page}");
}

#[tokio::test]
async fn grpcurl_takes_the_file_as_it_is() {
    let Some(grpcurl) = Grpcurl::find() else {
        return;
    };
    let here = System::start(&[("SIGN_UP", "open")]).await;
    let ada = Person::signs_up(&here, "ada").await;
    writes_all_sorts(&ada).await;
    let lines = ada.takes("jsonl").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("thoughts.jsonl");
    fs::write(&file, &lines).unwrap();

    let there = System::with_examples().await;
    let bruce = Person::signs_in(&there, "bruce", "bruce").await;
    let token = grpcurl.signs_in(&there, "bruce");
    let rpc = format!("{THOUGHTS}/ImportThoughts");
    let import = || {
        let answers = grpcurl.streams(&there.thoughts, &rpc, &token, &file);
        answers.last().expect("an answer").clone()
    };
    // One of them comes in two pieces.
    let all = ODD.len() + 5;
    let counts = import();
    assert_eq!(counts["importedCount"], all.to_string());
    assert_eq!(counts["refusedCount"], Value::Null, "{counts}");
    let counts = import();
    assert_eq!(counts["unchangedCount"], (all + 1).to_string());
    let there = String::from_utf8(bruce.takes("jsonl").await).unwrap();
    for line in String::from_utf8(lines).unwrap().lines() {
        assert!(there.contains(line), "{line}");
    }
}
