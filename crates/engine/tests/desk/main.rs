//! The desk's use-cases from outside: keys, audit, vaults, backups, figures.
#![cfg(test)]

mod activity;
mod audit;
mod backup;
mod charts;
mod cheaper;
mod common;
mod crash;
mod credentials;
mod deletion;
mod explore;
mod limits;
mod models;
mod private;
mod retention;
mod running;
mod sheets;
mod traffic;
mod usage;
mod vault;
mod views;
