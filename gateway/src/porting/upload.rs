//! An upload: which files there are in the form, and what they are.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt as _, stream};
use multer::{Field, Multipart};

use super::{
    body::{Gauge, Stop, bounded},
    import::{Import, Over},
    json::{self, NoPiece, Pieces, Shape},
    limits::MAX_RECORD,
    markdown,
    report::{Ended, Report},
    source::Source,
    zip::{NoEntry, Unzip, is_zip},
};

/// The form's field with the files.
pub(crate) const FIELD: &str = "file";

/// So much of a file shows what it is.
const HEAD: usize = 512;

/// The longest name of a file that a report repeats, in Unicode scalar values.
const MAX_NAME: usize = 200;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Zip,
    Json(Shape),
    Markdown,
    Unknown,
}

/// Why a file is not read on.
enum NotOn {
    /// Nothing more can be read, or stored.
    Over,
    /// The next file can.
    Broken,
}

/// Reads a form with files to its end and imports what is in them.
pub(crate) async fn read(body: Body, boundary: String, mut import: Import) -> Report {
    let gauge = Arc::new(Gauge::default());
    let mut form = Multipart::new(bounded(body, Arc::clone(&gauge)), boundary);
    let mut reads = true;
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break,
            Err(error) => {
                stop(&mut import, gauge.why(&error));
                break;
            }
        };
        if let Err(Over) = file(field, reads, &gauge, &mut import).await {
            // A browser shows the answer when it has sent everything.
            reads = false;
            if matches!(import.report().ended, Some(Ended::Upload(_))) {
                break;
            }
        }
    }
    import.has_read(gauge.read());
    import.finish().await
}

async fn file(
    field: Field<'static>,
    reads: bool,
    gauge: &Arc<Gauge>,
    import: &mut Import,
) -> Result<(), Over> {
    let wanted = reads && field.name() == Some(FIELD);
    let name: String = field
        .file_name()
        .unwrap_or_default()
        .chars()
        .take(MAX_NAME)
        .collect();
    let mut source = Source::new(chunks(field, Arc::clone(gauge)));
    // A form without a file has an empty one without a name.
    let given = match source.peek(HEAD).await {
        Ok(head) => wanted && !(name.is_empty() && head.is_empty()),
        Err(why) => return Err(stop(import, why)),
    };
    let mut reader = File {
        name,
        gauge,
        import,
    };
    let read = match given {
        true => reader.read(&mut source).await,
        false => Err(NotOn::Broken),
    };
    // The rest has to come before the next file can.
    if read.is_err() && !matches!(reader.import.report().ended, Some(Ended::Upload(_))) {
        let rest = source.discard().await;
        rest.map_err(|why| stop(reader.import, why))?;
    }
    match read {
        Err(NotOn::Over) => Err(Over),
        Ok(()) | Err(NotOn::Broken) => Ok(()),
    }
}

/// One file of an upload.
struct File<'a> {
    name: String,
    gauge: &'a Gauge,
    import: &'a mut Import,
}

impl File<'_> {
    async fn read<S>(&mut self, source: &mut Source<S>) -> Result<(), NotOn>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        self.import.report().counts.files += 1;
        let head = source.peek(HEAD).await.map_err(|why| self.stop(why))?;
        match format(&self.name, head) {
            Format::Zip => self.zip(source).await,
            Format::Json(shape) => self.json(source, shape).await,
            Format::Markdown => {
                let file = source
                    .rest(MAX_RECORD)
                    .await
                    .map_err(|why| self.stop(why))?;
                let record = match file {
                    Some(file) => markdown::read(&self.name, &file),
                    None => Err("is larger than 3 MiB".to_owned()),
                };
                self.add(self.name.clone(), record).await
            }
            Format::Unknown => Err(self.broken(
                self.name.clone(),
                "This is none of the files that can be read here.",
            )),
        }
    }

    async fn json<S>(&mut self, source: &mut Source<S>, shape: Shape) -> Result<(), NotOn>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let mut pieces = Pieces::new(shape);
        loop {
            let piece = match pieces.next(source).await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(()),
                Err(NoPiece::Stop(why)) => return Err(self.stop(why)),
                Err(NoPiece::Broken(broken)) => {
                    let place = format!("{}, line {}", self.name, broken.line);
                    let why = format!("From here on it cannot be read: {}.", broken.what);
                    return Err(self.broken(place, &why));
                }
            };
            let place = match shape {
                Shape::Lines => format!("{}, line {}", self.name, piece.line),
                _ => format!(
                    "{}, number {} (line {})",
                    self.name, piece.number, piece.line
                ),
            };
            let record = match piece.json {
                Some(json) => json::read(&json),
                None => Err("is longer than 3 MiB".to_owned()),
            };
            self.add(place, record).await?;
        }
    }

    async fn zip<S>(&mut self, source: &mut Source<S>) -> Result<(), NotOn>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let mut unzip = Unzip::default();
        loop {
            let others = &mut self.import.report().counts.others;
            let entry = match unzip.next(source, is_a_thought, others).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(()),
                Err(NoEntry::Stop(why)) => return Err(self.stop(why)),
                Err(NoEntry::Broken(name, what)) => {
                    let place = match name {
                        Some(name) => format!("{}, {}", self.name, shown(&name)),
                        None => self.name.clone(),
                    };
                    let why = format!("From here on it cannot be read: {what}.");
                    return Err(self.broken(place, &why));
                }
            };
            let record = match entry.file {
                Ok(file) => markdown::read(&entry.name, &file),
                Err(why) => Err(why.to_owned()),
            };
            self.add(shown(&entry.name), record).await?;
        }
    }

    async fn add(
        &mut self,
        place: String,
        record: Result<super::Record, super::record::Refused>,
    ) -> Result<(), NotOn> {
        self.import.has_read(self.gauge.read());
        let added = self.import.add(place, record).await;
        added.map_err(|Over| NotOn::Over)
    }

    fn broken(&mut self, place: String, why: &str) -> NotOn {
        self.import.report().give_up_on(place, why);
        NotOn::Broken
    }

    fn stop(&mut self, why: Stop) -> NotOn {
        stop(self.import, why);
        NotOn::Over
    }
}

fn stop(import: &mut Import, why: Stop) -> Over {
    // What ended it first is what there is to tell.
    import.report().ended.get_or_insert(Ended::Upload(why));
    Over
}

/// The chunks of a file in a form.
fn chunks(
    field: Field<'static>,
    gauge: Arc<Gauge>,
) -> impl Stream<Item = Result<Bytes, Stop>> + Unpin + Send {
    let chunks = stream::unfold((field, gauge), async |(mut field, gauge)| {
        let chunk = field.next().await?;
        let chunk = chunk.map_err(|error| gauge.why(&error));
        gauge.of_a_file();
        Some((chunk, (field, gauge)))
    });
    chunks.boxed()
}

/// By what is in it, and only where that says nothing by its name.
fn format(name: &str, head: &[u8]) -> Format {
    if is_zip(head) {
        return Format::Zip;
    }
    if is_text(name) {
        return Format::Markdown;
    }
    match json::shape(head) {
        Some(shape) => Format::Json(shape),
        None if ends_in(name, &["jsonl", "ndjson", "json"]) => Format::Json(Shape::Lines),
        None => Format::Unknown,
    }
}

/// Whether a file in an archive is one to read: hidden ones are programs' own, and so is what macOS
/// puts beside each file.
fn is_a_thought(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    is_text(path) && !hidden && !path.starts_with("__MACOSX/")
}

fn is_text(name: &str) -> bool {
    ends_in(name, &["md", "markdown", "txt"])
}

fn ends_in(name: &str, endings: &[&str]) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    endings.iter().any(|it| it.eq_ignore_ascii_case(ending))
}

/// A path from an archive, as a report has it.
fn shown(path: &str) -> String {
    path.chars().take(MAX_NAME).collect()
}
