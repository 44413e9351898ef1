//! How settings that may carry something private are told in the audit log.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Headers by name; a value is told by the beginning of its digest, enough to see that it changed.
pub(crate) fn headers<S: Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let told: BTreeMap<&String, String> = headers.iter().map(|(name, value)| (name, digest(value))).collect();
    told.serialize(serializer)
}

/// The beginning of a digest: tells that a text changed, and not what it is.
pub(crate) fn digest(value: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(value).into();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
