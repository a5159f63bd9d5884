//! Fakes of every port, whole gateways for tests, and the contract suites that every implementation of
//! a port must pass. It never ships: nothing here keeps a promise about speed or secrets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test may panic, and its fakes with it"
)]

pub mod acme;
pub mod carriers;
pub mod clock;
pub mod collector;
pub mod contract;
pub mod counts;
pub mod entropy;
pub mod gateway;
pub mod keyring;
pub mod ledger;
pub mod memory;
pub mod provider;
pub mod risk;
pub mod seals;
pub mod settings;
pub mod syslog;
pub mod webhook;
pub mod witness;

pub use carriers::RecordingCarriers;
pub use clock::ManualClock;
pub use collector::{MemoryBookmark, MemoryCollector};
pub use counts::MemoryCounts;
pub use entropy::SeededEntropy;
pub use gateway::TestGateway;
pub use keyring::MemoryKeyring;
pub use ledger::MemoryGuard;
pub use memory::{Image, MemoryStore};
pub use provider::ProviderServer;
pub use risk::MemoryRisk;
pub use seals::{MemorySeals, SealStep};
pub use syslog::SyslogReceiver;
pub use webhook::MemoryWebhook;
pub use witness::{Witness, WitnessSetup};
