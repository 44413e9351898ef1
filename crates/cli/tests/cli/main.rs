//! The command line as scripts use it: processes, exit codes, standard streams, signals.
#![cfg(test)]
#![cfg(unix)]

mod backup;
mod bodies;
mod catalogue;
mod checks;
mod clients;
mod connections;
mod contract;
mod crash;
mod damage;
mod figures;
mod http;
mod imports;
mod keys;
mod profiles;
mod program;
mod python;
mod retention;
#[cfg(target_os = "linux")]
mod rotation;
mod secrets;
mod serving;
mod upstream;
mod views;
mod watch;
