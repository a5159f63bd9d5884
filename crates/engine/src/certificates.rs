//! Certificates that an authority gave to the gateway, or did not: each has its entry.

use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, UtcMicros};

use crate::batch::sound;
use crate::changes::Changes;
use crate::gateway::Gateway;

/// A certificate that was obtained, as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTold {
    /// The URL of our account at the authority.
    pub account: String,
    /// The URL of the authority's directory.
    pub authority: String,
    /// The DNS names in it.
    pub names: Vec<String>,
    /// Its SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// From when on it is valid.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Gateway {
    /// Records that a certificate was obtained, and is shown from now on.
    pub fn certificate_obtained(&self, told: &CertificateTold) {
        let data = Facts::new()
            .put("account", told.account.as_str())
            .put("authority", told.authority.as_str())
            .put("from", UtcMicros(told.from.micros()))
            .put("names", told.names.clone())
            .put("sha256", told.sha256.as_str())
            .put("until", UtcMicros(told.until.micros()));
        let builder = Draft::of(Kind::CertificateObtained, actor(), Outcome::Done).data(data);
        self.record_certificate(sound(builder.origin(OriginType::Process, &"self").build()));
    }

    /// Records that none was, and why, in one word; the one in force stays.
    pub fn certificate_failed(&self, reason: &'static str, authority: &str, names: &[String]) {
        let data = Facts::new()
            .put("authority", authority)
            .put("names", names.to_vec());
        let builder = Draft::of(Kind::CertificateFailed, actor(), Outcome::Failed).data(data);
        let builder = builder.origin(OriginType::Process, &"self");
        self.record_certificate(sound(builder.reason(reason).build()));
    }

    fn record_certificate(&self, draft: Draft) {
        let now = self.now();
        let _state = self.state();
        self.commit(Changes::new(draft, now), |_, _| {});
    }
}

fn actor() -> Actor<'static> {
    Actor::system(&"acme")
}
