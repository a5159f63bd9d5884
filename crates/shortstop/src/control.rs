//! Commands to a running gateway: JSON lines over a Unix socket in its data folder. Who may connect is
//! asked of the kernel, and the actor of the ledger entry is that user. No secret travels to the gateway
//! over it; a new API key travels back once.

pub mod act;
pub mod client;
pub mod message;
pub mod server;

pub use message::{Answer, ClientShown, KeyAsked, LineFormat, NewClientAsked, Request};
