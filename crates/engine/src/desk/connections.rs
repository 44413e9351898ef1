//! Connections: how they are, and everything that a user does to them.

mod edit;
mod list;

pub use edit::{
    AddOutcome, ConnectionDraft, ConnectionEdit, NewSettings, add_tested, add_untested, edit, enable, limits,
    pause, remove, reorder, replace_key, test, test_stop,
};
pub(crate) use list::healths;
pub use list::{Connection, CredentialInfo, LastError, StripCell, get, list};
