//! The folder that holds everything, and that one process at a time may use.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::{Path, PathBuf},
};

use database::DatabaseUrl;
use runtime::lifecycle::StartError;

/// Nobody but the owner looks into the folder.
const MODE: u32 = 0o700;

const VARIABLE: &str = "DATA_DIR";

/// The data folder, locked for as long as this lives. The system gives the lock back when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is not there, closes it to others, and locks it.
    ///
    /// # Errors
    ///
    /// It cannot be made or written, everybody may write to it, or another process uses it.
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let refused = |error: io::Error| {
            StartError::setting(
                VARIABLE,
                path.display(),
                format!("expected a folder to write to: {error}"),
            )
        };
        DirBuilder::new()
            .recursive(true)
            .mode(MODE)
            .create(path)
            .map_err(refused)?;
        let path = path.canonicalize().map_err(refused)?;
        close_to_others(&path, &fs::metadata(&path).map_err(refused)?)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(refused)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let expected = "expected a folder that no other mythoughts is using";
                Err(StartError::setting(VARIABLE, path.display(), expected))
            }
            Err(TryLockError::Error(error)) => Err(refused(error)),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database of a service, in a file of its own.
    ///
    /// # Errors
    ///
    /// The folder's name cannot be part of an address.
    pub fn database(&self, service: &str) -> Result<DatabaseUrl, StartError> {
        let file = self.path.join(format!("{service}.sqlite3"));
        let url = format!("sqlite://{}", file.display());
        url.parse()
            .map_err(|error| StartError::setting(VARIABLE, self.path.display(), error))
    }
}

/// A folder that everybody writes to, such as the one for temporary files, is not taken over.
fn close_to_others(path: &Path, metadata: &Metadata) -> Result<(), StartError> {
    if metadata.mode() & 0o002 != 0 {
        let expected = "expected a folder of its own, but everybody may write to this one";
        return Err(StartError::setting(VARIABLE, path.display(), expected));
    }
    if metadata.mode() & 0o777 == MODE {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(|error| {
        let expected = format!("expected a folder that can be closed to others: {error}");
        StartError::setting(VARIABLE, path.display(), expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_made_for_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let opened = DataDir::open(&parent.path().join("a/b")).unwrap();
        let mode = fs::metadata(opened.path()).unwrap().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn an_open_folder_is_closed_and_a_public_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        drop(DataDir::open(folder.path()).unwrap());
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, MODE);

        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        let refusal = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains("everybody may write"), "{refusal}");
    }

    #[test]
    fn one_process_at_a_time_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let refusal = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(refusal.starts_with("DATA_DIR: "), "{refusal}");
        drop(first);
        assert!(DataDir::open(folder.path()).is_ok());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = DataDir::open(file.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("expected a folder to write to"),
            "{refusal}"
        );
    }
}
