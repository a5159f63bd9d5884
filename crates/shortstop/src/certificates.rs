//! Certificates that the gateway makes itself, for loopback and for the demo. The authority signs once
//! and its key is thrown away: nobody can sign another certificate that trusts it. They carry what strict
//! validators ask for (key identifiers, key usage, extended key usage, alternative names).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use domain::time::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::config::checked::PairFiles;
use crate::folder::{make_private, replace_private};

/// How long they are valid: as long as browsers still take.
const VALID_DAYS: u64 = 397;

/// Certificates of one authority, as they lie in a folder.
#[derive(Clone, Debug)]
pub struct MadeFiles {
    /// The authority's certificate: what clients trust.
    pub ca: PathBuf,
    /// The gateway's certificate and key.
    pub server: PairFiles,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// The gateway's listener.
    Gateway,
    /// The built-in carrier.
    Carrier,
}

impl Subject {
    const fn stem(self) -> &'static str {
        match self {
            Self::Gateway => "server",
            Self::Carrier => "carrier",
        }
    }

    /// The files of its certificate and key in a folder.
    pub fn files(self, folder: &Path) -> PairFiles {
        PairFiles {
            certificate: folder.join(format!("{}.pem", self.stem())),
            key: folder.join(format!("{}.key", self.stem())),
        }
    }
}

/// The certificates in the folder; made, or made anew, unless they are there with more than a third of their life left.
pub fn keep(folder: &Path, subjects: &[Subject], now: Timestamp) -> anyhow::Result<MadeFiles> {
    let files = MadeFiles {
        ca: folder.join("ca.pem"),
        server: Subject::Gateway.files(folder),
    };
    let mut parts = vec![files.ca.clone()];
    for subject in subjects {
        let pair = subject.files(folder);
        parts.extend([pair.certificate, pair.key]);
    }
    let stays = parts.iter().all(|part| part.exists()) && now < due(folder)?;
    if !stays {
        make(folder, subjects, now)?;
    }
    Ok(files)
}

/// When those in the folder are made anew: with a third of their life left.
pub fn due(folder: &Path) -> anyhow::Result<Timestamp> {
    let ca = folder.join("ca.pem");
    let read = CertificateDer::from_pem_file(&ca);
    let read = read.with_context(|| format!("{} holds no certificate in PEM", ca.display()))?;
    let life = tls::validity(&read);
    let (from, until) = life.with_context(|| format!("{} is no certificate", ca.display()))?;
    Ok(until.saturating_sub(until.since(from) / 3))
}

fn make(folder: &Path, subjects: &[Subject], now: Timestamp) -> anyhow::Result<()> {
    make_private(folder)?;
    let authority_key = KeyPair::generate()?;
    let authority = authority(now);
    let ca = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    for subject in subjects {
        let key = KeyPair::generate()?;
        let certificate = leaf(*subject, now).signed_by(&key, &issuer)?;
        let files = subject.files(folder);
        replace_private(&files.key, key.serialize_pem().as_bytes())?;
        replace_private(&files.certificate, chain(&certificate, &ca).as_bytes())?;
    }
    replace_private(&folder.join("ca.pem"), ca.pem().as_bytes())
}

fn chain(certificate: &Certificate, ca: &Certificate) -> String {
    certificate.pem() + &ca.pem()
}

fn authority(now: Timestamp) -> CertificateParams {
    let mut params = valid(now, "Shortstop generated authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(subject: Subject, now: Timestamp) -> CertificateParams {
    let name = match subject {
        Subject::Gateway => "Shortstop on loopback",
        Subject::Carrier => "Shortstop carrier simulator",
    };
    let mut params = valid(now, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let localhost = "localhost".try_into().map(SanType::DnsName);
    params.subject_alt_names = localhost.into_iter().collect();
    params.subject_alt_names.extend([
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]);
    params
}

/// Named, and valid from yesterday, so that a clock that is behind does not refuse it.
fn valid(now: Timestamp, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |moment: Timestamp| {
        let (year, month, day) = date(moment);
        rcgen::date_time_ymd(year, month, day)
    };
    params.not_before = day(now.saturating_sub(days(1)));
    params.not_after = day(now.saturating_add(days(VALID_DAYS)));
    params
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

fn date(moment: Timestamp) -> (i32, u8, u8) {
    let seconds = i64::try_from(moment.seconds()).unwrap_or(0);
    let civil = jiff::Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let month = u8::try_from(civil.month()).unwrap_or(1);
    let day = u8::try_from(civil.day()).unwrap_or(1);
    (i32::from(civil.year()), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::pem::parse_x509_pem;
    use x509_parser::prelude::{ParsedExtension, X509Extension};

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    #[test]
    fn certificates_are_kept_until_a_third_of_their_life_is_left() {
        let place = tempfile::tempdir().unwrap();
        let subjects = [Subject::Gateway, Subject::Carrier];
        let files = keep(place.path(), &subjects, NOW).unwrap();
        let first = std::fs::read(&files.ca).unwrap();
        keep(place.path(), &subjects, NOW.saturating_add(days(263))).unwrap();
        assert_eq!(std::fs::read(&files.ca).unwrap(), first);
        keep(place.path(), &subjects, NOW.saturating_add(days(266))).unwrap();
        assert_ne!(std::fs::read(&files.ca).unwrap(), first);
    }

    #[test]
    fn a_leaf_carries_what_strict_validators_ask_for() {
        let place = tempfile::tempdir().unwrap();
        let files = keep(place.path(), &[Subject::Gateway], NOW).unwrap();
        let text = std::fs::read(&files.server.certificate).unwrap();
        let (_, pem) = parse_x509_pem(&text).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let parsed: Vec<_> = certificate
            .extensions()
            .iter()
            .map(X509Extension::parsed_extension)
            .collect();
        let has = |wanted: fn(&ParsedExtension) -> bool| parsed.iter().any(|found| wanted(found));
        assert!(has(|e| matches!(
            e,
            ParsedExtension::SubjectKeyIdentifier(_)
        )));
        assert!(has(|e| matches!(
            e,
            ParsedExtension::AuthorityKeyIdentifier(_)
        )));
        assert!(has(
            |e| matches!(e, ParsedExtension::KeyUsage(usage) if usage.digital_signature())
        ));
        assert!(has(
            |e| matches!(e, ParsedExtension::ExtendedKeyUsage(usage) if usage.server_auth)
        ));
        assert!(has(
            |e| matches!(e, ParsedExtension::SubjectAlternativeName(names) if names.general_names.len() == 3)
        ));
        assert!(has(
            |e| matches!(e, ParsedExtension::BasicConstraints(basic) if !basic.ca)
        ));
    }

    #[test]
    fn the_key_of_the_authority_lies_nowhere() {
        let place = tempfile::tempdir().unwrap();
        keep(place.path(), &[Subject::Gateway, Subject::Carrier], NOW).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "ca.pem",
                "carrier.key",
                "carrier.pem",
                "server.key",
                "server.pem"
            ]
        );
    }
}
