use std::io::{Cursor, Read as _, Write as _};

use ::zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};
use runtime::clock::Timestamp;

use super::{super::source::cut, *};
use crate::porting::limits::MAX_RECORD;

type Files = Vec<(String, Result<Vec<u8>, &'static str>)>;

/// What is read of an archive that comes in pieces of that size, how many others there are, and why
/// it ends early.
async fn unzip(archive: &[u8], size: usize) -> (Files, u64, Option<NoEntry>) {
    unzip_with(Unzip::default(), archive, size).await
}

async fn unzip_with(
    mut unzip: Unzip,
    archive: &[u8],
    size: usize,
) -> (Files, u64, Option<NoEntry>) {
    let mut source = cut(archive, size);
    let (mut files, mut others) = (Vec::new(), 0);
    loop {
        let wanted = |name: &str| name.ends_with(".md");
        match unzip.next(&mut source, wanted, &mut others).await {
            Ok(Some(entry)) => files.push((entry.name, entry.file)),
            Ok(None) => return (files, others, None),
            Err(why) => return (files, others, Some(why)),
        }
    }
}

fn files(expected: &[(&str, &[u8])]) -> Files {
    let files = expected.iter();
    files
        .map(|(name, file)| ((*name).to_owned(), Ok(file.to_vec())))
        .collect()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut archive) = (Zip::default(), Vec::new());
    for (name, file) in files {
        zip.add(
            name,
            Timestamp::from_seconds(1_700_000_000),
            file,
            &mut archive,
        )
        .unwrap();
    }
    for piece in zip.finish() {
        archive.extend_from_slice(&piece.unwrap());
    }
    archive
}

/// As other programs write: what is known of a file stands before it, or behind.
fn by_others(files: &[(&str, &[u8])], method: CompressionMethod, stream: bool) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = Vec::new();
    if stream {
        let mut zip = ZipWriter::new_stream(&mut archive);
        for (name, file) in files {
            zip.start_file(*name, options).unwrap();
            zip.write_all(file).unwrap();
        }
        zip.finish().unwrap();
    } else {
        let mut zip = ZipWriter::new(Cursor::new(&mut archive));
        zip.add_directory("folder/", options).unwrap();
        for (name, file) in files {
            zip.start_file(*name, options).unwrap();
            zip.write_all(file).unwrap();
        }
        zip.finish().unwrap();
    }
    archive
}

/// A file whose lengths come behind it, in each way that there is.
fn with_descriptor(file: &[u8], signature: bool, wide: bool) -> Vec<u8> {
    use flate2::{Compression, write::DeflateEncoder};
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(file).unwrap();
    let data = encoder.finish().unwrap();
    let mut archive = LOCAL_HEADER.to_le_bytes().to_vec();
    for value in [20, HAS_DESCRIPTOR | UTF_8, DEFLATED, 0, 0] {
        archive.extend_from_slice(&u16::to_le_bytes(value));
    }
    archive.extend_from_slice(&[0; 12]);
    archive.extend_from_slice(&[4, 0, 0, 0]);
    archive.extend_from_slice(b"x.md");
    archive.extend_from_slice(&data);
    if signature {
        archive.extend_from_slice(&DESCRIPTOR.to_le_bytes());
    }
    archive.extend_from_slice(&crc32fast::hash(file).to_le_bytes());
    for length in [data.len() as u64, file.len() as u64] {
        let length = length.to_le_bytes();
        archive.extend_from_slice(if wide { &length } else { &length[..4] });
    }
    archive.extend_from_slice(&DIRECTORY_HEADER.to_le_bytes());
    archive.extend_from_slice(&[0; 100]);
    archive
}

const SOME: [(&str, &[u8]); 4] = [
    (
        "2024/a.md",
        b"A text that repeats itself, repeats itself, repeats itself.",
    ),
    ("trash/b 京.md", b""),
    ("c.png", b"no text"),
    ("d.md", b"short"),
];

fn wanted() -> Files {
    files(&[SOME[0], SOME[1], SOME[3]])
}

#[tokio::test]
async fn what_is_written_others_can_read() {
    let archive = zip(&SOME);
    let mut zip = ZipArchive::new(Cursor::new(&archive)).unwrap();
    assert_eq!(zip.len(), 4);
    for (at, (name, file)) in SOME.iter().enumerate() {
        let mut entry = zip.by_index(at).unwrap();
        let mut read = Vec::new();
        entry.read_to_end(&mut read).unwrap();
        assert_eq!(
            (entry.name().unwrap(), read.as_slice()),
            ((*name).into(), *file)
        );
        let changed = entry.last_modified().unwrap();
        assert_eq!(
            (changed.year(), changed.month(), changed.second()),
            (2023, 11, 20)
        );
        assert_eq!(entry.unix_mode(), Some(0o100_644));
    }
}

#[tokio::test]
async fn many_files_have_a_wide_directory() {
    let names: Vec<_> = (0..70_000).map(|n| format!("{n}.md")).collect();
    let many: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), b"x".as_slice()))
        .collect();
    let archive = zip(&many);
    let mut zip = ZipArchive::new(Cursor::new(&archive)).unwrap();
    assert_eq!(zip.len(), 70_000);
    assert_eq!(zip.by_index(69_999).unwrap().name().unwrap(), "69999.md");
    let (read, others, why) = unzip(&archive, 50_000).await;
    assert_eq!((read.len(), others, why), (70_000, 0, None));
    assert!(zip_is_zip(&archive));
}

fn zip_is_zip(archive: &[u8]) -> bool {
    is_zip(&archive[..4])
}

#[tokio::test]
async fn archives_are_read_in_pieces_of_any_size() {
    let archives = [
        zip(&SOME),
        by_others(&SOME, CompressionMethod::Deflated, false),
        by_others(&SOME, CompressionMethod::Stored, false),
        by_others(&SOME, CompressionMethod::Deflated, true),
    ];
    for archive in archives {
        assert!(is_zip(&archive));
        for size in [1, 5, 64, 100_000] {
            assert_eq!(unzip(&archive, size).await, (wanted(), 1, None));
        }
    }
    let empty = zip(&[]);
    assert!(is_zip(&empty));
    assert_eq!(unzip(&empty, 3).await, (Vec::new(), 0, None));
}

#[tokio::test]
async fn lengths_behind_a_file_are_found_in_each_spelling() {
    let file = b"some text, some text, some text";
    for signature in [true, false] {
        for wide in [true, false] {
            let archive = with_descriptor(file, signature, wide);
            for size in [1, 30, 1000] {
                let read = unzip(&archive, size).await;
                assert_eq!(
                    read,
                    (files(&[("x.md", file)]), 0, None),
                    "{signature} {wide}"
                );
            }
        }
    }
}

#[tokio::test]
async fn damage_is_noticed_wherever_it_is() {
    for whole in [
        zip(&SOME),
        by_others(&SOME, CompressionMethod::Deflated, true),
        with_descriptor(b"some text, some text", true, false),
    ] {
        let (read, _, _) = unzip(&whole, 1000).await;
        for at in 0..whole.len() {
            for damaged in [
                [&whole[..at], &[whole[at] ^ 0x10], &whole[at + 1..]].concat(),
                whole[..at].to_vec(),
            ] {
                // Whatever comes of it, no file has another content than it had.
                let (found, _, _) = unzip(&damaged, 1000).await;
                for (name, file) in found {
                    let Ok(file) = file else { continue };
                    let kept = read.iter().any(|(_, there)| *there == Ok(file.clone()));
                    assert!(kept, "byte {at}: {name} has {file:?}");
                }
            }
        }
    }
    let whole = zip(&SOME);
    let cut_off = unzip(&whole[..60], 1000).await;
    let why = NoEntry::Broken(Some("2024/a.md".to_owned()), "the archive ends too early");
    assert_eq!(cut_off, (Vec::new(), 0, Some(why)));
}

#[tokio::test]
async fn what_is_too_long_is_passed_by() {
    let long = vec![b' '; MAX_RECORD + 1];
    let archive = zip(&[("a.md", b"a"), ("long.md", &long), ("b.md", b"b")]);
    let mut expected = files(&[("a.md", b"a"), ("long.md", b""), ("b.md", b"b")]);
    expected[1].1 = Err("is larger than 3 MiB");
    assert_eq!(unzip(&archive, 1000).await, (expected, 0, None));
}

#[tokio::test]
async fn a_bomb_does_not_go_off() {
    let (mut zip, mut archive) = (Zip::default(), Vec::new());
    // A picture of nothing, a thousand times as large as what it takes.
    let nothing = vec![0; 1 << 20];
    for _ in 0..5 {
        zip.add(
            "nothing.png",
            Timestamp::from_seconds(0),
            &nothing,
            &mut archive,
        )
        .unwrap();
    }
    drop(nothing);
    zip.add("a.md", Timestamp::from_seconds(0), b"a", &mut archive)
        .unwrap();
    assert!(archive.len() < 10_000);
    let room = Unzip::with_room((5 << 20) - 1);
    let (read, others, why) = unzip_with(room, &archive, 1024).await;
    let bomb = "makes more than 1 GiB of the archive";
    assert_eq!(read, Vec::new());
    assert_eq!(others, 4);
    assert_eq!(
        why,
        Some(NoEntry::Broken(Some("nothing.png".to_owned()), bomb))
    );
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_passed_by_where_its_length_is_known() {
    let mut archive = by_others(&SOME[..1], CompressionMethod::Deflated, false);
    let header = archive
        .windows(4)
        .rposition(|bytes| bytes == LOCAL_HEADER.to_le_bytes())
        .unwrap();
    let encrypted = {
        let mut archive = archive.clone();
        archive[header + 6] |= 1;
        archive
    };
    archive[header + 8] = 93;
    for (archive, why) in [
        (encrypted, "is encrypted"),
        (
            archive,
            "is packed in a way that is not understood here; pack it with Deflate",
        ),
    ] {
        let expected = vec![("2024/a.md".to_owned(), Err(why))];
        assert_eq!(unzip(&archive, 7).await, (expected, 0, None));
    }
    let mut stored = with_descriptor(b"text", true, false);
    stored[8] = 0;
    let why = "is stored without its length; pack it once more";
    let why = NoEntry::Broken(Some("x.md".to_owned()), why);
    assert_eq!(unzip(&stored, 7).await, (Vec::new(), 0, Some(why)));
}
