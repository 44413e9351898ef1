//! The desk's use-cases from outside: keys, audit, vaults, backups, figures.
#![cfg(test)]

mod audit;
mod common;
mod crash;
mod credentials;
mod deletion;
mod private;
mod usage;
mod vault;
