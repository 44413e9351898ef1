//! The store from outside.
#![cfg(test)]

mod archive;
mod audit;
mod catalogue;
mod common;
mod connection;
mod credential;
mod ledger;
mod row;
mod saved_view;
mod settle;
mod sheet;
mod together;
mod watch;
