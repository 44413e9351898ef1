//! The store from outside.
#![cfg(test)]

mod catalogue;
mod common;
mod connection;
mod ledger;
mod row;
