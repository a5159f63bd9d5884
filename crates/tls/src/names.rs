//! The names in a certificate by which a client may be known: DNS names and URIs of the subject alternative name, and
//! the subject.

use engine::rows::CertificateName;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::subject::subject;

/// Names beyond these are left out: nobody needs more, and each request compares them.
const NAMES_MAX: usize = 64;

/// Every name of a certificate that can be written down.
pub(crate) fn names(certificate: &X509Certificate<'_>) -> Vec<CertificateName> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative
        .iter()
        .flat_map(|found| &found.value.general_names);
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => CertificateName::dns(name).ok(),
        GeneralName::URI(uri) => CertificateName::uri(uri).ok(),
        _ => None,
    });
    let subject = subject(certificate.subject());
    let subject = subject.and_then(|text| CertificateName::subject(&text).ok());
    subject
        .into_iter()
        .chain(alternative)
        .take(NAMES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};
    use x509_parser::parse_x509_certificate;

    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_dns_names_uris_and_subject_and_by_nothing_else() {
        let mut params = CertificateParams::new(["Bank.Example".to_owned()]).unwrap();
        let uri = "spiffe://firm.example/bank".try_into().unwrap();
        params.subject_alt_names.extend([
            SanType::URI(uri),
            SanType::DnsName("*.example".try_into().unwrap()),
            SanType::Rfc822Name("bank@firm.example".try_into().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
        ]);
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "GB"),
            (DnType::OrganizationName, "Firm, the"),
            (DnType::CommonName, "bank"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, read) = parse_x509_certificate(made.der()).unwrap();
        let found: Vec<String> = names(&read).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "subject:CN=bank,O=Firm\\, the,C=GB",
                "dns:bank.example",
                "uri:spiffe://firm.example/bank",
            ]
        );
    }
}
