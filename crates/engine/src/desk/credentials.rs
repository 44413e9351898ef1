//! Credentials of a connection: versions that are stored, tested, switched, rolled back, revoked and erased (behaviours K2,
//! K3). A connection has one active version at every moment, whatever fails and wherever a process ends.

mod life;
mod list;
mod stage;
mod switch;

use patchbay_core::audit::Action;
use patchbay_core::credential::CredentialState;
use patchbay_store::StoreError;
use patchbay_store::credential::Version;

pub use life::{purge, purge_retired, revoke, set_expiry, set_policy};
pub use list::{CredentialVersion, Credentials, list};
pub use stage::{Rotation, promote_tested, replace_key, rotate, stage, test};
pub use switch::{Afterwards, promote, rollback, stand_by, take_over};

/// The version that was named, or the one that is meant where none was: the newest in the first of these states that has one.
fn chosen(all: &[Version], named: Option<u32>, states: &[CredentialState]) -> Result<Version, StoreError> {
    let found = match named {
        Some(number) => all.iter().find(|version| version.version == number),
        None => states.iter().find_map(|state| all.iter().find(|version| version.state == *state)),
    };
    found.cloned().ok_or_else(|| StoreError::NotFound {
        what: "version",
        name: named
            .map_or_else(|| states.first().map_or("", |state| state.as_str()).to_owned(), |n| n.to_string()),
    })
}

/// What a switch to a version is called in the audit log.
fn action_of(state: CredentialState) -> Action {
    if state == CredentialState::Retiring { Action::Rollback } else { Action::Activate }
}
