//! Zip archives (PKWARE's APPNOTE) as streams: written without going back, and read as they come.
//!
//! The crates for this keep a few hundred bytes for each file until the end of an archive they write,
//! and of one they read as a stream they take no entry whose length comes behind it, as Go, Java and
//! macOS write them, or do not check what is in it. The records are few, so they are here; inflating
//! and deflating is flate2's.

mod read;
mod write;

pub(super) use read::{NoEntry, Unzip, is_zip};
pub(super) use write::Zip;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const DIRECTORY_HEADER: u32 = 0x0201_4b50;
const DIRECTORY_END: u32 = 0x0605_4b50;
const DIRECTORY_END_64: u32 = 0x0606_4b50;
const DIRECTORY_LOCATOR_64: u32 = 0x0706_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

/// The lengths come behind the data.
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8.
const UTF_8: u16 = 1 << 11;
const ENCRYPTED: u16 = 1;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The extra field with lengths and places of 64 bits.
const EXTRA_64: u16 = 1;

#[cfg(test)]
mod tests;
