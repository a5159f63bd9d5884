//! What a listener asks of clients: certificates of authorities that are named, or of anybody.

use std::path::{Path, PathBuf};

use super::super::Problems;
use super::super::https::ClientCertificates;
use super::resolved;

/// What a listener asks of clients.
#[derive(Clone, Debug)]
pub struct ClientsPlan {
    /// Whether they show a certificate.
    pub need: ClientCertificates,
    /// The authorities whose certificates are taken.
    pub ca_file: Option<PathBuf>,
    /// What these have taken back.
    pub crl_file: Option<PathBuf>,
}

/// Reads the three settings of a section.
pub fn plan(
    (section, base): (&str, &Path),
    (need, ca_file, crl_file): (ClientCertificates, &Option<PathBuf>, &Option<PathBuf>),
    problems: &mut Problems,
) -> ClientsPlan {
    if ca_file.is_some() && need == ClientCertificates::Off {
        let says =
            "names authorities, but client_certificates is off: nobody is asked for a certificate";
        problems.add(format!("{section}.client_ca_file"), says);
    }
    if crl_file.is_some() && ca_file.is_none() {
        let says = "is of authorities; name them with client_ca_file";
        problems.add(format!("{section}.client_crl_file"), says);
    }
    ClientsPlan {
        need,
        ca_file: resolved(base, ca_file.as_ref()),
        crl_file: resolved(base, crl_file.as_ref()),
    }
}
