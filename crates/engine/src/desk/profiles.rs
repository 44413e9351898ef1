//! Profiles: named recipes with a chain, in immutable versions (M2), and what becomes of them when a model ends (M3).

mod affected;
mod checked;
mod edit;
mod history;
mod list;
mod settings;

pub use affected::{AffectedStep, affected};
pub use edit::{
    Edited, Heirs, ProfileDraft, add, archive, clone_as, edit, remove, restore, retarget, step, unarchive,
};
pub(super) use edit::{told, write};
pub use history::{ProfileVersion, VersionDifference, difference, versions};
pub use list::{Profile, get, list};
pub use settings::{ProfileCheck, SpecProblem, StepSettings, check};
