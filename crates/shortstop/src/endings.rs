//! Certificates of ours, and of authorities that we trust, that end soon: said a month, a week and a day ahead, in the
//! log, by `check-config` and in the metrics.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tls::{Ending, TlsProfile, TlsSlot};

use crate::certificates;
use crate::config::Checked;
use crate::config::checked::Way;
use crate::material::Material;

/// What ends sooner is said.
const SOON: Duration = Duration::from_hours(30 * 24);
/// What ends sooner is said as an error.
const AT_ONCE: Duration = Duration::from_hours(24);

/// What the gateway shows to others, and whom it trusts there: certificates of links to carriers. Files that cannot be
/// read have been told.
pub fn outgoing(checked: &Checked) -> Vec<Ending> {
    let mut found = Vec::new();
    for link in &checked.carriers {
        let Way::Tls(tls) = &link.way else { continue };
        let name: Arc<str> = link.name.to_string().into();
        let own = tls.client.as_ref().map(|files| files.certificate.as_path());
        let files = [("carrier", own), ("carrier-ca", tls.ca_file.as_deref())];
        for (of, file) in files {
            let until = file.and_then(|file| match of {
                "carrier" => certificates::ends(file).ok(),
                _ => first_end(file),
            });
            found.extend(until.map(|until| Ending {
                of,
                name: Some(Arc::clone(&name)),
                until,
            }));
        }
    }
    found
}

/// When the first of the authorities in a file ends.
fn first_end(file: &Path) -> Option<Timestamp> {
    let listed = CertificateDer::pem_file_iter(file).ok()?;
    let ends = listed.filter_map(|der| tls::end_of(&der.ok()?));
    ends.min()
}

/// What a configuration names by file, for a gateway that does not run.
pub fn of_files(checked: &Checked, material: Material) -> Vec<Ending> {
    let profile = TlsProfile::default();
    let https = material
        .https
        .and_then(|own| TlsSlot::asking(profile, own, material.clients).ok());
    let smpp = material
        .smpp
        .and_then(|own| TlsSlot::for_esmes(profile, own, material.esme_clients).ok());
    let listeners = https.into_iter().chain(smpp);
    let mut found: Vec<Ending> = listeners.flat_map(|slot| slot.endings()).collect();
    found.extend(outgoing(checked));
    found
}

/// What is to be said of one, if it ends within a month.
pub fn says(ending: &Ending, now: Timestamp) -> Option<String> {
    if ending.until > now.saturating_add(SOON) {
        return None;
    }
    let of = match &ending.name {
        Some(name) => format!("{} {name}", ending.of),
        None => ending.of.to_owned(),
    };
    let until = ending.until;
    if until < now {
        return Some(format!("a certificate is over ({of}, since {until})"));
    }
    let days = until.since(now).as_secs() / 86_400;
    Some(format!(
        "a certificate ends soon ({of}, {until}, in {days} days)"
    ))
}

/// Says in the log which end soon.
pub fn warn(endings: &[Ending], now: Timestamp) {
    for ending in endings {
        let Some(says) = says(ending, now) else {
            continue;
        };
        let name = ending.name.as_deref().unwrap_or_default();
        if ending.until <= now.saturating_add(AT_ONCE) {
            tracing::error!(of = ending.of, name, until = %ending.until, "{says}: replace it now");
        } else {
            tracing::warn!(
                of = ending.of, name, until = %ending.until,
                "{says}: replace it and reload (SIGHUP); one of a carrier needs a restart"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_within_a_month_is_said_and_nothing_else() {
        let now = Timestamp::from_seconds(1_764_064_800);
        let at = |days: u64| now.saturating_add(Duration::from_hours(24 * days));
        assert_eq!(says(&Ending::new("server", at(31)), now), None);
        let soon = says(&Ending::new("server", at(7)), now).unwrap();
        assert!(soon.contains("ends soon (server,"), "{soon}");
        assert!(soon.ends_with("in 7 days)"), "{soon}");
        let over = Ending {
            of: "carrier",
            name: Some("acme".into()),
            until: now.saturating_sub(Duration::from_secs(1)),
        };
        let over = says(&over, now).unwrap();
        assert!(over.contains("is over (carrier acme,"), "{over}");
    }
}
