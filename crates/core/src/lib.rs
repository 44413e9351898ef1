//! The domain of Patchbay, pure: types, decisions and translations. No clock, file, socket, randomness or database
//! is reached from here; time and entropy come in as arguments. `clippy.toml` beside this crate enforces it.
//!
//! # Words
//! - **provider**: a service that answers calls (OpenAI, Gemini, any OpenAI-compatible endpoint, the Demo).
//! - **protocol**: the wire format a provider speaks.
//! - **connection**: one account at one provider, addressed by its *connection key*.
//! - **credential**: a versioned secret of a connection, kept in the vault.
//! - **vault**: where secrets live: the system's keychain, an encrypted file, or memory for tests and trials.
//! - **profile**: a named model configuration with a chain of targets.
//! - **app**: a local program with its own gateway token.
//! - **feature**: what a call was for; a free label.
//! - **call**: one request as the caller sees it. **attempt**: one try of a call at one connection.
//! - **admission**: whether an attempt may start now; **reservation**: the place that it has taken until it is settled.
//! - **standing**: what calls have taught of a connection: its breaker, its health, which of its models rest.
//! - **budget**: a cap on money, requests or tokens, for a day or a month.
//! - **ledger**: the append-only usage table and its rollup.

pub mod admission;
pub mod alert;
pub mod app;
pub mod audit;
pub mod balance;
pub mod breaker;
pub mod budget;
pub mod catalog;
pub mod chart;
pub mod chat;
pub mod code;
pub mod connection;
pub mod credential;
pub mod diagnose;
pub mod dialect;
pub mod embeddings;
pub mod health;
pub mod id;
pub mod import;
pub mod ledger;
pub mod market;
pub mod model;
pub mod money;
pub mod pace;
pub mod price;
pub mod private;
pub mod profile;
pub mod provider;
pub mod report;
pub mod rollup;
pub mod route;
pub mod schedule;
pub mod secret;
pub mod sse;
pub mod standing;
pub mod switchboard;
pub mod time;
pub mod usage;
