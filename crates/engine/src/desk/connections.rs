//! Connections: how they are, and everything that a user does to them.

mod add;
mod copy;
mod edit;
mod heir;
mod limits;
mod list;
mod notes;
mod order;
mod private;
mod remove;
mod test;

pub(super) use add::provisional;
pub use add::{AddOutcome, ConnectionDraft, NewSettings, add_tested, add_untested};
pub use copy::duplicate;
pub use edit::{ConnectionEdit, HeaderEdit, SecretHeaderEdit, edit, limits};
pub(super) use edit::{in_range, optional_url};
pub use heir::Handover;
pub use limits::{LimitEdit, LimitUse, LimitsInUse, PeriodLimit, set_limit};
pub(crate) use list::{Condition, conditions, find, healths};
pub use list::{Connection, CredentialInfo, HeaderInfo, LastError, StripCell, get, list};
pub use order::{enable, pause, reorder, suspend};
pub use remove::{Removal, Undo, removal, remove, remove_with, undo_remove};
pub(super) use test::test_by;
pub(crate) use test::verdict;
pub use test::{CheckProgress, test, test_many, test_plans, test_stop, test_stop_all};
