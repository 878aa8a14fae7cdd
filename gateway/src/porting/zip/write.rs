//! Writing: each file whole, and the directory at the end.

use std::io::{self, Read as _, Write as _};

use axum::body::Bytes;
use flate2::{
    Compress, Compression, FlushCompress, Status, bufread::DeflateDecoder, write::DeflateEncoder,
};
use runtime::clock::Timestamp;
use time::OffsetDateTime;

use super::{
    DEFLATED, DIRECTORY_END, DIRECTORY_END_64, DIRECTORY_HEADER, DIRECTORY_LOCATOR_64, EXTRA_64,
    LOCAL_HEADER, STORED, UTF_8,
};

/// Version 4.5 of the format, made on Unix.
const MADE_BY: u16 = (3 << 8) | 45;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;

/// A file that its owner may write and others may read.
const REGULAR_FILE: u32 = 0o100_644 << 16;

/// The directory is handed out in pieces of this size.
const PIECE: usize = 64 * 1024;

/// An archive that is being written.
pub(in crate::porting) struct Zip {
    /// How many bytes have been handed out.
    offset: u64,
    files: u64,
    compress: Compress,
    /// The directory so far, deflated: some thirty bytes a file, instead of a hundred.
    directory: DeflateEncoder<Vec<u8>>,
}

/// One file, as both its headers say it.
struct Header<'a> {
    name: &'a str,
    method: u16,
    dos_time: u16,
    dos_date: u16,
    crc: u32,
    stored: u32,
    length: u32,
}

impl Default for Zip {
    fn default() -> Self {
        Self {
            offset: 0,
            files: 0,
            compress: Compress::new(Compression::default(), false),
            directory: DeflateEncoder::new(Vec::new(), Compression::fast()),
        }
    }
}

impl Zip {
    /// Appends a file of at most a few megabytes, last changed at that time.
    ///
    /// # Errors
    ///
    /// It is larger than 4 GiB, or its name longer than 64 KiB.
    pub(in crate::porting) fn add(
        &mut self,
        name: &str,
        changed: Timestamp,
        file: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let deflated = self.deflate(file)?;
        let (method, data) = match &deflated {
            Some(deflated) => (DEFLATED, deflated.as_slice()),
            None => (STORED, file),
        };
        let (dos_date, dos_time) = dos(changed);
        let header = Header {
            name,
            method,
            dos_time,
            dos_date,
            crc: crc32fast::hash(file),
            stored: u32::try_from(data.len()).map_err(io::Error::other)?,
            length: u32::try_from(file.len()).map_err(io::Error::other)?,
        };
        let before = out.len();
        header.local(out)?;
        out.extend_from_slice(data);
        let entry = header.directory(self.offset)?;
        self.directory.write_all(&entry)?;
        self.files += 1;
        self.offset += u64::try_from(out.len() - before).map_err(io::Error::other)?;
        Ok(())
    }

    /// The directory and the end, in pieces.
    pub(in crate::porting) fn finish(self) -> impl Iterator<Item = io::Result<Bytes>> + Send {
        let (begin, files) = (self.offset, self.files);
        let mut directory = self
            .directory
            .finish()
            .map(|directory| DeflateDecoder::new(io::Cursor::new(directory)));
        let (mut length, mut ended) = (0_u64, false);
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let piece = (|| {
                let directory = directory
                    .as_mut()
                    .map_err(|error| io::Error::new(error.kind(), "the directory is lost"))?;
                let mut piece = Vec::with_capacity(PIECE);
                directory.take(PIECE as u64).read_to_end(&mut piece)?;
                if piece.is_empty() {
                    ended = true;
                    piece = end(files, begin, length);
                }
                length += piece.len() as u64;
                Ok(Bytes::from(piece))
            })();
            ended |= piece.is_err();
            Some(piece)
        })
    }

    /// The file deflated; `None` if that is no shorter.
    fn deflate(&mut self, file: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.compress.reset();
        let mut deflated = Vec::with_capacity(file.len());
        let status = self
            .compress
            .compress_vec(file, &mut deflated, FlushCompress::Finish)?;
        Ok((status == Status::StreamEnd && deflated.len() < file.len()).then_some(deflated))
    }
}

impl Header<'_> {
    fn local(&self, out: &mut Vec<u8>) -> io::Result<()> {
        put32(out, LOCAL_HEADER);
        put16(out, VERSION);
        self.common(out)?;
        put16(out, 0);
        out.extend_from_slice(self.name.as_bytes());
        Ok(())
    }

    fn directory(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(46 + self.name.len());
        let near = u32::try_from(offset).ok().filter(|near| *near < u32::MAX);
        put32(&mut out, DIRECTORY_HEADER);
        put16(&mut out, MADE_BY);
        put16(&mut out, if near.is_some() { VERSION } else { VERSION_64 });
        self.common(&mut out)?;
        put16(&mut out, if near.is_some() { 0 } else { 12 });
        // No comment, on the first disk, binary.
        out.extend_from_slice(&[0; 6]);
        put32(&mut out, REGULAR_FILE);
        put32(&mut out, near.unwrap_or(u32::MAX));
        out.extend_from_slice(self.name.as_bytes());
        if near.is_none() {
            put16(&mut out, EXTRA_64);
            put16(&mut out, 8);
            put64(&mut out, offset);
        }
        Ok(out)
    }

    /// From the flags to the length of the name.
    fn common(&self, out: &mut Vec<u8>) -> io::Result<()> {
        for value in [UTF_8, self.method, self.dos_time, self.dos_date] {
            put16(out, value);
        }
        for value in [self.crc, self.stored, self.length] {
            put32(out, value);
        }
        let name = u16::try_from(self.name.len()).map_err(io::Error::other)?;
        put16(out, name);
        Ok(())
    }
}

/// What stands behind a directory.
fn end(files: u64, begin: u64, length: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let few = u16::try_from(files).unwrap_or(u16::MAX);
    let near = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    if few == u16::MAX || near(begin) == u32::MAX || near(length) == u32::MAX {
        put32(&mut out, DIRECTORY_END_64);
        put64(&mut out, 44);
        put16(&mut out, MADE_BY);
        put16(&mut out, VERSION_64);
        put64(&mut out, 0);
        for number in [files, files, length, begin] {
            put64(&mut out, number);
        }
        put32(&mut out, DIRECTORY_LOCATOR_64);
        put32(&mut out, 0);
        put64(&mut out, begin + length);
        put32(&mut out, 1);
    }
    put32(&mut out, DIRECTORY_END);
    put32(&mut out, 0);
    put16(&mut out, few);
    put16(&mut out, few);
    put32(&mut out, near(length));
    put32(&mut out, near(begin));
    put16(&mut out, 0);
    out
}

/// Date and time as the format has them, in UTC: from 1980 to 2107, in steps of two seconds.
fn dos(time: Timestamp) -> (u16, u16) {
    const FIRST: (u16, u16) = ((1 << 5) | 1, 0);
    let Ok(time) = OffsetDateTime::from_unix_timestamp(time.as_seconds()) else {
        return FIRST;
    };
    let Some(year) = u16::try_from(time.year() - 1980)
        .ok()
        .filter(|year| *year < 128)
    else {
        return FIRST;
    };
    let month = u16::from(u8::from(time.month()));
    let date = (year << 9) | (month << 5) | u16::from(time.day());
    let hours = (u16::from(time.hour()) << 11) | (u16::from(time.minute()) << 5);
    (date, hours | (u16::from(time.second()) / 2))
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}
