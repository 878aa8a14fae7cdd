//! The bytes of one file, looked at before they are taken.

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::body::Stop;

/// A file as it comes in, of which a part is in memory.
#[derive(Debug)]
pub(super) struct Source<S> {
    chunks: S,
    buffer: Vec<u8>,
    /// How much of the buffer has been taken.
    taken: usize,
    ended: bool,
}

impl<S: Stream<Item = Result<Bytes, Stop>> + Unpin> Source<S> {
    pub(super) const fn new(chunks: S) -> Self {
        Self {
            chunks,
            buffer: Vec::new(),
            taken: 0,
            ended: false,
        }
    }

    /// What has come and is not taken yet.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// Takes so many of those.
    pub(super) fn take(&mut self, count: usize) {
        self.taken = self.buffer.len().min(self.taken + count);
    }

    /// Waits for more; `false` at the end of the file.
    pub(super) async fn more(&mut self) -> Result<bool, Stop> {
        while !self.ended {
            match self.chunks.next().await.transpose()? {
                None => self.ended = true,
                Some(chunk) if chunk.is_empty() => {}
                Some(chunk) => {
                    self.buffer.drain(..self.taken);
                    self.taken = 0;
                    self.buffer.extend_from_slice(&chunk);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Waits until there are so many bytes, or no more come.
    pub(super) async fn peek(&mut self, count: usize) -> Result<&[u8], Stop> {
        while self.bytes().len() < count && self.more().await? {}
        let there = self.bytes();
        Ok(&there[..there.len().min(count)])
    }

    /// Takes exactly so many bytes; `None` if the file ends before.
    pub(super) async fn exactly(&mut self, count: usize) -> Result<Option<Vec<u8>>, Stop> {
        let bytes = self.peek(count).await?;
        if bytes.len() < count {
            return Ok(None);
        }
        let bytes = bytes.to_vec();
        self.take(count);
        Ok(Some(bytes))
    }

    /// Takes what is left, up to so many bytes; `None` if it is more, of which the rest is thrown
    /// away.
    pub(super) async fn rest(&mut self, most: usize) -> Result<Option<Vec<u8>>, Stop> {
        while self.more().await? {
            if self.bytes().len() > most {
                self.discard().await?;
                return Ok(None);
            }
        }
        let bytes = self.bytes().to_vec();
        self.take(bytes.len());
        Ok((bytes.len() <= most).then_some(bytes))
    }

    /// Throws away what is left.
    pub(super) async fn discard(&mut self) -> Result<(), Stop> {
        loop {
            self.take(self.bytes().len());
            if !self.more().await? {
                return Ok(());
            }
        }
    }
}

/// A file in memory, cut into pieces of that size.
#[cfg(test)]
pub(super) fn cut(
    file: &[u8],
    size: usize,
) -> Source<impl Stream<Item = Result<Bytes, Stop>> + Unpin + use<>> {
    let chunks: Vec<_> = file
        .chunks(size.max(1))
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    Source::new(futures_util::stream::iter(chunks))
}
