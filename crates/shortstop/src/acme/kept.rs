//! The certificate that was obtained, as it lies in the data folder: its key and its chain in one file, so that a crash
//! leaves the old pair or the new one and never half of each.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tls::Certificates;
use x509_parser::extensions::ParsedExtension;
use x509_parser::parse_x509_certificate;

use crate::folder::{make_private, open_beyond_owner, replace_private};

/// The certificate that was obtained.
#[derive(Clone, Debug)]
pub struct CertificateFile(PathBuf);

/// What is known of a certificate.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// From when on it is valid.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Its id for the authority (RFC 9773 section 4.1), when it says who issued it.
    pub id: Option<String>,
    /// The DNS names in it, in order.
    pub names: Vec<String>,
}

impl CertificateFile {
    /// At its place in a data folder.
    pub fn in_folder(tls: &Path) -> Self {
        Self(tls.join("acme.pem"))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The pair, and what is known of it; `None` when there is none yet.
    pub fn read(&self) -> anyhow::Result<Option<(Certificates, Known)>> {
        let path = self.0.display();
        let text = match std::fs::read(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("{path} cannot be read"))?,
        };
        if let Some(mode) = open_beyond_owner(&self.0) {
            anyhow::bail!(
                "{path} can be read by other users (mode {mode:o}); run `chmod 600` on it"
            );
        }
        let pair = Certificates::from_pem(&text, &text)
            .with_context(|| format!("{path} cannot be used"))?;
        let known = Known::of(&text).with_context(|| format!("{path} holds no certificate"))?;
        Ok(Some((pair, known)))
    }

    /// Puts another pair in its place, durably.
    pub fn replace(&self, key: &str, chain: &str) -> anyhow::Result<()> {
        if let Some(folder) = self.0.parent() {
            make_private(folder)?;
        }
        replace_private(&self.0, format!("{key}{chain}").as_bytes())
    }
}

impl Known {
    /// Of the first certificate of a text in PEM.
    pub fn of(text: &[u8]) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(text).ok()?;
        let (_, read) = parse_x509_certificate(&der).ok()?;
        let moment = |seconds: i64| Timestamp::from_seconds(u64::try_from(seconds).unwrap_or(0));
        let alternative = read.subject_alternative_name().ok().flatten();
        let names = alternative
            .iter()
            .flat_map(|found| &found.value.general_names);
        let mut names: Vec<String> = names
            .filter_map(|name| match name {
                x509_parser::extensions::GeneralName::DNSName(name) => {
                    Some(name.to_ascii_lowercase())
                }
                _ => None,
            })
            .collect();
        names.sort();
        let issuer = read.extensions().iter().find_map(|found| {
            let ParsedExtension::AuthorityKeyIdentifier(issuer) = found.parsed_extension() else {
                return None;
            };
            issuer.key_identifier.as_ref().map(|id| id.0.to_vec())
        });
        let encoded = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let id =
            issuer.map(|issuer| format!("{}.{}", encoded(&issuer), encoded(read.raw_serial())));
        let row = tls::certificate_in_pem(text)?;
        Some(Self {
            sha256: row.sha256.to_string(),
            from: moment(read.validity().not_before.timestamp()),
            until: row.expires,
            id,
            names,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::made;
    use super::*;

    #[test]
    fn what_was_obtained_is_kept_for_its_owner_alone_and_read_back_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let file = CertificateFile::in_folder(&place.path().join("tls"));
        assert!(file.read().unwrap().is_none());
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["b.example".to_owned(), "a.example".to_owned()];
        let made = rcgen::CertificateParams::new(names.clone()).unwrap();
        let made = made.self_signed(&key).unwrap();
        file.replace(&key.serialize_pem(), &made.pem()).unwrap();
        let (_, known) = file.read().unwrap().unwrap();
        assert_eq!(known.names, ["a.example", "b.example"]);
        let bits = || file.path().metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(bits(), 0o600);
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(file.path(), open).unwrap();
        assert!(file.read().is_err());
        assert!(made::request(&names).is_ok() && made::proof("a.example", [7; 32]).is_ok());
    }
}
