//! The certificate that the other side of a connection shows, as the engine knows it.

use domain::signature::sha256;
use domain::time::Timestamp;
use engine::PeerCertificate;
use engine::rows::{CertificateName, CertificateRow, Thumbprint};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::parse_x509_certificate;

use crate::ending::Life;
use crate::names::names;

/// Whether somebody that we trust vouches for what is in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouched {
    /// An authority does.
    ByAuthority,
    /// Nobody does: it proves nothing but that it is this very certificate.
    ByNobody,
}

/// The certificate of the other side. The names in one that nobody vouches for are not taken: anybody can write any.
pub(crate) fn certificate_of(
    chain: &[CertificateDer<'_>],
    vouched: Vouched,
) -> Option<PeerCertificate> {
    let own = chain.first()?;
    let (from, until) = validity(own)?;
    let names = match vouched {
        Vouched::ByAuthority => names_of(own)?,
        Vouched::ByNobody => Vec::new(),
    };
    Some(PeerCertificate {
        sha256: Thumbprint::from_bytes(sha256(own)),
        names: names.into(),
        from,
        until,
    })
}

/// From when until when a certificate is valid. `None` when it is none.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<Life> {
    let (rest, read) = parse_x509_certificate(certificate).ok()?;
    let moment = |seconds: i64| Timestamp::from_seconds(u64::try_from(seconds).unwrap_or(0));
    let validity = read.validity();
    let until = moment(validity.not_after.timestamp());
    rest.is_empty()
        .then(|| (moment(validity.not_before.timestamp()), until))
}

fn names_of(certificate: &CertificateDer<'_>) -> Option<Vec<CertificateName>> {
    let (_, read) = parse_x509_certificate(certificate).ok()?;
    Some(names(&read))
}

/// The first certificate of a PEM file, as the engine keeps it. `None` when there is none.
pub fn certificate_in_pem(text: &[u8]) -> Option<CertificateRow> {
    let der = CertificateDer::from_pem_slice(text).ok()?;
    let (_, expires) = validity(&der)?;
    let sha256 = Thumbprint::from_bytes(sha256(&der));
    Some(CertificateRow { sha256, expires })
}
