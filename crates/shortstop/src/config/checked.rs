//! The configuration after every rule held: what the other rooms are built from. No file named in it
//! has been opened yet; that is the next step, when the gateway starts or `check-config` runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::ledger::NodeName;
use domain::limit::country::PUMPED;
use domain::verification::budget::policy::{FewDigits, Policy};
use domain::verification::channel::Channel;
use domain::verification::odds::Odds;
use domain::verification::pumping::Mode;
use engine::settings::{EsmeSettings, Settings};
use web::webhook::WebhookWay;

use super::admin::{Admin, Exposure};
use super::https::{Https, TlsProfile};
use super::log::Log;
use super::store::Store;
use super::{Config, Problems};

mod acme;
mod carriers;
mod clients;
mod esmes;
mod factors;
mod fairness;
mod hosts;
mod ledger;
mod limits;
mod networks;
mod policies;
mod price;
mod providers;
mod proxies;
mod public_url;
mod pumping;
mod risk;
mod short_codes;
mod siem;
mod verifications;
mod webhooks;

pub use acme::AcmePlan;
pub use carriers::{CarrierLink, LinkTls, PasswordSource, Way};
pub use clients::ClientsPlan;
pub use esmes::{EsmePlan, SmppPlan};
pub use ledger::{GuardNeed, LedgerPlan, SecondLine, WitnessPlace};
pub use providers::{ProviderLink, SecretSource};
pub use risk::{RiskIdentity, RiskPlan};
pub use siem::StreamPlan;

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The gateway's name in the ledger.
    pub node: NodeName,
    /// Where its data lies.
    pub data_folder: PathBuf,
    /// Where the master key lies, if not at its usual place.
    pub master_key_file: Option<PathBuf>,
    /// The listener for applications.
    pub https: Listener,
    /// The authority that gives its certificate, when there is one.
    pub acme: Option<AcmePlan>,
    /// The listener for ESMEs, when there is one.
    pub smpp: Option<SmppPlan>,
    /// Their accounts, which lack their passwords, in the order of the file.
    pub esmes: Vec<EsmePlan>,
    /// The listener for monitoring.
    pub admin: Admin,
    /// What the engine is told.
    pub settings: Settings,
    /// The links to carriers over SMPP, in the order of the file.
    pub carriers: Vec<CarrierLink>,
    /// The carriers over HTTPS, in the order of the file.
    pub providers: Vec<ProviderLink>,
    /// How the ledger is signed.
    pub ledger: LedgerPlan,
    /// Who is told the ledger as it grows.
    pub streams: Vec<StreamPlan>,
    /// Who is asked about SIMs.
    pub risk: Option<RiskPlan>,
    /// How webhooks are called.
    pub webhooks: WebhookWay,
    /// The bounds of the store.
    pub store: Store,
    /// What is logged.
    pub log: Log,
}

/// The listener for applications.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where its certificate comes from.
    pub identity: Identity,
    /// Versions of TLS.
    pub tls_profile: TlsProfile,
    /// What is asked of applications.
    pub clients: ClientsPlan,
    /// Hosts under which it is asked, beside those of its certificate.
    pub hosts: Vec<String>,
    /// Address and limits.
    pub limits: Https,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// From these files.
    Files(PairFiles),
    /// Given by an authority that works by itself.
    Obtained,
    /// Made by the gateway for a loopback address.
    Generated,
}

/// The files of a certificate chain and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl TryFrom<&Config> for Checked {
    type Error = Problems;

    fn try_from(config: &Config) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let node = problems.keep("node.name", NodeName::parse(&config.node.name));
        let https = listener(config, &mut problems);
        let acme = acme::plan(config, &mut problems);
        let smpp = esmes::listener(config, &mut problems);
        let esmes = esmes::accounts(config, &mut problems);
        let admin = admin(config, &mut problems);
        let carriers = carriers::links(config, &mut problems);
        let providers = providers::links(config, &mut problems);
        let ledger = ledger::plan(config, &mut problems);
        let streams = siem::streams(config, &mut problems);
        let risk = risk::plan(config, &mut problems);
        let webhooks = webhooks::way(config, &mut problems);
        let settings = settings(config, &mut problems);
        limits::store(&config.store, &mut problems);
        if !is_log_level(&config.log.level) {
            let says = "use error, warn, info, debug or trace, or targets such as engine=debug";
            problems.add("log.level", says.to_owned());
        }
        let checked = node.map(|node| Self {
            node,
            data_folder: config.base.join(&config.node.data_folder),
            master_key_file: resolved(&config.base, config.node.master_key_file.as_ref()),
            https,
            acme,
            smpp,
            esmes,
            admin,
            settings,
            carriers,
            providers,
            ledger,
            streams,
            risk,
            webhooks,
            store: config.store.clone(),
            log: config.log.clone(),
        });
        problems.or_value(checked)
    }
}

/// Four years: within them claims about consent can be made (28 USC 1658).
const CLAIMS: Duration = Duration::from_hours(1_461 * 24);

impl Checked {
    /// What can be run and is said loudly, at each start and reload.
    pub fn warnings(&self) -> Vec<&'static str> {
        [
            self.retention_warning(),
            self.rewrap_warning(),
            self.digits_warning(),
            self.pumping_warning(),
            self.factors_warning(),
            self.webhooks_warning(),
            self.smpp.as_ref().and_then(SmppPlan::warning),
            self.smpp.as_ref().and_then(SmppPlan::password_warning),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn webhooks_warning(&self) -> Option<&'static str> {
        (!self.webhooks.permitted.is_empty()).then_some(
            "webhooks.i_accept_calls_into is set: whoever may name a URL reaches what is in these networks",
        )
    }

    fn digits_warning(&self) -> Option<&'static str> {
        let terms = self.settings.verifications.as_ref()?;
        (terms.few_digits == FewDigits::WeakCodesAccepted).then_some(
            "verifications.few_digits is weak-codes-accepted: codes of 4 or 5 digits can be guessed, and are \
             no second factor by NIST SP 800-63B-4",
        )
    }

    /// What limits let through or stop that may not be meant; said at each start and reload, and by
    /// `check-config`.
    pub fn limit_warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let countries = &self.settings.limits.countries;
        if countries.enabled().next().is_none() {
            found.push(
                "no country is enabled: every message is refused; add [countries] with enabled = \
                 [\"GB\"] or wherever your users are"
                    .to_owned(),
            );
        }
        let pumped = countries.enabled().map(|region| region.to_string());
        let pumped: Vec<_> = pumped
            .filter(|region| PUMPED.contains(&region.as_str()))
            .collect();
        if !pumped.is_empty() {
            found.push(format!(
                "messages to {} are often made up to earn from them: enable a country only where you have \
                 users",
                pumped.join(", ")
            ));
        }
        found.extend(proxies::warning(&self.https.limits.trusted_proxies));
        found.extend(self.esmes.iter().filter_map(EsmePlan::warning));
        found.extend(self.guesses_warning());
        found.extend(pumping::warnings(&self.settings.pumping));
        found
    }

    fn guesses_warning(&self) -> Option<String> {
        let terms = self.settings.verifications.as_ref()?;
        let per_day = terms.policy.sms.per_day();
        let usual = Policy::default().sms.per_day();
        (per_day > usual).then(|| {
            let odds = Odds::within_a_day(&terms.policy, Channel::Sms, terms.length);
            format!(
                "verifications.failed_checks_day_max is {per_day}, above {usual}: whoever guesses at the codes of \
                 a number hits one in a day with a chance of {odds}"
            )
        })
    }

    fn pumping_warning(&self) -> Option<&'static str> {
        (self.settings.pumping.mode == Mode::Record).then_some(
            "pumping.mode is record: codes that nobody uses are counted and told, and none is refused",
        )
    }

    fn factors_warning(&self) -> Option<&'static str> {
        let per_day = self.settings.factors.totp.per_day();
        (per_day > factors::TOTP_FAILURES_SAFE).then_some(
            "factors.totp_failures_per_day is above 6: three codes of an app are valid at once, so that \
             whoever knows a password may guess one in time",
        )
    }

    fn rewrap_warning(&self) -> Option<&'static str> {
        self.settings.rewrap_every.is_none().then_some(
            "keys.rewrap_days is 0: keys are never wrapped anew, so that what is erased can be brought \
             back from any older backup",
        )
    }

    /// What is said loudly of a retention that may be too short to prove consent.
    fn retention_warning(&self) -> Option<&'static str> {
        let is_short = self.settings.retention.consent < CLAIMS;
        is_short.then_some(
            "retention.consent_days is below four years (1461 days): evidence of opt-outs will be \
             destroyed while claims about them can still be made",
        )
    }
}

/// Relative paths start from the folder of the configuration file.
fn resolved(base: &Path, path: Option<&PathBuf>) -> Option<PathBuf> {
    path.map(|path| base.join(path))
}

fn settings(config: &Config, problems: &mut Problems) -> Settings {
    Settings {
        short_codes: short_codes::settings(config, problems),
        carriers: carriers::settings(config, problems),
        ambiguity: limits::ambiguity(&config.messages),
        validity: limits::validity(&config.messages, problems),
        bounds: limits::bounds(&config.bounds, problems),
        fairness: fairness::fairness(&config.fairness, problems),
        retention: limits::retention(&config.retention, &config.messages, problems),
        factors: factors::settings(&config.factors, problems),
        events: webhooks::queues(&config.webhooks, problems),
        webhooks: webhooks::settings(&config.webhooks, problems),
        receipt_timeout: std::time::Duration::from_secs(config.messages.receipt_seconds),
        rewrap_every: limits::rewrap_every(&config.keys, problems),
        verifications: verifications::settings(config, problems),
        limits: policies::settings(config, problems),
        pumping: pumping::policy(&config.pumping, problems),
        // Accounts follow once their passwords are read: see `Material`.
        esmes: EsmeSettings {
            door: esmes::door(config),
            ..EsmeSettings::default()
        },
    }
}

fn listener(config: &Config, problems: &mut Problems) -> Listener {
    let https = &config.https;
    let files = (&https.certificate_file, &https.key_file);
    let identity = match pair(&config.base, files) {
        Ok(Some(files)) => Identity::Files(files),
        Ok(None) if config.acme.directory.is_some() => Identity::Obtained,
        Ok(None) => Identity::Generated,
        Err(missing) => {
            problems.add(
                format!("https.{missing}"),
                "is missing; both files belong together",
            );
            Identity::Generated
        }
    };
    if identity == Identity::Generated && !https.listen.ip().is_loopback() {
        let says = "is needed to listen on an address that is not loopback; name a certificate of \
                    yours or an authority ([https.acme]), or listen on 127.0.0.1";
        problems.add("https.certificate_file", says);
    }
    limits::listener(https, problems);
    public_url::check(https.public_url.as_deref(), problems);
    proxies::check(&https.trusted_proxies, problems);
    hosts::check(&https.hosts, problems);
    Listener {
        identity,
        hosts: hosts::of(config),
        tls_profile: https.tls_profile,
        clients: clients::plan(
            ("https", &config.base),
            (
                https.client_certificates,
                &https.client_ca_file,
                &https.client_crl_file,
            ),
            problems,
        ),
        limits: https.clone(),
    }
}

/// Both files, none, or the name of the missing one.
fn pair(
    base: &Path,
    files: (&Option<PathBuf>, &Option<PathBuf>),
) -> Result<Option<PairFiles>, &'static str> {
    match files {
        (Some(certificate), Some(key)) => Ok(Some(PairFiles {
            certificate: base.join(certificate),
            key: base.join(key),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err("key_file"),
        (None, Some(_)) => Err("certificate_file"),
    }
}

fn admin(config: &Config, problems: &mut Problems) -> Admin {
    let admin = config.admin.clone();
    if admin.exposure == Exposure::LoopbackOnly && !admin.listen.ip().is_loopback() {
        let says = "is not a loopback address, and this listener asks for no password; listen on \
                    127.0.0.1 and put a proxy with authentication in front of it";
        problems.add("admin.listen", says);
    }
    admin
}

/// Whether a text sets a level. A filter takes any unknown word for the name of a target, and would then
/// let nothing through.
fn is_log_level(text: &str) -> bool {
    let is_level = |part: &str| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.parse::<tracing::level_filters::LevelFilter>().is_ok()
    };
    let filter = text.parse::<tracing_subscriber::filter::EnvFilter>();
    filter.is_ok() && text.split(',').all(|part| is_level(part.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_and_never_silences_the_log() {
        for text in ["loud", "engine", "engine=loud", "info,loud"] {
            assert!(!is_log_level(text), "{text}");
        }
        for text in ["info", "engine=debug,warn"] {
            assert!(is_log_level(text), "{text}");
        }
    }
}
