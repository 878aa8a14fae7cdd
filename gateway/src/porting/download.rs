//! Everything of somebody's, as a file that is written while it is taken.

use std::{io, pin::pin};

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use runtime::clock::Timestamp;
use tokio::{
    sync::{
        OwnedSemaphorePermit,
        mpsc::{self, Sender},
    },
    time::timeout,
};
use tracing::Instrument as _;

use super::{json, limits::PATIENCE, markdown, names::Names, record::Exported, zip::Zip};
use crate::error::Problem;

/// What is handed out at once, in bytes.
const PIECE: usize = 32 * 1024;

/// What there is to take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A thought in each line.
    Lines,
    /// A Markdown file for each thought, in a zip.
    Folder,
}

/// Writes all thoughts into the body of an answer. If one is missing in the end, the body breaks
/// off with an error, so that nobody takes a part for the whole. Whoever takes nothing for a minute
/// is let go.
pub(crate) fn write(
    format: Format,
    thoughts: impl Stream<Item = Result<Exported, Problem>> + Send + 'static,
    turn: OwnedSemaphorePermit,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(2);
    let writing = async move {
        let _turn = turn;
        let mut out = Out(sender);
        if let Err(Some(error)) = write_all(format, thoughts, &mut out).await {
            tracing::warn!(%error, "a download broke off");
            // Whoever has gone does not hear it.
            let _ = out.0.send_timeout(Err(error), PATIENCE).await;
        }
    };
    tokio::spawn(writing.in_current_span());
    stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    })
}

struct Out(Sender<io::Result<Bytes>>);

/// Why writing ended: `None` if nobody reads any more.
type Failed = Option<io::Error>;

async fn write_all(
    format: Format,
    thoughts: impl Stream<Item = Result<Exported, Problem>> + Send,
    out: &mut Out,
) -> Result<(), Failed> {
    let mut thoughts = pin!(thoughts);
    let mut writer = Writer::new(format);
    let mut piece = Vec::with_capacity(2 * PIECE);
    while let Some(exported) = thoughts.next().await {
        let exported = exported.map_err(|problem| io::Error::other(format!("{problem:?}")))?;
        writer.add(&exported, &mut piece)?;
        if piece.len() >= PIECE {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(2 * PIECE));
            out.hand(full.into()).await?;
        }
    }
    if !piece.is_empty() {
        out.hand(piece.into()).await?;
    }
    if let Writer::Folder(zip, _) = writer {
        for piece in zip.finish() {
            out.hand(piece?).await?;
        }
    }
    Ok(())
}

impl Out {
    async fn hand(&mut self, piece: Bytes) -> Result<(), Failed> {
        match timeout(PATIENCE, self.0.send(Ok(piece))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(io::ErrorKind::TimedOut.into())),
        }
    }
}

enum Writer {
    Lines,
    Folder(Box<Zip>, Names),
}

impl Writer {
    fn new(format: Format) -> Self {
        match format {
            Format::Lines => Self::Lines,
            Format::Folder => Self::Folder(Box::default(), Names::default()),
        }
    }

    fn add(&mut self, exported: &Exported, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Lines => Ok(json::write(exported, out)?),
            Self::Folder(zip, names) => {
                let thought = &exported.thought;
                let changed: Timestamp = thought.changed.unwrap_or(thought.written);
                let file = markdown::write(exported)?;
                zip.add(&names.next(exported), changed, file.as_bytes(), out)
            }
        }
    }
}

impl Format {
    /// What comes behind the dot.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Lines => "jsonl",
            Self::Folder => "zip",
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/jsonl",
            Self::Folder => "application/zip",
        }
    }
}
