//! The binary as a library, so that its integration tests can use the same client and configuration
//! code. It holds no rule of the product: command line, configuration, wiring, life cycle.

pub mod acme;
pub mod audit_table;
pub mod certificates;
pub mod child;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod control;
pub mod demo;
pub mod endings;
pub mod entropy;
pub mod exit;
pub mod folder;
pub mod http_client;
pub mod key_places;
pub mod limit_words;
pub mod links;
pub mod log_key;
pub mod logging;
pub mod master_key;
pub mod material;
pub mod output;
pub mod process;
mod provider_sim;
pub mod public_log;
pub mod ready;
pub mod roads;
pub mod sbom;
pub mod second_key;
pub mod serve;
pub mod sim_server;
pub mod streams;
pub mod unvouched;
pub mod version;
pub mod wiring;
