use proptest::prelude::*;
use runtime::clock::Timestamp;

use super::*;
use crate::model::{Thought, Trashed};

/// A thought of an export, written at that microsecond.
pub(in crate::porting) fn exported(text: &str, micros: i64) -> Exported {
    Exported {
        thought: Thought {
            id: Uuid::from_u128(u128::from(micros.unsigned_abs())),
            author: "bruce".to_owned(),
            text: text.to_owned(),
            private: false,
            written: Timestamp::from_micros(micros),
            changed: None,
            etag: String::new(),
            trashed: None,
            matches: Vec::new(),
        },
        revisions: Vec::new(),
    }
}

/// What comes in again of what went out, text aside.
pub(in crate::porting) fn as_record(exported: &Exported) -> Record {
    let thought = &exported.thought;
    Record {
        id: Some(thought.id.to_string()),
        text: thought.text.clone(),
        visibility: thought.visibility(),
        written: Some(thought.written),
        changed: thought.changed,
        trashed: thought.trashed.map(|trashed| trashed.since),
        removed: thought.trashed.is_some_and(|trashed| trashed.removed),
        revisions: exported.revisions.clone(),
        had_files: false,
    }
}

/// Texts that servers keep: not empty, no white space around them, no control characters but
/// newline and tab.
pub(in crate::porting) fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "---",
        "---\n",
        "\n---\n",
        "\n",
        "\t",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "#",
        "- ",
        "'",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "👩‍👩‍👧",
        "é",
        "京都",
        "id: x",
        "%",
        "&amp;",
        "\\u0041",
        "```",
        "*",
        "!!str",
        "|",
        ">",
        "~",
        "null",
    ]);
    let piece = prop_oneof![odd.prop_map(str::to_owned), "\\PC{0,8}", "[a-z ]{0,8}"];
    prop::collection::vec(piece, 1..12)
        .prop_map(|pieces| pieces.concat())
        .prop_map(|text| {
            text.chars()
                .filter(|it| !it.is_control() || "\n\t".contains(*it))
                .collect::<String>()
        })
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("must not be empty", |text| !text.is_empty())
}

/// From the year 1 to the year 9999.
fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (-62_135_596_800_000_000..253_402_300_799_999_999_i64),
        (-3_000_000..3_000_000_i64),
        (0..2_000_000_000_i64).prop_map(|seconds| seconds * 1_000_000),
    ]
    .prop_map(Timestamp::from_micros)
}

pub(in crate::porting) fn anything() -> impl Strategy<Value = Exported> {
    let visibility = || {
        any::<bool>().prop_map(|private| match private {
            true => Visibility::Private,
            false => Visibility::Public,
        })
    };
    let revision =
        (text(), visibility(), time(), time()).prop_map(|(text, visibility, since, until)| {
            Revision {
                text,
                visibility,
                since,
                until,
            }
        });
    let trashed = (time(), any::<bool>()).prop_map(|(since, removed)| Trashed {
        since,
        until: since,
        removed,
    });
    (
        (any::<u128>(), text(), any::<bool>()),
        (
            time(),
            prop::option::of(1..1_000_000_000_i64),
            prop::option::of(trashed),
        ),
        prop::collection::vec(revision, 0..4),
    )
        .prop_map(
            |((id, text, private), (written, changed, trashed), revisions)| {
                let mut exported = exported(&text, written.as_micros());
                exported.thought.id = Uuid::from_u128(id);
                exported.thought.private = private;
                exported.thought.changed =
                    changed.map(|later| Timestamp::from_micros(written.as_micros() + later));
                exported.thought.trashed = trashed;
                exported.revisions = revisions;
                exported
            },
        )
}

proptest! {
    #[test]
    fn what_went_out_comes_in(exported in anything()) {
        let file = write(&exported).unwrap();
        let read = read("2026/any name.md", file.as_bytes()).unwrap();
        let expected = as_record(&exported);
        prop_assert_eq!(read.text.trim(), expected.text.as_str());
        prop_assert_eq!(Record { text: expected.text.clone(), ..read }, expected);
        // Programs that end lines as Windows does change nothing but that.
        let windows = file.replace('\n', "\r\n");
        let read = super::read("x.md", windows.as_bytes()).unwrap();
        let expected = as_record(&exported);
        let text = read.text.replace("\r\n", "\n");
        prop_assert_eq!(text.trim(), expected.text.as_str());
        prop_assert_eq!(Record { text: expected.text.clone(), ..read }, expected);
    }

    #[test]
    fn nothing_makes_it_panic(file in prop::collection::vec(any::<u8>(), 0..200), name in "\\PC{0,40}") {
        let _ = read(&name, &file);
        let _ = read(&name, &[b"---\n".as_slice(), &file, b"\n---\n"].concat());
    }
}

#[track_caller]
fn is(path: &str, file: &str, expected: Record) {
    let read = read(path, file.as_bytes()).unwrap();
    let text = read.text.trim().to_owned();
    assert_eq!(Record { text, ..read }, expected, "{path}: {file}");
}

fn at(time: &str, record: Record) -> Record {
    Record {
        written: record::time(time),
        ..record
    }
}

fn plain(text: &str) -> Record {
    Record::of(text.to_owned())
}

#[test]
fn a_file_is_its_text() {
    is("Note.md", "Just a text\n", plain("Just a text"));
    is("Note.md", "\u{feff}Just a text", plain("Just a text"));
    is("2024-05-01.md", "A day", at("2024-05-01", plain("A day")));
    let public = Record {
        visibility: Visibility::Public,
        ..at(
            "2024-05-01T10:00:00Z",
            plain("---\nid: is text with memos\n---"),
        )
    };
    is(
        "2024-05-01T10:00:00Z-PUBLIC.md",
        &public.text.clone(),
        public,
    );
    is(
        "Lines.md",
        "---\nnot: [closed\n---\nx",
        plain("---\nnot: [closed\n---\nx"),
    );
    is(
        "Lines.md",
        "---\n\njust a line above\n",
        plain("---\n\njust a line above"),
    );
    is(
        "Lines.md",
        "---\nwords only\n---\nx",
        plain("---\nwords only\n---\nx"),
    );
}

#[test]
fn front_matter_of_others_is_read_as_far_as_it_is_known() {
    let file = "---\nid: 20240501-1\ntags: [a, b]\ndate: 2024-05-01 10:00\nmodified: 2024-05-02T11:30:00+02:00\n\
                title: \"x: y\"\naliases:\n  - z\n---\n\nText";
    let expected = Record {
        changed: record::time("2024-05-02T09:30:00Z"),
        ..at("2024-05-01T10:00:00Z", plain("Text"))
    };
    is("Note.md", file, expected);
    is(
        "2024-05-01.md",
        "---\nvisibility: PROTECTED\n---\nx",
        at("2024-05-01", plain("x")),
    );
    is(
        "x.md",
        "---\nupdated: 2024-05-01\n---\nx",
        at("2024-05-01", plain("x")),
    );
    is(
        "x.md",
        "---\nupdated: 2024-05-01\ncreated: 2024-05-02\n---\nx",
        at("2024-05-02", plain("x")),
    );
    is(
        "x.md",
        "---\ncreated: 1714557600\n---\nx",
        at("2024-05-01T10:00:00Z", plain("x")),
    );
}

#[test]
fn front_matter_that_another_program_has_put_in_order_is_still_ours() {
    let id = Uuid::from_u128(7);
    let file = format!(
        "---\ncreated: \"1962-05-11T09:53:00Z\"\nid: {id}\nrevisions:\n- created: '1962-05-11T09:53:00Z'\n  \
         ended: 1962-05-11T10:00:00Z\n  text: |-\n    two\n    lines\n  visibility: private\n\
         updated: 1962-05-11T10:00:00Z\nvisibility: public\ncssclasses: wide\n---\nNow"
    );
    let earlier = Revision {
        text: "two\nlines".to_owned(),
        visibility: Visibility::Private,
        since: record::time("1962-05-11T09:53:00Z").unwrap(),
        until: record::time("1962-05-11T10:00:00Z").unwrap(),
    };
    let expected = Record {
        id: Some(id.to_string()),
        visibility: Visibility::Public,
        changed: record::time("1962-05-11T10:00:00Z"),
        revisions: vec![earlier],
        ..at("1962-05-11T09:53:00Z", plain("Now"))
    };
    is("x.md", &file, expected);
}

#[test]
fn what_is_wrong_is_said() {
    for (file, why) in [
        (
            "---\ncreated: yesterday\n---\nx",
            "`created` must look like 2026-01-31T12:00:00Z",
        ),
        (
            "---\nupdated: [1]\n---\nx",
            "`updated` must look like 2026-01-31T12:00:00Z",
        ),
        (
            "---\nvisibility: friends\n---\nx",
            "`visibility` must be public or private",
        ),
        (
            "---\nrevisions: 3\n---\nx",
            "`revisions` must be a list of earlier versions",
        ),
        (
            "---\nrevisions: [{text: x}]\n---\nx",
            "`revisions` must be a list of earlier versions",
        ),
        (
            "---\nid: 1\nbroken: [\n---\nx",
            "the front matter is no YAML",
        ),
    ] {
        assert_eq!(read("x.md", file.as_bytes()), Err(why.to_owned()), "{file}");
    }
    let latin = read("x.md", b"caf\xe9");
    assert_eq!(latin, Err("the file must be a text in UTF-8".to_owned()));
}

#[test]
fn front_matter_does_not_grow_in_memory() {
    let aliases =
        "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n---\nx";
    let many = format!("---\nid: 1\nlist: [{}]\n---\nx", "1,".repeat(100_000));
    let deep = format!("---\nid: 1\nlist: {}\n---\nx", "[".repeat(100_000));
    is("x.md", aliases, plain(aliases));
    for file in [many, deep] {
        let refused = read("x.md", file.as_bytes());
        assert_eq!(refused, Err("the front matter is no YAML".to_owned()));
    }
}

#[test]
fn as_many_versions_as_an_export_gives_at_once_come_in() {
    for letter in ["\"", "京", "\\", "a"] {
        let mut exported = exported(&letter.repeat(10_000), 0);
        exported.revisions = (0..50)
            .map(|n| Revision {
                text: letter.repeat(10_000),
                visibility: Visibility::Public,
                since: Timestamp::from_micros(n),
                until: Timestamp::from_micros(n + 1),
            })
            .collect();
        let file = write(&exported).unwrap();
        assert!(file.len() < crate::porting::limits::MAX_RECORD);
        let read = read("x.md", file.as_bytes()).unwrap();
        assert_eq!(read.revisions, exported.revisions);
    }
}
