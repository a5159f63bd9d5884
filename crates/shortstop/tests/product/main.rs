//! The real binary, from outside: processes, sockets, signals and files, as an operator meets them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may panic"
)]

mod acme;
mod acts;
mod authenticators;
mod backup;
mod callbacks;
mod canary;
mod carrier_away;
mod clients;
mod configuration;
mod crash;
mod demo;
mod disk_full;
mod doors;
mod erasure;
mod esmes;
mod evidence;
mod factors;
mod fairness;
mod ground;
mod heard;
mod keys;
mod ledger;
mod ledger_search;
mod lifecycle;
mod limits;
mod provider;
mod prune;
mod public_log;
mod pumping;
mod quickstart;
mod rebuild;
mod releases;
mod road;
mod scanners;
mod seals;
mod siem;
mod signed;
mod small_disk;
mod tls;
mod twilio;
mod verifications;
mod webhooks;
