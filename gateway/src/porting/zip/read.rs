//! Reading: from the first file on, without the directory at the end.

use axum::body::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use futures_util::Stream;
use tokio::task::yield_now;

use super::{
    super::{
        body::Stop,
        limits::{MAX_RECORD, MAX_UPLOAD},
        source::Source,
    },
    DEFLATED, DESCRIPTOR, DIRECTORY_END, DIRECTORY_END_64, DIRECTORY_HEADER, ENCRYPTED, EXTRA_64,
    HAS_DESCRIPTOR, LOCAL_HEADER, STORED,
};

/// So much is inflated before others get their turn.
const STEP: usize = 64 * 1024;

/// A file, or a folder, in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::porting) struct Entry {
    /// Its path.
    pub(in crate::porting) name: String,
    /// What is in it, or why that cannot be had.
    pub(in crate::porting) file: Result<Vec<u8>, &'static str>,
}

/// Why there is no next entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::porting) enum NoEntry {
    /// The archive cannot be read on, from this file on if it is known.
    Broken(Option<String>, &'static str),
    Stop(Stop),
}

/// Where an archive has been read to.
#[derive(Debug)]
pub(in crate::porting) struct Unzip {
    /// How much more may come out of it, in bytes.
    room: u64,
    inflate: Decompress,
    /// What has just been.
    step: Vec<u8>,
    ended: bool,
}

/// What stands before a file.
struct Header {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    stored: u64,
    length: u64,
}

/// What was found of a file.
struct Found {
    crc: u32,
    stored: u64,
    length: u64,
    /// `None` if it is too long, or not wanted.
    file: Option<Vec<u8>>,
}

/// Whether a file begins like an archive, an empty one too.
pub(in crate::porting) fn is_zip(head: &[u8]) -> bool {
    [LOCAL_HEADER, DIRECTORY_END]
        .iter()
        .any(|signature| head.starts_with(&signature.to_le_bytes()))
}

impl Default for Unzip {
    fn default() -> Self {
        Self {
            room: MAX_UPLOAD,
            inflate: Decompress::new(false),
            step: vec![0; STEP],
            ended: false,
        }
    }
}

impl Unzip {
    #[cfg(test)]
    pub(super) fn with_room(room: u64) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// The next entry whose path is `wanted`, and what there is in its place; `None` at the end.
    /// The others are counted in `others`.
    pub(in crate::porting) async fn next<S>(
        &mut self,
        source: &mut Source<S>,
        wanted: impl Fn(&str) -> bool,
        others: &mut u64,
    ) -> Result<Option<Entry>, NoEntry>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        loop {
            let Some(header) = self.header(source).await? else {
                return Ok(None);
            };
            let keep = wanted(&header.name);
            let found = self.data(source, &header, keep).await?;
            if keep {
                let file = match found {
                    Ok(found) => found.file.ok_or("is larger than 3 MiB"),
                    Err(why) => Err(why),
                };
                let name = header.name;
                return Ok(Some(Entry { name, file }));
            }
            *others += u64::from(!header.name.ends_with('/'));
        }
    }

    /// What stands before the next file; `None` when the directory comes.
    async fn header<S>(&mut self, source: &mut Source<S>) -> Result<Option<Header>, NoEntry>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        if self.ended {
            return Ok(None);
        }
        let signature = source.peek(4).await?;
        let directory = [DIRECTORY_HEADER, DIRECTORY_END, DIRECTORY_END_64];
        if directory.iter().any(|it| signature == it.to_le_bytes()) {
            self.ended = true;
            source.discard().await?;
            return Ok(None);
        }
        if signature != LOCAL_HEADER.to_le_bytes() {
            return Err(NoEntry::Broken(
                None,
                match signature.len() {
                    4 => "there is something else where the next file was expected",
                    _ => ENDS,
                },
            ));
        }
        let fixed = exactly(source, 30).await?;
        let (name, extra) = (le16(&fixed, 26), le16(&fixed, 28));
        let name = exactly(source, name.into()).await?;
        let extra = exactly(source, extra.into()).await?;
        let mut header = Header {
            name: String::from_utf8_lossy(&name).into_owned(),
            flags: le16(&fixed, 6),
            method: le16(&fixed, 8),
            crc: le32(&fixed, 14),
            stored: le32(&fixed, 18).into(),
            length: le32(&fixed, 22).into(),
        };
        header.widen(&extra);
        Ok(Some(header))
    }

    /// What stands behind a header: the file, or why it cannot be had although it can be passed.
    async fn data<S>(
        &mut self,
        source: &mut Source<S>,
        header: &Header,
        keep: bool,
    ) -> Result<Result<Found, &'static str>, NoEntry>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let broken = |why| NoEntry::Broken(Some(header.name.clone()), why);
        let encrypted = header.flags & ENCRYPTED != 0;
        let descriptor = header.flags & HAS_DESCRIPTOR != 0;
        let unknown = descriptor && header.stored == 0;
        let known = match header.method {
            _ if encrypted => Err("is encrypted"),
            DEFLATED => Ok(self.inflated(source, header, keep).await?),
            STORED => Ok(self.stored(source, header, keep).await?),
            _ => Err("is packed in a way that is not understood here; pack it with Deflate"),
        };
        let found = match known {
            Ok(found) => found,
            Err(why) if unknown => return Err(broken(why)),
            Err(why) => {
                skip(source, header).await?;
                return Ok(Err(why));
            }
        };
        let agreed = match descriptor {
            true => pass_descriptor(source, &found).await?,
            false => {
                found.crc == header.crc
                    && found.stored == header.stored
                    && found.length == header.length
            }
        };
        match agreed {
            true => Ok(Ok(found)),
            false if unknown && header.method == STORED => {
                Err(broken("is stored without its length; pack it once more"))
            }
            false => Err(broken("is damaged")),
        }
    }

    async fn inflated<S>(
        &mut self,
        source: &mut Source<S>,
        header: &Header,
        keep: bool,
    ) -> Result<Found, NoEntry>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let broken = |why| NoEntry::Broken(Some(header.name.clone()), why);
        self.inflate.reset(false);
        let mut crc = crc32fast::Hasher::new();
        let mut file = keep.then(Vec::new);
        loop {
            if source.bytes().is_empty() && !source.more().await? {
                return Err(broken(ENDS));
            }
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(source.bytes(), &mut self.step, FlushDecompress::None)
                .map_err(|_| broken("is damaged"))?;
            let taken = self.inflate.total_in() - read;
            source.take(usize::try_from(taken).unwrap_or(usize::MAX));
            let made = usize::try_from(self.inflate.total_out() - written).unwrap_or(usize::MAX);
            let part = self.step.get(..made).unwrap_or_default();
            crc.update(part);
            file = file.and_then(|file| append(file, part));
            self.unpack(made).map_err(broken)?;
            match status {
                Status::StreamEnd => break,
                Status::BufError if taken == 0 && made == 0 => return Err(broken("is damaged")),
                Status::Ok | Status::BufError => yield_now().await,
            }
        }
        Ok(Found {
            crc: crc.finalize(),
            stored: self.inflate.total_in(),
            length: self.inflate.total_out(),
            file,
        })
    }

    async fn stored<S>(
        &mut self,
        source: &mut Source<S>,
        header: &Header,
        keep: bool,
    ) -> Result<Found, NoEntry>
    where
        S: Stream<Item = Result<Bytes, Stop>> + Unpin,
    {
        let broken = |why| NoEntry::Broken(Some(header.name.clone()), why);
        let mut crc = crc32fast::Hasher::new();
        let mut file = keep.then(Vec::new);
        let mut left = header.stored;
        while left > 0 {
            if source.bytes().is_empty() && !source.more().await? {
                return Err(broken(ENDS));
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let part = &source.bytes()[..source.bytes().len().min(most)];
            let length = part.len();
            crc.update(part);
            file = file.and_then(|file| append(file, part));
            source.take(length);
            self.unpack(length).map_err(broken)?;
            left -= length as u64;
        }
        Ok(Found {
            crc: crc.finalize(),
            stored: header.stored,
            length: header.stored,
            file,
        })
    }

    /// What is packed may be a million times as much.
    fn unpack(&mut self, bytes: usize) -> Result<(), &'static str> {
        let left = self.room.checked_sub(bytes as u64);
        self.room = left.ok_or("makes more than 1 GiB of the archive")?;
        Ok(())
    }
}

impl Header {
    /// Takes the lengths from the extra field for those that have no room in 32 bits.
    fn widen(&mut self, mut extra: &[u8]) {
        while extra.len() >= 4 {
            let (kind, length) = (le16(extra, 0), usize::from(le16(extra, 2)));
            let Some(mut field) = extra.get(4..4 + length) else {
                return;
            };
            if kind == EXTRA_64 {
                for number in [&mut self.length, &mut self.stored] {
                    if *number == u64::from(u32::MAX) && field.len() >= 8 {
                        *number = le64(field, 0);
                        field = &field[8..];
                    }
                }
            }
            extra = &extra[4 + length..];
        }
    }
}

const ENDS: &str = "the archive ends too early";

/// A file with one more part, unless that makes it too long.
fn append(mut file: Vec<u8>, part: &[u8]) -> Option<Vec<u8>> {
    (file.len() + part.len() <= MAX_RECORD).then(|| {
        file.extend_from_slice(part);
        file
    })
}

/// Takes what stands behind a file: with a signature or without, with lengths of 32 or 64 bits,
/// which only what was found can tell. Whether it is that.
async fn pass_descriptor<S>(source: &mut Source<S>, found: &Found) -> Result<bool, Stop>
where
    S: Stream<Item = Result<Bytes, Stop>> + Unpin,
{
    let there = source.peek(26).await?;
    let wide = |bytes: &mut Vec<u8>, number: u64, wide: bool| {
        let all = number.to_le_bytes();
        bytes.extend_from_slice(if wide { &all } else { &all[..4] });
    };
    for signature in [true, false] {
        for is_wide in [false, true] {
            let mut expected = Vec::with_capacity(24);
            if signature {
                expected.extend_from_slice(&DESCRIPTOR.to_le_bytes());
            }
            expected.extend_from_slice(&found.crc.to_le_bytes());
            wide(&mut expected, found.stored, is_wide);
            wide(&mut expected, found.length, is_wide);
            // Zeros behind lengths of 32 bits would be the upper half of wide ones.
            if there.starts_with(&expected) && follows(&there[expected.len()..]) {
                source.take(expected.len());
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether an archive can go on like this.
fn follows(bytes: &[u8]) -> bool {
    bytes.is_empty() || b"PK".starts_with(&bytes[..bytes.len().min(2)])
}

async fn skip<S>(source: &mut Source<S>, header: &Header) -> Result<(), NoEntry>
where
    S: Stream<Item = Result<Bytes, Stop>> + Unpin,
{
    let mut left = header.stored;
    while left > 0 {
        if source.bytes().is_empty() && !source.more().await? {
            return Err(NoEntry::Broken(Some(header.name.clone()), ENDS));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let part = source.bytes().len().min(most);
        source.take(part);
        left -= part as u64;
    }
    if header.flags & HAS_DESCRIPTOR != 0 {
        pass_unchecked_descriptor(source).await?;
    }
    Ok(())
}

/// Behind what was not looked into: up to where the archive goes on.
async fn pass_unchecked_descriptor<S>(source: &mut Source<S>) -> Result<(), Stop>
where
    S: Stream<Item = Result<Bytes, Stop>> + Unpin,
{
    let there = source.peek(26).await?;
    let lengths = [16, 12, 24, 20].into_iter();
    let mut fitting = lengths.filter(|length| there.get(*length..).is_some_and(follows));
    let length = fitting.next().unwrap_or_default();
    source.take(length);
    Ok(())
}

async fn exactly<S>(source: &mut Source<S>, count: usize) -> Result<Vec<u8>, NoEntry>
where
    S: Stream<Item = Result<Bytes, Stop>> + Unpin,
{
    let bytes = source.exactly(count).await?;
    bytes.ok_or(NoEntry::Broken(None, ENDS))
}

impl From<Stop> for NoEntry {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Numbers at a place that is known to be there.
fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let part = bytes.get(at..at + N);
    part.and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}
