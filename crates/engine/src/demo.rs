//! The Demo: a provider that works offline, and data to look around with.

mod answer;
mod delivery;
mod fault;
pub mod sample;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub use fault::DemoFault;
pub use server::{DemoOptions, DemoServer, Pace, Received};
