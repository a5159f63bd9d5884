//! The client of a certificate authority that works by itself (ACME, RFC 8555): it proves that the names are ours by
//! TLS-ALPN-01 (RFC 8737), and asks when to come again (ARI, RFC 9773). It keeps no state and no time: when it is
//! asked, and what becomes of a certificate, is decided by whoever asks.

mod account_key;
mod binding;
mod directory;
mod order;
mod problem;
mod renewal;
mod session;

pub use account_key::AccountKey;
pub use binding::ExternalAccount;
pub use order::{Obtained, Responder, Wish};
pub use problem::{AcmeError, Cause};
pub use renewal::Window;
pub use session::{Account, AcmeClient, AcmePlace};
