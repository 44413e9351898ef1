//! The gateway from outside: real HTTP on loopback, from a bot's request to the row in the ledger.
#![cfg(test)]

mod attempts;
mod auth;
mod bad;
mod breaker;
mod catalogue;
mod chat;
mod checks;
mod exchanges;
mod explain;
mod failures;
mod ledger;
mod limits;
mod odd;
mod profiles;
mod protocols;
mod rotation;
mod routes;
mod rush;
mod secrets;
mod stops;
mod translation;
mod upstream;
mod world;
