//! Everything of Patchbay's that survives a restart: the SQLite store (one file per table, SQL beside the row type) and the
//! vault. [`Store::read`] and [`Store::write`] are the only doors to the database; all writes of a process go through one
//! thread that commits them in groups.

pub mod alert;
pub mod alias;
pub mod app;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod booked;
pub mod budget;
pub mod check;
pub mod columns;
pub mod configuration;
pub mod connection;
pub mod credential;
pub mod credential_policy;
pub mod deleted;
pub mod error;
pub mod files;
pub mod kept_body;
pub mod loose_secret;
pub mod model;
pub mod open_attempt;
pub mod price;
pub mod profile;
pub mod provider;
pub mod rollup;
pub mod saved_view;
pub mod sealed;
pub mod series;
pub mod setting;
pub mod space;
pub mod standing;
pub mod usage;
pub mod vault;

mod checkpoint;
mod database;
mod migrate;
mod told;
mod writer;

pub use audit::Recorded;
pub use database::Store;
pub use error::StoreError;
/// An open database, inside a read or a write.
pub use rusqlite::Connection as Db;
