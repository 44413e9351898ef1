//! The store from outside.
#![cfg(test)]

mod audit;
mod catalogue;
mod common;
mod connection;
mod credential;
mod ledger;
mod row;
mod sheet;
mod watch;
