//! Which processes on this data folder are alive: each holds a lock on a file of its own for as long as it runs, and the
//! system lets go of it even after `kill -9`.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use patchbay_core::code::Code;

use crate::error::Error;

/// How long a process may take from making its file to locking it.
const FRESH: Duration = Duration::from_mins(1);

/// This process's mark. Dropping it gives it up.
#[derive(Debug)]
pub struct Owner {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Marks this process as alive under a random name.
    pub fn claim(data_dir: &Path, name: String) -> Result<Self, Error> {
        let path = lock_path(data_dir, &name);
        let full = |error: std::io::Error| {
            Error::new(
                Code::DiskFull,
                format!("The data folder {} cannot be written: {error}.", data_dir.display()),
                "Free some space or make the folder writable, then try again.",
            )
        };
        std::fs::create_dir_all(path.parent().unwrap_or(data_dir)).map_err(full)?;
        let lock = OpenOptions::new().create_new(true).write(true).open(&path).map_err(full)?;
        lock.lock().map_err(full)?;
        Ok(Self { name, path, _lock: lock })
    }

    /// The random name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A file that stays is harmless: nobody holds its lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the process of that name is gone.
pub fn is_gone(data_dir: &Path, name: &str) -> bool {
    match File::open(lock_path(data_dir, name)) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => true,
    }
}

/// Blocks until the process of that name is gone.
pub fn wait(data_dir: &Path, name: &str) {
    if let Ok(file) = File::open(lock_path(data_dir, name)) {
        // An error means that there is nothing to wait for.
        let _ = file.lock();
    }
}

/// Whether another process than `own` works on this folder.
pub fn is_shared(data_dir: &Path, own: &str) -> bool {
    let Ok(files) = std::fs::read_dir(data_dir.join("processes")) else { return false };
    files.flatten().any(|file| {
        let name = file.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name != own && !is_gone(data_dir, &name))
    })
}

/// Removes the marks of processes that are gone. A fresh file may belong to one that has not locked it yet, and stays.
pub fn sweep(data_dir: &Path) {
    let Ok(files) = std::fs::read_dir(data_dir.join("processes")) else { return };
    for file in files.flatten() {
        let old = file
            .metadata()
            .and_then(|facts| facts.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > FRESH));
        let name = file.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        if old && name.is_some_and(|name| is_gone(data_dir, &name)) {
            // Another process may have been quicker.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

fn lock_path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("processes").join(format!("{name}.lock"))
}
