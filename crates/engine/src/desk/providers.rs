//! Providers: those of the catalogue and the user's own, and what a prompt can be sent to.

mod edit;
mod list;
mod targets;

pub use edit::{ProviderDraft, ProviderEdit, add, edit, remove};
pub use list::{Provider, ProviderCard, cards, get, keys_page, list};
pub use targets::{Target, targets};
