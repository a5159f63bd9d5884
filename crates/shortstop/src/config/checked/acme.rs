//! Checks of `[https.acme]`: one authority, names that it can look at, and terms that were agreed to.

use std::path::PathBuf;
use std::time::Duration;

use engine::rows::CertificateName;
use web::acme::AcmePlace;
use web::witness::Roots;

use super::super::acme::Acme;
use super::super::{Config, Problems};
use super::resolved;

/// Names in one certificate, so that one look at each stays within its time.
const NAMES_MAX: usize = 16;
/// The longest first pause.
const RETRY_MAX: u64 = 21_600;

/// A certificate that an authority gives.
#[derive(Clone, Debug)]
pub struct AcmePlan {
    /// Where the authority is.
    pub place: AcmePlace,
    /// The names of the certificate, in lower case.
    pub names: Vec<String>,
    /// Where the authority writes to.
    pub contact: Vec<String>,
    /// Our name as a customer, and the file with the secret.
    pub external: Option<(String, PathBuf)>,
    /// The first pause after a failure.
    pub retry: Duration,
}

impl AcmePlan {
    /// The names in order.
    pub fn sorted(&self) -> Vec<String> {
        let mut names = self.names.clone();
        names.sort();
        names
    }
}

/// The plan of a configuration; `None` when no authority is asked.
pub fn plan(config: &Config, problems: &mut Problems) -> Option<AcmePlan> {
    let section = &config.acme;
    let Some(directory) = section.directory.clone() else {
        if *section != Acme::default() {
            let says = "is missing: without it no authority is asked, and the rest of [https.acme] does nothing";
            problems.add("https.acme.directory", says);
        }
        return None;
    };
    let files = (&config.https.certificate_file, &config.https.key_file);
    if files.0.is_some() || files.1.is_some() {
        let says = "stands beside https.certificate_file: name either an authority or files";
        problems.add("https.acme.directory", says);
    }
    if !section.terms_agreed {
        let says = "must be true: read the terms of the authority, which its directory names";
        problems.add("https.acme.terms_agreed", says);
    }
    if !(1..=RETRY_MAX).contains(&section.retry_seconds) {
        let says = format!("must lie between 1 and {RETRY_MAX}");
        problems.add("https.acme.retry_seconds", says);
    }
    let external = external(config, problems);
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    Some(AcmePlan {
        place: AcmePlace {
            directory,
            roots: ca_file.map_or(Roots::System, Roots::File),
        },
        names: names(section, problems),
        contact: contact(section, problems),
        external,
        retry: Duration::from_secs(section.retry_seconds),
    })
}

fn names(section: &Acme, problems: &mut Problems) -> Vec<String> {
    if !(1..=NAMES_MAX).contains(&section.names.len()) {
        let says = format!("must name 1 to {NAMES_MAX} DNS names");
        problems.add("https.acme.names", says);
    }
    let mut names: Vec<String> = Vec::new();
    for name in &section.names {
        let name = name.to_ascii_lowercase();
        if CertificateName::dns(&name).is_err()
            || !name.contains('.')
            || name.parse::<std::net::IpAddr>().is_ok()
        {
            let says = format!("holds {name}, which is no DNS name that an authority can look at");
            problems.add("https.acme.names", says);
        } else if names.contains(&name) {
            problems.add("https.acme.names", format!("names {name} twice"));
        }
        names.push(name);
    }
    names
}

fn contact(section: &Acme, problems: &mut Problems) -> Vec<String> {
    for contact in &section.contact {
        if !contact.starts_with("mailto:") || contact.contains(char::is_whitespace) {
            let says = "must hold URLs such as mailto:ops@firm.example";
            problems.add("https.acme.contact", says);
        }
    }
    section.contact.clone()
}

fn external(config: &Config, problems: &mut Problems) -> Option<(String, PathBuf)> {
    let section = &config.acme;
    let file = resolved(&config.base, section.external_key_file.as_ref());
    match (section.external_id.clone(), file) {
        (Some(id), Some(file)) => Some((id, file)),
        (None, None) => None,
        (id, _) => {
            let missing = if id.is_some() {
                "https.acme.external_key_file"
            } else {
                "https.acme.external_id"
            };
            problems.add(missing, "is missing; both belong together");
            None
        }
    }
}
