//! Certificates that an authority gave to the gateway, or did not, and those that it made itself: each has its entry.

use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, UtcMicros};

use crate::batch::sound;
use crate::changes::Changes;
use crate::gateway::Gateway;

/// A certificate that was obtained, as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTold {
    /// The URL of our account at the authority; `None` for one that the gateway made itself.
    pub account: Option<String>,
    /// The URL of the authority's directory, or [`CertificateTold::ITSELF`].
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

impl CertificateTold {
    /// The authority of a certificate that the gateway made itself.
    pub const ITSELF: &'static str = "itself";
}

impl Gateway {
    /// Records that a certificate was obtained, and is shown from now on.
    pub fn certificate_obtained(&self, told: &CertificateTold) {
        let (actor, data) = match &told.account {
            Some(account) => (actor(), Facts::new().put("account", account.as_str())),
            None => (Actor::system(&"gateway"), Facts::new()),
        };
        let data = data
            .put("authority", told.authority.as_str())
            .put("from", UtcMicros(told.from.micros()))
            .put("names", told.names.clone())
            .put("sha256", told.sha256.as_str())
            .put("until", UtcMicros(told.until.micros()));
        let builder = Draft::of(Kind::CertificateObtained, actor, Outcome::Done).data(data);
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
