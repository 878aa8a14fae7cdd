use proptest::prelude::*;

use super::{super::source::cut, pieces::Broken, *};
use crate::porting::{
    limits::MAX_RECORD,
    markdown::tests::{anything, as_record},
};

fn time(text: &str) -> Option<Timestamp> {
    record::time(text)
}

proptest! {
    #[test]
    fn what_went_out_comes_in(exported in anything()) {
        let mut line = Vec::new();
        write(&exported, &mut line).unwrap();
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(shape(&line), Some(Shape::Lines));
        let mut expected = as_record(&exported);
        // Lines always say when the last change was.
        expected.changed = expected.changed.or(expected.written);
        prop_assert_eq!(read(&line), Ok(expected));
    }

    #[test]
    fn nothing_makes_it_panic(file in "[\\[\\]{}\",:a1 \n]{0,80}", size in 1..20_usize) {
        let _ = read(file.as_bytes());
        for shape in [Shape::Lines, Shape::Values, Shape::Array, Shape::Wrapped] {
            futures_util::FutureExt::now_or_never(pieces(shape, file.as_bytes(), size)).unwrap();
        }
    }
}

/// The pieces of a file, with their numbers and lines, and why they end early.
async fn pieces(
    shape: Shape,
    file: &[u8],
    size: usize,
) -> (Vec<(u64, u64, Option<String>)>, Option<NoPiece>) {
    let mut source = cut(file, size);
    let mut pieces = Pieces::new(shape);
    let mut found = Vec::new();
    loop {
        match pieces.next(&mut source).await {
            Ok(Some(piece)) => {
                let json = piece
                    .json
                    .map(|json| String::from_utf8_lossy(&json).into_owned());
                found.push((piece.number, piece.line, json));
            }
            Ok(None) => return (found, None),
            Err(why) => return (found, Some(why)),
        }
    }
}

async fn has(file: &str, expected: &[(u64, u64, &str)]) {
    let shape = shape(file.as_bytes()).expect(file);
    for size in [1, 2, 3, 7, 1000] {
        let (found, why) = pieces(shape, file.as_bytes(), size).await;
        let found: Vec<_> = found
            .iter()
            .map(|(number, line, json)| (*number, *line, json.as_deref().unwrap()))
            .collect();
        assert_eq!((found.as_slice(), why), (expected, None), "{file}");
    }
}

#[tokio::test]
async fn thoughts_are_found_in_each_shape() {
    has(
        "{\"a\":1}\n\n  {\"b\":2}\r\nnot json\n{\"c\":3}",
        &[
            (1, 1, "{\"a\":1}"),
            (3, 3, "{\"b\":2}"),
            (4, 4, "not json"),
            (5, 5, "{\"c\":3}"),
        ],
    )
    .await;
    let lists = "{\"a\":\"}]\\\"{\"},\n{\"b\":[{}]}";
    let found = [(1, 1, "{\"a\":\"}]\\\"{\"}"), (2, 2, "{\"b\":[{}]}")];
    has(&format!("[{lists}]"), &found).await;
    has(&format!("\u{feff}[{lists}]\n"), &found).await;
    has(
        &format!("{{\"memos\":[{lists}],\"nextPageToken\":\"\"}}"),
        &found,
    )
    .await;
    has(&format!("{{ \"data\" : [{lists}]}}"), &found).await;
    has(
        "{\n\"a\": 1\n}\n{\n\"b\": 2\n}\n",
        &[(1, 1, "{\n\"a\": 1\n}"), (2, 4, "{\n\"b\": 2\n}")],
    )
    .await;
    has("[]", &[]).await;
    has("{\"memos\": []}", &[]).await;
    assert_eq!(shape(b"# A heading"), None);
    assert_eq!(shape(b""), None);
}

#[tokio::test]
async fn a_file_that_breaks_off_says_in_which_line() {
    for (file, line, what) in [
        ("[\n{}", 2, "the file ends before its list does"),
        (
            "[\n{},\n{\"a\":\n",
            3,
            "the file ends within the thought that begins here",
        ),
        ("[\n{},\n3]", 3, "a thought begins with {"),
        ("[{}, \"a]", 1, "a thought begins with {"),
    ] {
        let (found, why) = pieces(Shape::Array, file.as_bytes(), 3).await;
        assert_eq!(found.len(), 1, "{file}");
        assert_eq!(why, Some(NoPiece::Broken(Broken { line, what })), "{file}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_passed_by() {
    let long = "x".repeat(MAX_RECORD);
    let (found, why) = pieces(
        Shape::Lines,
        format!("{{}}\n{long}y\n{{}}").as_bytes(),
        100_000,
    )
    .await;
    let expected = [
        (1, 1, Some("{}".to_owned())),
        (2, 2, None),
        (3, 3, Some("{}".to_owned())),
    ];
    assert_eq!((found, why), (expected.to_vec(), None));
    let (found, why) = pieces(
        Shape::Array,
        format!("[{{}},{{\"a\":\"{long}\"}},{{}}]").as_bytes(),
        100_000,
    )
    .await;
    let expected = [
        (1, 1, Some("{}".to_owned())),
        (2, 1, None),
        (3, 1, Some("{}".to_owned())),
    ];
    assert_eq!((found, why), (expected.to_vec(), None));
}

#[test]
fn memos_are_read_as_memos_gives_them() {
    // GET /api/v1/memos since 0.22.
    let new = r#"{"name":"memos/Jx","state":"NORMAL","creator":"users/1",
        "createTime":"2024-09-01T08:00:00Z","updateTime":"2024-09-02T08:00:00Z","displayTime":"2024-09-01T08:00:00Z",
        "content":"Hello **there** #tag","visibility":"PUBLIC","tags":["tag"],"pinned":true,
        "attachments":[{"name":"attachments/a","filename":"a.png"}],"relations":[],"reactions":[],"property":{"hasLink":false}}"#;
    let record = read(new.as_bytes()).unwrap();
    let expected = Record {
        visibility: Visibility::Public,
        written: time("2024-09-01T08:00:00Z"),
        changed: time("2024-09-02T08:00:00Z"),
        had_files: true,
        ..Record::of("Hello **there** #tag".to_owned())
    };
    assert_eq!(record, expected);
    // GET /api/v1/memo until 0.21.
    let old = r#"{"id":3,"rowStatus":"NORMAL","creatorId":1,"createdTs":1725177600,"updatedTs":1725177600,
        "displayTs":1725177600,"content":"Old","visibility":"PROTECTED","pinned":false,"resourceList":null}"#;
    let expected = Record {
        written: time("2024-09-01T08:00:00Z"),
        ..Record::of("Old".to_owned())
    };
    assert_eq!(read(old.as_bytes()), Ok(expected));
    let archived = r#"{"content":"Put away","visibility":"PUBLIC","state":"ARCHIVED"}"#;
    assert_eq!(
        read(archived.as_bytes()),
        Ok(Record::of("Put away".to_owned()))
    );
    let numbers = r#"{"content":"x","visibility":3,"createTime":{"seconds":1}}"#;
    assert_eq!(read(numbers.as_bytes()), Err(no_time()));
}

#[test]
fn lines_made_by_hand_are_read() {
    let id = uuid::Uuid::from_u128(1).to_string();
    let line =
        format!(r#"{{"text":"x","id":"{id}","created_at":"2024-09-01","visibility":"public"}}"#);
    let expected = Record {
        id: Some(id),
        visibility: Visibility::Public,
        written: time("2024-09-01"),
        ..Record::of("x".to_owned())
    };
    assert_eq!(read(line.as_bytes()), Ok(expected));
    let contract = br#"{"thought":{"text":"x","visibility":2,"create_time":"2024-09-01"}}"#;
    let expected = Record {
        written: time("2024-09-01"),
        ..Record::of("x".to_owned())
    };
    assert_eq!(read(contract), Ok(expected));
    let by_itself = br#"{"thought":{"text":"x"}}"#;
    assert_eq!(read(by_itself), Ok(Record::of("x".to_owned())));
}

#[test]
fn what_is_wrong_is_said() {
    for (json, why) in [
        (
            r#"{"thought":{"visibility":"VISIBILITY_PUBLIC"}}"#,
            "the text must be given",
        ),
        (
            r#"{"thought":{"text":"x","visibility":"all"}}"#,
            "the visibility must be public or private",
        ),
        (
            r#"{"thought":{"text":"x","visibility":1,"id":7}}"#,
            "the id must be a UUID",
        ),
        (
            r#"{"content":"x","createTime":"soon"}"#,
            "times must look like 2026-01-31T12:00:00Z",
        ),
        (
            r#"{"content":"x","visibility":"FRIENDS"}"#,
            "the visibility must be PUBLIC, PROTECTED or PRIVATE",
        ),
        (
            r#"{"name":"x"}"#,
            "a `thought`, or a `content` or `text`, was expected",
        ),
    ] {
        assert_eq!(read(json.as_bytes()), Err(why.to_owned()), "{json}");
    }
    for (json, beginning) in [
        (
            "{",
            "this is no thought in JSON: EOF while parsing an object at column 1",
        ),
        ("[]", "this is no thought in JSON: an object was expected"),
        ("[1]", "this is no thought in JSON: an object was expected"),
        (
            r#"{"thought":{"text":7}}"#,
            "this is no thought in JSON: invalid type: integer",
        ),
        (
            r#"{"thought":{"text":"a","text":"b"}}"#,
            "this is no thought in JSON: duplicate field `text`",
        ),
        ("\"\u{0}\"", "this is no thought in JSON: control character"),
    ] {
        let why = read(json.as_bytes()).unwrap_err();
        assert!(why.starts_with(beginning), "{why}");
        assert!(
            !why.contains(" line "),
            "the file's is told beside it: {why}"
        );
    }
    let deep = format!("{{\"content\":\"x\",\"deep\":{}", "[".repeat(1_000_000));
    assert!(read(deep.as_bytes()).is_err());
}
