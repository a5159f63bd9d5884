//! Checks of `[[carrier]]` with `kind = "https"`: a URL, an account, secrets, and where the provider posts.

use std::path::PathBuf;
use std::time::Duration;

use domain::message::CarrierName;
use web::provider::{KeptBounds, ProviderPlan, ProviderTimers, Roots};

use super::super::carrier::{Auth, CarrierSection, Kind};
use super::super::secret::Password;
use super::super::{Carrier, Config, Problems};
use super::carriers::{common_numbers, name, of_other_kind};
use super::limits::seconds;
use super::resolved;

/// One carrier over HTTPS; its secrets have not been read.
#[derive(Clone, Debug)]
pub struct ProviderLink {
    /// Its place among the carriers of the file.
    pub place: usize,
    /// Who it is.
    pub plan: ProviderPlan,
    /// Where the secret comes from that is shown to it.
    pub secret: SecretSource,
    /// Where that comes from which it signs with; the same where there is none.
    pub callback: Option<SecretSource>,
    /// How long stopping may wait for its answers.
    pub patience: Duration,
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// From this file.
    File(PathBuf),
    /// From the environment.
    Given(Password),
}

/// Settings that say nothing to a provider.
const OF_SMPP_ONLY: [&str; 19] = [
    "address",
    "system_id",
    "password_file",
    "system_type",
    "binds",
    "transport",
    "server_name",
    "certificate_file",
    "key_file",
    "bind_seconds",
    "receipt_ids",
    "source_ton",
    "source_npi",
    "destination_ton",
    "destination_npi",
    "service_type",
    "deliveries_max",
    "deliveries_bytes_max",
    "frame_bytes_max",
];

/// Every carrier over HTTPS.
pub fn links(config: &Config, problems: &mut Problems) -> Vec<ProviderLink> {
    let placed = config.carriers.iter().enumerate();
    placed
        .filter(|(_, carrier)| carrier.section.kind == Kind::Https)
        .filter_map(|(place, carrier)| {
            let at = format!("carrier[{place}]");
            common_numbers(&carrier.section, &at, problems);
            let rest = carrier.section.kept_connection_seconds;
            seconds(&format!("{at}.kept_connection_seconds"), rest, problems);
            of_other_kind(&carrier.section, (&at, &OF_SMPP_ONLY), problems);
            link(config, carrier, place, problems)
        })
        .collect()
}

fn link(
    config: &Config,
    carrier: &Carrier,
    place: usize,
    problems: &mut Problems,
) -> Option<ProviderLink> {
    let section = &carrier.section;
    let at = format!("carrier[{place}]");
    if carrier.password.is_some() {
        let says = "the environment gives a password, which is for carriers of the kind smpp; give a secret";
        problems.add(format!("{at}.password_file"), says);
    }
    let name = name(section, &at, problems);
    let url = problems.need(&format!("{at}.url"), section.url.clone());
    let account = account(section, &at, problems);
    let user = user(section, &at, problems);
    let callback_url = callback_url(section, &at, problems);
    let secret = source(
        (&at, "secret_file"),
        (
            &carrier.secret,
            resolved(&config.base, section.secret_file.as_ref()),
        ),
        problems,
    );
    let secret = problems.need(&format!("{at}.secret_file"), secret);
    let callback = callback(config, carrier, &at, problems);
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    let account = account?;
    let plan = ProviderPlan {
        name: CarrierName::new(&name?),
        url: url?,
        roots: ca_file.map_or(Roots::System, Roots::File),
        user: user.unwrap_or_else(|| account.clone()),
        account,
        callback_url: callback_url?,
        timers: timers(section),
        kept: KeptBounds {
            connections_max: section.kept_connections_max,
            idle: Duration::from_secs(section.kept_connection_seconds),
        },
    };
    Some(ProviderLink {
        place,
        plan,
        secret: secret?,
        callback,
        patience: Duration::from_secs(section.unbind_seconds),
    })
}

fn timers(section: &CarrierSection) -> ProviderTimers {
    ProviderTimers {
        connect: Duration::from_secs(section.connect_seconds),
        response: Duration::from_secs(section.response_seconds),
        probe: Duration::from_secs(section.enquire_link_seconds),
        reconnect: Duration::from_secs(section.reconnect_seconds),
        reconnect_max: Duration::from_secs(section.reconnect_seconds_max),
    }
}

fn account(section: &CarrierSection, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.account");
    let account = problems.need(&key, section.account.as_deref())?;
    sid(account, (&key, "AC"), problems)
}

/// The name that goes with the secret where it is not the account's.
fn user(section: &CarrierSection, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.api_key");
    match (section.auth, section.api_key.as_deref()) {
        (Auth::Basic, None) => None,
        (Auth::Basic, Some(_)) => {
            problems.add(key, "is set, but auth is basic; set auth = \"key\"");
            None
        }
        (Auth::Key, None) => problems.need(&key, None),
        (Auth::Key, Some(text)) => sid(text, (&key, "SK"), problems),
    }
}

/// A name at a provider. Not every provider writes them as Twilio does; all of them fit into a path.
fn sid(text: &str, (key, letters): (&str, &str), problems: &mut Problems) -> Option<String> {
    let plain = text.bytes().all(|octet| octet.is_ascii_alphanumeric());
    if !(1..=64).contains(&text.len()) || !plain {
        problems.add(
            key,
            format!(
                "must be 1 to 64 letters and digits, mostly {letters} and 32 hexadecimal digits"
            ),
        );
        return None;
    }
    Some(text.to_owned())
}

fn callback_url(section: &CarrierSection, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.callback_url");
    let url = problems.need(&key, section.callback_url.clone())?;
    if !url.starts_with("https://") {
        problems.add(
            key,
            "must be an https URL of this gateway, for example https://sms.example.com",
        );
        return None;
    }
    Some(url)
}

fn callback(
    config: &Config,
    carrier: &Carrier,
    at: &str,
    problems: &mut Problems,
) -> Option<SecretSource> {
    let section = &carrier.section;
    let file = resolved(&config.base, section.callback_secret_file.as_ref());
    let given = (&carrier.callback_secret, file);
    let source = source((at, "callback_secret_file"), given, problems);
    if source.is_none() && section.auth == Auth::Key {
        problems.add(
            format!("{at}.callback_secret_file"),
            "is missing; with auth = \"key\" the provider signs with the password of the account, which the \
             gateway does not know otherwise",
        );
    }
    source
}

/// The one place that a secret comes from; `None` when there is none.
fn source(
    (at, field): (&str, &str),
    (given, file): (&Option<Password>, Option<PathBuf>),
    problems: &mut Problems,
) -> Option<SecretSource> {
    if given.is_some() && file.is_some() {
        let says = "is set, and the environment gives a secret too; keep one of them";
        problems.add(format!("{at}.{field}"), says);
    }
    let given = given.clone().map(SecretSource::Given);
    given.or(file.map(SecretSource::File))
}
