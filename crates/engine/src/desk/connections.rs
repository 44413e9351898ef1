//! Connections: how they are, and everything that a user does to them.

mod add;
mod edit;
mod list;
mod test;

pub use add::{AddOutcome, ConnectionDraft, NewSettings, add_tested, add_untested};
pub use edit::{ConnectionEdit, edit, enable, limits, pause, remove, reorder};
pub(super) use edit::{in_range, optional_url};
pub(crate) use list::find;
pub(crate) use list::healths;
pub use list::{Connection, CredentialInfo, LastError, StripCell, get, list};
pub(crate) use test::verdict;
pub use test::{test, test_stop};
