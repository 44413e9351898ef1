//! The gateway from outside: real HTTP on loopback, from a bot's request to the row in the ledger.
#![cfg(test)]

mod apps;
mod attacks;
mod attempts;
mod auth;
mod bad;
mod breaker;
mod budgets;
mod catalogue;
mod chat;
mod checks;
mod drills;
mod embeddings;
mod exchanges;
mod explain;
mod failures;
mod hedge;
mod ledger;
mod limits;
mod lists;
mod odd;
mod patience;
mod playground;
mod profiles;
mod protocols;
mod reconcile;
mod rotation;
mod routes;
mod rush;
mod secrets;
mod stops;
mod translation;
mod upstream;
mod world;
