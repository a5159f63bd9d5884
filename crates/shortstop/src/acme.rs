//! A certificate from an authority that works by itself (ACME): when it is asked for, where it is kept, and what is
//! said of it. Whatever fails, the gateway serves on with the last good certificate.

mod account;
mod counts;
mod kept;
mod made;
mod schedule;
mod task;

pub use account::AccountFile;
pub use kept::{CertificateFile, Known};
pub use task::{AcmeTask, Parts};
