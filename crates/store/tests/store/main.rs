//! The store from outside.
#![cfg(test)]

mod common;
mod connection;
mod ledger;
mod row;
