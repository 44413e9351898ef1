//! Connections: how they are, and everything that a user does to them.

mod add;
mod edit;
mod limits;
mod list;
mod notes;
mod test;

pub use add::{AddOutcome, ConnectionDraft, NewSettings, add_tested, add_untested};
pub use edit::{ConnectionEdit, edit, enable, limits, pause, remove, reorder};
pub(super) use edit::{in_range, optional_url};
pub use limits::{LimitEdit, LimitUse, LimitsInUse, PeriodLimit, set_limit};
pub use list::{Connection, CredentialInfo, LastError, StripCell, get, list};
pub(crate) use list::{find, healths};
pub(super) use test::test_by;
pub(crate) use test::verdict;
pub use test::{CheckProgress, test, test_many, test_plans, test_stop, test_stop_all};
