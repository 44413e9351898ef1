//! What the shells can do, one function per use-case. The window's commands and the command line call these and decide
//! nothing themselves. Types that cross to the window derive `specta::Type`.

pub mod activity;
pub mod alerts;
pub mod aliases;
pub mod apps;
pub mod audit;
pub mod backup;
pub mod budgets;
pub mod charts;
pub mod checks;
pub mod configuration;
pub mod connections;
pub mod credentials;
pub mod demo;
pub mod drill;
pub mod export;
pub mod gateway;
pub mod imports;
pub mod log;
pub mod models;
pub mod overview;
pub mod playground;
pub mod prices;
pub mod profiles;
pub mod providers;
pub mod retention;
pub mod status;
pub mod usage;
pub mod vault;
pub mod views;
