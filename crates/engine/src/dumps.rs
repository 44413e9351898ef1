//! Crash dumps: a key that is in use is in memory, so no crash may write the memory to a disk (K1).

/// Forbids dumps of this process and of those it starts. Both shells call it before anything else.
#[cfg(unix)]
pub fn forbid() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "a crash may write a dump of the memory");
    }
}

/// Other systems write dumps only where their owner asked for them.
#[cfg(not(unix))]
pub fn forbid() {}
