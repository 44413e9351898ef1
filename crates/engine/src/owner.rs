//! Which processes on this data folder are alive: each holds a lock on a file of its own for as long as it runs, and the
//! system lets go of it even after `kill -9`.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use patchbay_core::code::Code;

use crate::error::Error;

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

/// Removes the mark of a process that is gone.
pub fn forget(data_dir: &Path, name: &str) {
    let _ = std::fs::remove_file(lock_path(data_dir, name));
}

fn lock_path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("processes").join(format!("{name}.lock"))
}
