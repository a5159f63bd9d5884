//! The commands, one a file. Each returns how it ended; printing the failure and turning it into an exit
//! code is left to `main`.

pub mod backup;
pub mod carrier_sim;
pub mod check_config;
pub mod client;
pub mod gateway_call;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod restore;
pub mod subject;
pub mod verifications;
pub mod webhook;
