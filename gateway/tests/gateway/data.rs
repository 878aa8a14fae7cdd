//! Import and export, before backends whose answers are made up.

use std::io::{Cursor, Read as _, Write as _};

use api::thoughts::v1::{
    ExportThoughtsResponse, ImportThoughtsRequest, Thought, ThoughtRevision, Visibility,
};
use futures_util::StreamExt as _;
use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use runtime::{clock::Timestamp, status};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Status;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::support::{LIFETIME, Page, Site, eventually, send, thought};

const DATA: &str = "/settings/data";
const LINES: &str = "/settings/data/thoughts.jsonl";
const FOLDER: &str = "/settings/data/thoughts.zip";

fn time(micros: i64) -> Option<prost_types::Timestamp> {
    Some(Timestamp::from_micros(micros).into())
}

/// A private thought from before 1970 that was changed, with what it was before.
fn changed() -> ExportThoughtsResponse {
    ExportThoughtsResponse {
        thought: Some(Thought {
            id: "0190a000-0000-7000-8000-000000000001".to_owned(),
            author: "bruce".to_owned(),
            text: "---\nnew: text\n---\n京都 “quoted” \u{2028}.".to_owned(),
            visibility: Visibility::Private.into(),
            create_time: time(-1_000_001),
            update_time: time(5),
            ..Thought::default()
        }),
        revisions: vec![ThoughtRevision {
            text: "old\ntext".to_owned(),
            visibility: Visibility::Public.into(),
            create_time: time(-1_000_001),
            end_time: time(5),
        }],
    }
}

/// What comes in of what went out: what an import does not read is left out.
fn as_imported(
    exported: &ExportThoughtsResponse,
    line: i64,
    always_updated: bool,
) -> ImportThoughtsRequest {
    let mut thought = exported.thought.clone().unwrap();
    thought.author.clear();
    thought.expire_time = None;
    if thought.update_time == thought.create_time && !always_updated {
        thought.update_time = None;
    }
    ImportThoughtsRequest {
        thought: Some(thought),
        revisions: exported.revisions.clone(),
        line,
    }
}

fn some() -> Vec<ExportThoughtsResponse> {
    let trashed = Thought {
        delete_time: time(1_700_000_000_000_000),
        expire_time: time(1_900_000_000_000_000),
        removed: true,
        ..thought("bruce", "In the trash", 60)
    };
    let plain = ExportThoughtsResponse {
        thought: Some(thought("bruce", "Plain", 30)),
        revisions: Vec::new(),
    };
    let trashed = ExportThoughtsResponse {
        thought: Some(trashed),
        revisions: Vec::new(),
    };
    vec![changed(), trashed, plain]
}

fn form(files: Vec<(&str, Vec<u8>)>) -> Form {
    files.into_iter().fold(Form::new(), |form, (name, file)| {
        let part = Part::bytes(file).file_name(name.to_owned());
        form.part("file", part)
    })
}

fn upload(site: &Site, files: Vec<(&str, Vec<u8>)>) -> RequestBuilder {
    site.request("POST", DATA)
        .multipart(form(files))
        .header("cookie", site.bruce())
}

async fn uploads(site: &Site, name: &str, file: impl Into<Vec<u8>>) -> Page {
    send(upload(site, vec![(name, file.into())])).await
}

async fn downloads(site: &Site, path: &str) -> Vec<u8> {
    let request = site.request("GET", path).header("cookie", site.bruce());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

/// Counts as the page has them.
#[track_caller]
fn counts(page: Page, imported: u64, there: u64, refused: u64) -> Page {
    page.has(&format!("<dt>Imported</dt><dd>{imported}</dd>"))
        .has(&format!("<dt>Already there</dt><dd>{there}</dd>"))
        .has(&format!("<dt>Refused</dt><dd>{refused}</dd>"))
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut zip = ZipWriter::new_stream(&mut archive);
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    archive
}

#[tokio::test]
async fn what_went_out_comes_in_and_twice_is_once() {
    for (path, name) in [(LINES, "a.jsonl"), (FOLDER, "a.zip")] {
        let site = Site::start().await;
        let some = some();
        site.fakes.export(some.iter().cloned().map(Ok).collect());
        let file = downloads(&site, path).await;
        let page = uploads(&site, name, file.clone()).await.is(200);
        counts(page, 3, 0, 0).has("<h1>Imported</h1>");
        let expected: Vec<_> = some
            .iter()
            .zip(1..)
            .map(|(exported, line)| as_imported(exported, line, path == LINES))
            .collect();
        let imported: Vec<_> = site
            .fakes
            .imported()
            .into_iter()
            .map(|mut message| {
                let thought = message.thought.as_mut().unwrap();
                thought.text = thought.text.trim().to_owned();
                message
            })
            .collect();
        assert_eq!(imported, expected);
        let page = uploads(&site, name, file).await.is(200);
        counts(page, 0, 3, 0);
        let calls = site.fakes.calls("ImportThoughts");
        let token = site.fakes.calls("ExportThoughts")[0].authorization.clone();
        assert!(token.is_some_and(|token| token.starts_with("Bearer ")));
        assert!(calls.iter().all(|call| call.authorization.is_some()));
    }
}

#[tokio::test]
async fn downloads_are_files_with_readable_names() {
    let site = Site::start().await;
    site.fakes.export(some().into_iter().map(Ok).collect());
    let lines = site.bruce_gets(LINES).await.is(200);
    let named = lines.header("content-disposition");
    assert!(
        named.starts_with("attachment; filename=\"mythoughts-bruce-20"),
        "{named}"
    );
    assert!(named.ends_with(".jsonl\""), "{named}");
    assert_eq!(lines.header("content-type"), "application/jsonl");
    assert_eq!(lines.header("cache-control"), "private, no-store");
    assert_eq!(lines.body.lines().count(), 3);
    let folder = site.request("GET", FOLDER).header("cookie", site.bruce());
    let folder = folder
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(folder.headers()["content-type"], "application/zip");
    assert!(!folder.headers().contains_key("content-encoding"));
    let folder = folder.bytes().await.unwrap();
    let mut zip = ZipArchive::new(Cursor::new(&folder)).unwrap();
    let names = zip.file_names().map(|name| name.unwrap().into_owned());
    let names: Vec<_> = names.collect();
    assert!(
        names.contains(&"1969/1969-12-31 23.59.58 ---.md".to_owned()),
        "{names:?}"
    );
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("trash/20") && name.ends_with(" In the trash.md"))
    );
    let mut file = String::new();
    zip.by_index(0).unwrap().read_to_string(&mut file).unwrap();
    assert_eq!(
        file,
        "---\nid: 0190a000-0000-7000-8000-000000000001\ncreated: 1969-12-31T23:59:58.999999Z\n\
         updated: 1970-01-01T00:00:00.000005Z\nvisibility: private\nrevisions:\n  \
         - {\"created\":\"1969-12-31T23:59:58.999999Z\",\"ended\":\"1970-01-01T00:00:00.000005Z\",\
         \"visibility\":\"public\",\"text\":\"old\\ntext\"}\n---\n---\nnew: text\n---\n京都 “quoted” \u{2028}.\n"
    );
}

#[tokio::test]
async fn a_download_that_fails_breaks_off() {
    for path in [LINES, FOLDER] {
        let site = Site::start().await;
        site.fakes
            .refuse("ExportThoughts", status::unavailable("X", "away"));
        site.bruce_gets(path).await.is(503).has("out of reach");
        site.fakes.relent("ExportThoughts");
        let lost = Err(Status::unavailable("lost"));
        site.fakes.export(vec![lost.clone()]);
        site.bruce_gets(path).await.is(503);
        let long = ExportThoughtsResponse {
            thought: Some(thought("bruce", &"long ".repeat(50), 1)),
            ..ExportThoughtsResponse::default()
        };
        let mut exported = vec![Ok(long); 1_000];
        exported.push(lost);
        site.fakes.export(exported);
        for encoding in ["identity", "gzip"] {
            let request = site.request("GET", path).header("cookie", site.bruce());
            let answer = request
                .header("accept-encoding", encoding)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            let mut chunks = answer.bytes_stream();
            let last = loop {
                match chunks.next().await {
                    Some(Ok(_)) => {}
                    last => break last,
                }
            };
            assert!(
                last.is_some_and(|last| last.is_err()),
                "{path} {encoding} ended as if whole"
            );
        }
    }
}

#[tokio::test]
async fn nobody_but_oneself_takes_or_brings() {
    let site = Site::start().await;
    for path in [DATA, LINES, FOLDER] {
        let login = format!("/login?next={}", path.replace('/', "%2F"));
        site.get(path).await.goes_to(&login);
    }
    let file = || form(vec![("a.jsonl", vec![b' '; 3_000_000])]);
    let page = send(site.request("POST", DATA).multipart(file())).await;
    assert_eq!(page.is(401).hidden("next"), DATA);
    let elsewhere = upload(&site, vec![]).header("sec-fetch-site", "cross-site");
    send(elsewhere).await.is(403);
    assert_eq!(site.fakes.calls("ImportThoughts").len(), 0);
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_by_its_place_and_stops_nothing_else() {
    let site = Site::start().await;
    let long = "x".repeat(251);
    let lines = format!(
        "{{\"text\":\"one\"}}\nno json <b>\n{{\"text\":\"{long}\"}}\n\n{{\"text\":\"two\",\"createTime\":\"soon\"}}\n{{\"text\":\"three\"}}"
    );
    let page = uploads(&site, "my <lines>.jsonl", lines).await.is(200);
    counts(page, 2, 0, 3)
        .has("<h1>Imported, but for some</h1>")
        .has("<bdi>my &lt;lines&gt;.jsonl, line 2</bdi></strong> <bdi>This is no thought in JSON: expected ident at column 2.")
        .has("line 3</bdi></strong> <bdi>The text must have at most 250 characters, not 251.")
        .has("line 5</bdi></strong> <bdi>Times must look like 2026-01-31T12:00:00Z.")
        .has("1 of the refused is too long")
        .has_not("<b>");
    let files = [
        ("good.md", "---\nvisibility: public\n---\ngood"),
        ("bad.md", "---\nvisibility: friends\n---\nbad"),
        (".obsidian/app.json", "{}"),
        ("pictures/x.png", "x"),
        ("2024-01-02T03:04:05Z-PUBLIC.md", "from memos"),
    ];
    let page = uploads(&site, "notes.zip", archive(&files)).await.is(200);
    counts(page, 2, 0, 1)
        .has("<bdi>bad.md</bdi></strong> <bdi>`visibility` must be public or private.")
        .has("2 other files in the zip are no Markdown");
    let imported = site.fakes.imported();
    let memo = imported.last().unwrap().thought.clone().unwrap();
    assert_eq!(memo.text, "from memos");
    assert_eq!(memo.visibility(), Visibility::Public);
    assert_eq!(memo.create_time, "2024-01-02T03:04:05Z".parse().ok());
    assert_eq!(
        imported[0].thought.clone().unwrap().visibility(),
        Visibility::Private
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let site = Site::start().await;
    let whole = archive(&[("a.md", "a"), ("b.md", "bbbbbbbbbbbbbbbb")]);
    let second = whole.windows(4).position(|it| it == b"b.md").unwrap();
    let page = uploads(&site, "cut.zip", &whole[..second + 5]).await;
    page.is(200)
        .has("<h1>Imported, but for some</h1>")
        .has("<bdi>cut.zip, b.md</bdi></strong> <bdi>From here on it cannot be read: the archive ends too early.");
    let page = uploads(&site, "cut.json", "[{\"content\":\"x\"},\n{\"content\":")
        .await
        .is(200);
    page.has("<bdi>cut.json, line 2</bdi></strong> <bdi>From here on it cannot be read: the file ends within the thought that begins here.");
    uploads(&site, "picture.png", "\u{89}PNG")
        .await
        .is(422)
        .has("none of the files that can be read");
    uploads(&site, "", "")
        .await
        .is(422)
        .has("Choose a file first");
    uploads(&site, "empty.jsonl", "")
        .await
        .is(422)
        .has("There was nothing to import");
    let broken = site.request("POST", DATA).header("cookie", site.bruce());
    let broken = broken.header("content-type", "multipart/form-data; boundary=x");
    send(broken.body("--x")).await.is(400).has("broke off");
    let none = site.request("POST", DATA).header("cookie", site.bruce());
    send(none.form(&[("file", "x")])).await.is(400);
    let several = vec![
        ("a.png", b"x".to_vec()),
        ("b.jsonl", b"{\"text\":\"b\"}".to_vec()),
        ("c.md", b"c".to_vec()),
    ];
    let page = send(upload(&site, several)).await.is(200);
    counts(page, 2, 0, 0).has("<bdi>a.png</bdi>");
}

#[tokio::test]
async fn what_is_too_large_ends_early() {
    let site = Site::start().await;
    let mut line = TcpStream::connect(site.address).await.unwrap();
    let head = format!(
        "POST {DATA} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\ncontent-length: {}\r\n\
         content-type: multipart/form-data; boundary=x\r\n\r\n--x",
        site.address,
        site.bruce(),
        2_u64 << 30,
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    line.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    let line = format!(
        "{{\"text\":\"one\"}}\n{}\n{{\"text\":\"two\"}}",
        "x".repeat(5 << 20)
    );
    let page = uploads(&site, "a.jsonl", line).await.is(200);
    counts(page, 2, 0, 1).has("line 2</bdi></strong> <bdi>Is longer than 3 MiB.");
    assert_eq!(site.fakes.imported().len(), 2);
}

#[tokio::test]
async fn a_gigabyte_of_nothing_is_not_unpacked() {
    let site = Site::start().await;
    let mut bomb = archive(&[("first.md", "first")]);
    // Its files come before the directory at its end, and this one again and again.
    let nothing = archive(&[("nothing.png", &"\0".repeat(64 << 20))]);
    let end = |archive: &[u8]| {
        archive
            .windows(4)
            .position(|it| it == b"PK\x01\x02")
            .unwrap()
    };
    bomb.truncate(end(&bomb));
    for _ in 0..17 {
        bomb.extend_from_slice(&nothing[..end(&nothing)]);
    }
    let page = uploads(&site, "bomb.zip", bomb).await.is(200);
    counts(page, 1, 0, 0).has("makes more than 1 GiB of the archive");
}

#[tokio::test]
async fn many_thoughts_come_in_parts_that_fit_into_memory() {
    let site = Site::start().await;
    let lines: String = (0..1_201)
        .map(|n| format!("{{\"text\":\"{n}\"}}\n"))
        .collect();
    let page = uploads(&site, "a.jsonl", lines.clone()).await.is(200);
    page.has("<dt>Imported</dt><dd>1,201</dd>");
    let parts = site.fakes.calls("ImportThoughts").len();
    assert_eq!(parts, 3);
    let imported = site.fakes.imported();
    let texts: Vec<_> = imported
        .iter()
        .map(|it| it.thought.clone().unwrap().text)
        .collect();
    let expected: Vec<_> = (0..1_201).map(|n| n.to_string()).collect();
    assert_eq!(texts, expected);
    let page = uploads(&site, "a.jsonl", lines).await.is(200);
    page.has("<dt>Already there</dt><dd>1,201</dd>");
}

#[tokio::test]
async fn a_backend_that_is_away_for_a_moment_is_waited_for() {
    let site = Site::start().await;
    let away = || status::unavailable("X", "away");
    site.fakes.refuse("ImportThoughts", away());
    let uploading =
        tokio::spawn(upload(&site, vec![("a.jsonl", b"{\"text\":\"x\"}".to_vec())]).send());
    eventually("it is tried again", async || {
        site.fakes.calls("ImportThoughts").len() > 1
    })
    .await;
    site.fakes.relent("ImportThoughts");
    let page = uploading.await.unwrap().unwrap().text().await.unwrap();
    assert!(page.contains("<dt>Imported</dt><dd>1</dd>"), "{page}");
    site.fakes.refuse("ImportThoughts", status::internal());
    let page = uploads(&site, "a.jsonl", "{\"text\":\"y\"}").await.is(500);
    counts(page, 0, 0, 0)
        .has("<h1>Not all of it is imported</h1>")
        .has("Send the same file again for the rest.");
}

#[tokio::test]
async fn an_upload_that_takes_long_is_answered_while_it_goes_on() {
    let site = Site::start().await;
    site.fakes.hold("ImportThoughts");
    let request = upload(&site, vec![("a.jsonl", b"{\"text\":\"x\"}".to_vec())]);
    let answer = request
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("content-encoding"));
    let mut chunks = answer.bytes_stream();
    let mut page = String::new();
    while !page.contains("Your upload is being read</h1>") {
        page.push_str(std::str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap());
    }
    let again = uploads(&site, "b.jsonl", "{\"text\":\"y\"}").await.is(429);
    assert_eq!(again.header("retry-after"), "30");
    site.fakes.release();
    while let Some(chunk) = chunks.next().await {
        page.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    assert!(
        page.contains("<h2>Imported</h2>") && page.ends_with("</html>"),
        "{page}"
    );
    assert!(page.contains("<dt>Imported</dt><dd>1</dd>"), "{page}");
    uploads(&site, "b.jsonl", "{\"text\":\"y\"}").await.is(200);
}

#[tokio::test]
async fn an_upload_goes_on_when_the_access_token_ends() {
    let site = Site::start().await;
    site.fakes.make_secrets("mt_for_the_upload");
    let ending = site.keys.token("bruce", "member", 45);
    let request = site
        .request("POST", DATA)
        .multipart(form(vec![("a.jsonl", b"{\"text\":\"x\"}".to_vec())]))
        .header("cookie", format!("session={ending}; renewal=unused"));
    let page = send(request).await.is(200);
    counts(page, 1, 0, 0).leaves_the_cookies();
    let with = |rpc: &str| site.fakes.calls(rpc)[0].authorization.clone().unwrap();
    assert_eq!(with("CreateAccessToken"), format!("Bearer {ending}"));
    assert_eq!(with("ImportThoughts"), "Bearer mt_for_the_upload");
    // It is over before the session's token is, and takes its own back.
    assert_eq!(with("RevokeAccessToken"), format!("Bearer {ending}"));
    assert_eq!(site.fakes.calls("RefreshSession").len(), 0);
    // Whoever may have no further token goes on with what there is.
    site.fakes
        .refuse("CreateAccessToken", Status::failed_precondition("too many"));
    let request = site
        .request("POST", DATA)
        .multipart(form(vec![("a.jsonl", b"{\"text\":\"y\"}".to_vec())]))
        .header("cookie", format!("session={ending}"));
    counts(send(request).await.is(200), 1, 0, 0);
    let long = site.keys.token("bruce", "member", LIFETIME);
    let request = site
        .request("POST", DATA)
        .multipart(form(vec![("a.jsonl", b"{\"text\":\"z\"}".to_vec())]))
        .header("cookie", format!("session={long}"));
    send(request).await.is(200);
    assert_eq!(site.fakes.calls("CreateAccessToken").len(), 2);
}

#[tokio::test]
async fn whoever_goes_away_leaves_what_was_read() {
    let site = Site::start().await;
    let begun: String = (0..600)
        .map(|n| format!("{{\"text\":\"{n}\"}}\n"))
        .collect();
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n";
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<std::io::Result<String>>();
    let body = futures_util::stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    });
    let request = site
        .request("POST", DATA)
        .header("cookie", site.bruce())
        .header("content-type", "multipart/form-data; boundary=x")
        .body(reqwest::Body::wrap_stream(body));
    let uploading = tokio::spawn(request.send());
    sender.send(Ok(format!("{head}{begun}"))).unwrap();
    eventually("a part is stored", async || {
        site.fakes.imported().len() == 500
    })
    .await;
    sender.send(Err(std::io::Error::other("gone"))).unwrap();
    assert!(uploading.await.unwrap().is_err());
    eventually("the rest is stored", async || {
        site.fakes.imported().len() == 600
    })
    .await;
    eventually("another upload may begin", async || {
        let page = uploads(&site, "a.jsonl", begun.clone()).await;
        page.status == 200
    })
    .await;
    assert_eq!(site.fakes.imported().len(), 600);
}

#[tokio::test]
async fn the_page_is_one_of_the_settings() {
    let site = Site::start().await;
    let page = site.bruce_gets(DATA).await.is(200);
    page.has("<a href=\"/settings/data\" aria-current=\"page\">Import and export</a>")
        .has("enctype=\"multipart/form-data\"")
        .has("href=\"/settings/data/thoughts.jsonl\"")
        .has("href=\"/settings/data/thoughts.zip\"");
    site.bruce_gets("/settings")
        .await
        .has("href=\"/settings/data\"");
}
