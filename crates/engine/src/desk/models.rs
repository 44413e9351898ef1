//! The catalogue of models: what can be called, through whom, at what price.

mod detail;
mod library;
mod list;
mod sync;

pub use detail::{Compared, ModelDetail, Reliance, compare, detail, resolve};
pub use library::{Model, ModelOffer, ModelReach};
pub use list::{CatalogueAge, Mix, ModelList, ModelQuery, ModelScope, ModelSort, SyncAge, allow, list, pin};
pub(super) use list::{counts, sync_ages};
pub use sync::{Asked, GoneModel, SyncOutcome, SyncReport, Syncs, sync, sync_stop};
