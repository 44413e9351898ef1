//! The Demo: a provider that works offline, and data to look around with.

mod answer;
mod delivery;
mod embeddings;
mod fault;
pub mod sample;
mod schema;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub use fault::DemoFault;
pub use server::{DemoOptions, DemoServer, Pace, Received};
