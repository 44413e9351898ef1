//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

/// Puts `bytes` in the place of a file, which only its owner can read. Whatever happens, the file is the old or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// The same with what `write` puts into the new file.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut fresh = NamedTempFile::new_in(&folder)?;
    write(fresh.as_file_mut())?;
    fresh.as_file().sync_all()?;
    fresh.persist(path).map_err(|error| error.error)?;
    sync(&folder)
}

/// Puts a file that was written beside `path` in its place.
pub(crate) fn keep(scratch: TempPath, path: &Path) -> io::Result<()> {
    File::open(&scratch)?.sync_all()?;
    scratch.persist(path).map_err(|error| error.error)?;
    sync(&folder_of(path))
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The new name itself has to reach the disk too.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems keep names safe by themselves and do not open folders.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
