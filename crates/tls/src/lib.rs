//! TLS of the listeners: versions by profile, certificates and what is asked of clients, all of which can be replaced
//! while connections go on. Which client a certificate belongs to is the engine's business; here the other side
//! proves that it holds the key, and, where there are authorities, that one of them vouches for it.

mod certificates;
mod challenge;
mod clients;
mod ending;
mod hosts;
mod names;
mod shown;
mod slot;
mod subject;

pub use certificates::{Certificates, TlsError};
pub use clients::{CertificateNeed, ClientCertificates};
pub use ending::{Ending, Life};
pub use shown::{certificate_in_pem, validity};
pub use slot::{InForce, NotAnyMore, Prepared, Speaks, TlsProfile, TlsSlot};

#[cfg(test)]
mod tests;
