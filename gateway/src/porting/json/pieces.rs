//! A JSON file, cut into the thoughts that it has, whatever its length.

use axum::body::Bytes;
use futures_util::Stream;

use super::super::{body::Stop, limits::MAX_RECORD, source::Source};

/// How the thoughts lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One in each line.
    Lines,
    /// One behind the other, each over several lines.
    Values,
    /// In a list.
    Array,
    /// In a list, which is the first thing in an object.
    Wrapped,
}

/// A thought's worth of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which one it is: 1 for the first.
    pub(crate) number: u64,
    /// The line in which it begins: 1 for the first.
    pub(crate) line: u64,
    /// `None` if it is too long.
    pub(crate) json: Option<Vec<u8>>,
}

/// The file cannot be read on from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The line in which that is.
    pub(crate) line: u64,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

/// Why there is no next piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPiece {
    Broken(Broken),
    Stop(Stop),
}

/// Where a file has been read to.
#[derive(Debug)]
pub(crate) struct Pieces {
    shape: Shape,
    begun: bool,
    line: u64,
    number: u64,
}

impl Pieces {
    pub(crate) const fn new(shape: Shape) -> Self {
        Self {
            shape,
            begun: false,
            line: 1,
            number: 0,
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next<S>(&mut self, source: &mut Source<S>) -> Result<Option<Piece>, NoPiece>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        if !self.begun {
            self.begun = true;
            self.begin(source).await?;
        }
        match self.shape {
            Shape::Lines => Ok(self.next_line(source).await?),
            Shape::Values | Shape::Array | Shape::Wrapped => self.next_value(source).await,
        }
    }

    /// Goes to where the first piece is.
    async fn begin<S>(&mut self, source: &mut Source<S>) -> Result<(), Stop>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        if source.peek(3).await? == b"\xef\xbb\xbf" {
            source.take(3);
        }
        if matches!(self.shape, Shape::Array | Shape::Wrapped) {
            while let Some(byte) = self.byte(source).await? {
                if byte == b'[' {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn next_line<S>(&mut self, source: &mut Source<S>) -> Result<Option<Piece>, Stop>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        loop {
            let (mut seen, mut long) = (0, false);
            let ended = loop {
                let bytes = source.bytes();
                if let Some(at) = bytes[seen..].iter().position(|byte| *byte == b'\n') {
                    seen += at;
                    break false;
                }
                seen = bytes.len();
                if seen > MAX_RECORD {
                    long = true;
                    source.take(seen);
                    seen = 0;
                }
                if !source.more().await? {
                    break true;
                }
            };
            let json = source.bytes()[..seen].trim_ascii();
            let long = long || json.len() > MAX_RECORD;
            let piece = (long || !json.is_empty()).then(|| Piece {
                number: self.line,
                line: self.line,
                json: (!long).then(|| json.to_vec()),
            });
            source.take(seen + 1);
            self.line += 1;
            if piece.is_some() || ended {
                return Ok(piece);
            }
        }
    }

    async fn next_value<S>(&mut self, source: &mut Source<S>) -> Result<Option<Piece>, NoPiece>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        loop {
            let first = self.byte(source).await.map_err(NoPiece::Stop)?;
            match first {
                None if self.shape == Shape::Values => return Ok(None),
                None => return Err(self.broken("the file ends before its list does")),
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => {}
                Some(b']') if self.shape != Shape::Values => {
                    source.discard().await.map_err(NoPiece::Stop)?;
                    self.shape = Shape::Values;
                    return Ok(None);
                }
                Some(b'{') => return self.object(source).await.map(Some),
                Some(_) => return Err(self.broken("a thought begins with {")),
            }
        }
    }

    /// The object whose first byte has been taken.
    async fn object<S>(&mut self, source: &mut Source<S>) -> Result<Piece, NoPiece>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        self.number += 1;
        let (line, mut json, mut long) = (self.line, vec![b'{'], false);
        let (mut depth, mut text, mut escaped) = (1_usize, false, false);
        loop {
            let mut end = None;
            for (at, byte) in source.bytes().iter().enumerate() {
                self.line += u64::from(*byte == b'\n');
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if text => escaped = true,
                    b'"' => text = !text,
                    b'{' | b'[' if !text => depth += 1,
                    b'}' | b']' if !text => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    end = Some(at + 1);
                    break;
                }
            }
            let bytes = source.bytes();
            let part = end.unwrap_or(bytes.len());
            long = long || json.len() + part > MAX_RECORD;
            if long {
                json = Vec::new();
            } else {
                json.extend_from_slice(&bytes[..part]);
            }
            source.take(part);
            if end.is_some() {
                return Ok(Piece {
                    number: self.number,
                    line,
                    json: (!long).then_some(json),
                });
            }
            if !source.more().await.map_err(NoPiece::Stop)? {
                self.line = line;
                return Err(self.broken("the file ends within the thought that begins here"));
            }
        }
    }

    /// The next byte of what lies between pieces.
    async fn byte<S>(&mut self, source: &mut Source<S>) -> Result<Option<u8>, Stop>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let byte = source.peek(1).await?.first().copied();
        source.take(1);
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    const fn broken(&self, what: &'static str) -> NoPiece {
        NoPiece::Broken(Broken {
            line: self.line,
            what,
        })
    }
}

impl From<Stop> for NoPiece {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}
