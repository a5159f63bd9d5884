//! Checks of `[smpp]` and `[[esme]]`: a way that nobody else reads, and accounts that no password opens alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::system_id::SystemId;
use engine::rows::CertificateName;
use engine::settings::{
    CertificateHash, DoorSettings, EsmeAccount, EsmeInbound, OtherParameters, PasswordHash,
    SubmitAllowed,
};

use super::super::esme::{self, EsmeSection};
use super::super::https::{ClientCertificates, TlsProfile};
use super::super::smpp::{PasswordAlone, Smpp, SmppTransport};
use super::super::{Config, Problems};
use super::clients::{self, ClientsPlan};
use super::limits::{positive, seconds};
use super::{Identity, networks, pair, resolved};

/// The protocol identifier of a download to the SIM, which no ESME may send.
const SIM_DOWNLOAD: u8 = 0x7F;

/// The listener for ESMEs.
#[derive(Clone, Debug)]
pub struct SmppPlan {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its certificate comes from; `None` is plain TCP.
    pub identity: Option<Identity>,
    /// Versions of TLS.
    pub tls_profile: TlsProfile,
    /// What is asked of ESMEs.
    pub clients: ClientsPlan,
    /// Everything else, in range.
    pub limits: Smpp,
}

/// An account that lacks only its password.
#[derive(Clone, Debug)]
pub struct EsmePlan {
    /// Its name.
    pub system_id: SystemId,
    /// Where its password lies.
    pub password_file: PathBuf,
    /// What it may do; nobody's password opens it yet.
    pub account: EsmeAccount,
}

impl SmppPlan {
    /// What is said loudly of it.
    pub fn warning(&self) -> Option<&'static str> {
        (self.limits.transport == SmppTransport::IAcceptClearTextOnTheWire).then_some(
            "smpp.transport is i-accept-clear-text-on-the-wire: everybody on the way reads the passwords of \
             ESMEs and every message",
        )
    }

    /// What is said loudly of a password that is all that is asked for.
    pub fn password_warning(&self) -> Option<&'static str> {
        (self.limits.password_alone == PasswordAlone::DangerFromAnywhere).then_some(
            "smpp.password_alone is danger-from-anywhere: 8 characters may be all that stands between \
             strangers and your short codes",
        )
    }
}

impl EsmePlan {
    /// What is said loudly of a password that almost everybody may try.
    pub fn warning(&self) -> Option<String> {
        let account = &self.account;
        let wide = networks::wide(&account.networks).filter(|_| !account.asks_for_certificate());
        wide.map(|wide| {
            format!(
                "the networks of the ESME {} hold {wide}: 8 characters may be all that stands between everybody \
                 there and your short codes; name its own networks alone, or its certificate",
                self.system_id
            )
        })
    }
}

/// When failed binds are no longer looked at.
pub fn door(config: &Config) -> DoorSettings {
    let smpp = &config.smpp;
    DoorSettings {
        failures_max: smpp.bind_failures_max,
        ban: Duration::from_secs(smpp.bind_ban_seconds),
        ban_max: Duration::from_secs(smpp.bind_ban_seconds_max),
    }
}

/// The listener, when there is one.
pub fn listener(config: &Config, problems: &mut Problems) -> Option<SmppPlan> {
    let smpp = &config.smpp;
    numbers(smpp, problems);
    let listen = smpp.listen?;
    let is_loopback = listen.ip().is_loopback();
    let identity = match smpp.transport {
        SmppTransport::Tls => Some(identity(config, listen, problems)),
        SmppTransport::PlaintextLoopback if !is_loopback => {
            let says = "is plaintext-loopback, but smpp.listen is not a loopback address; use tls";
            problems.add("smpp.transport", says);
            None
        }
        SmppTransport::PlaintextLoopback | SmppTransport::IAcceptClearTextOnTheWire => None,
    };
    Some(SmppPlan {
        listen,
        identity,
        tls_profile: smpp.tls_profile,
        clients: clients::plan(
            ("smpp", &config.base),
            (
                smpp.client_certificates,
                &smpp.client_ca_file,
                &smpp.client_crl_file,
            ),
            problems,
        ),
        limits: smpp.clone(),
    })
}

fn identity(config: &Config, listen: SocketAddr, problems: &mut Problems) -> Identity {
    let files = (&config.smpp.certificate_file, &config.smpp.key_file);
    match pair(&config.base, files) {
        Ok(Some(files)) => return Identity::Files(files),
        Ok(None) => {}
        Err(missing) => problems.add(
            format!("smpp.{missing}"),
            "is missing; both files belong together",
        ),
    }
    if !listen.ip().is_loopback() {
        let says = "is needed to listen on an address that is not loopback; name a certificate of yours, or \
                    listen on 127.0.0.1";
        problems.add("smpp.certificate_file", says);
    }
    Identity::Generated
}

fn numbers(smpp: &Smpp, problems: &mut Problems) {
    for (name, count) in [
        ("connections_max", smpp.connections_max),
        (
            "connections_per_address_max",
            smpp.connections_per_address_max,
        ),
        (
            "handshakes_per_address_max",
            smpp.handshakes_per_address_max,
        ),
        ("window_max", smpp.window_max),
        ("delivery_window_max", smpp.delivery_window_max),
        ("destinations_max", usize::from(smpp.destinations_max)),
    ] {
        positive(&format!("smpp.{name}"), count, problems);
    }
    positive("smpp.bind_failures_max", smpp.bind_failures_max, problems);
    positive(
        "smpp.chatter_per_second_max",
        smpp.chatter_per_second_max,
        problems,
    );
    for (name, count) in [
        ("handshake_seconds", smpp.handshake_seconds),
        ("session_init_seconds", smpp.session_init_seconds),
        ("idle_seconds", smpp.idle_seconds),
        ("response_seconds", smpp.response_seconds),
        ("pdu_seconds", smpp.pdu_seconds),
        ("parts_seconds", smpp.parts_seconds),
        ("bind_ban_seconds", smpp.bind_ban_seconds),
        ("bind_ban_seconds_max", smpp.bind_ban_seconds_max),
        ("shutdown_seconds", smpp.shutdown_seconds),
    ] {
        seconds(&format!("smpp.{name}"), count, problems);
    }
    if smpp.bind_ban_seconds > smpp.bind_ban_seconds_max {
        problems.add(
            "smpp.bind_ban_seconds",
            "is longer than bind_ban_seconds_max",
        );
    }
    if smpp.destinations_max > 254 {
        problems.add("smpp.destinations_max", "must be at most 254");
    }
    if !(1_024..=1_048_576).contains(&smpp.frame_bytes_max) {
        problems.add(
            "smpp.frame_bytes_max",
            "must lie between 1024 and 1048576 octets",
        );
    }
    if SystemId::parse(&smpp.name).is_err() {
        problems.add("smpp.name", "must be 1 to 15 printable ASCII characters");
    }
}

/// Every account, in the order of the file.
pub fn accounts(config: &Config, problems: &mut Problems) -> Vec<EsmePlan> {
    let mut names = BTreeSet::new();
    let mut plans = Vec::new();
    for (place, section) in config.esmes.iter().enumerate() {
        let at = format!("esme[{place}]");
        if config.smpp.listen.is_none() {
            let says = "is never asked for, since nothing listens for ESMEs; set smpp.listen";
            problems.add(at.as_str(), says);
        }
        let Some(plan) = account(config, section, (&at, &mut *problems)) else {
            continue;
        };
        if !names.insert(plan.system_id.clone()) {
            let says = "stands in another entry too; every account has a name of its own";
            problems.add(format!("{at}.system_id"), says);
        }
        plans.push(plan);
    }
    whose(&plans, problems);
    plans
}

fn account(
    config: &Config,
    section: &EsmeSection,
    (at, problems): (&str, &mut Problems),
) -> Option<EsmePlan> {
    let key = |name: &str| format!("{at}.{name}");
    let system_id = problems.need(&key("system_id"), section.system_id.as_deref());
    let system_id =
        system_id.and_then(|text| problems.keep(&key("system_id"), SystemId::parse(text)));
    let client = problems.need(&key("client"), section.client.as_deref());
    let client = client.and_then(|text| problems.keep(&key("client"), text.parse()));
    let file = resolved(&config.base, section.password_file.as_ref());
    let file = problems.need(&key("password_file"), file);
    let certificates = certificates(section, (at, &mut *problems));
    let certificate_names = names(section, (at, &mut *problems));
    proofs(config, section, (at, &mut *problems));
    lists(section, (at, &mut *problems));
    counts(section, (at, &mut *problems));
    let service_types = section.service_types.iter();
    Some(EsmePlan {
        system_id: system_id?,
        password_file: file?,
        account: EsmeAccount {
            client: client?,
            // Nobody shows an empty password: see the material.
            password: PasswordHash::of(b""),
            networks: section.networks.clone(),
            certificates,
            certificate_names,
            binds_max: section.binds_max,
            binds_per_minute_max: section.binds_per_minute_max,
            class: section.class,
            service_types: service_types
                .map(|(name, class)| (name.as_str().into(), *class))
                .collect(),
            inbound: match section.inbound {
                esme::Inbound::All => EsmeInbound::All,
                esme::Inbound::None => EsmeInbound::None,
            },
            allowed: SubmitAllowed {
                esm_classes: section.esm_classes.clone(),
                data_codings: section.data_codings.clone(),
                protocol_ids: section.protocol_ids.clone(),
                parameters: section.parameters.clone(),
                other_parameters: match section.other_parameters {
                    esme::OtherParameters::Ignore => OtherParameters::Ignore,
                    esme::OtherParameters::Refuse => OtherParameters::Refuse,
                },
            },
        },
    })
}

/// How many binds there may be, at once and in a minute.
fn counts(section: &EsmeSection, (at, problems): (&str, &mut Problems)) {
    positive(&format!("{at}.binds_max"), section.binds_max, problems);
    if u64::from(section.binds_per_minute_max)
        < u64::try_from(section.binds_max).unwrap_or(u64::MAX)
    {
        let says = "must not be less than binds_max: after a restart all of them come back at once";
        problems.add(format!("{at}.binds_per_minute_max"), says);
    }
}

/// A password has 8 characters at most: something else must be asked for too.
fn proofs(config: &Config, section: &EsmeSection, (at, problems): (&str, &mut Problems)) {
    let smpp = &config.smpp;
    let is_everywhere =
        section.networks.is_empty() || section.networks.iter().any(networks::is_everybody);
    let asks_for_certificate =
        !section.certificate_sha256.is_empty() || !section.certificate_names.is_empty();
    let by_password_alone = is_everywhere && !asks_for_certificate;
    let is_loopback = smpp.listen.is_none_or(|listen| listen.ip().is_loopback());
    if by_password_alone && !is_loopback && smpp.password_alone == PasswordAlone::LoopbackOnly {
        let says = "are needed that are not everybody, or certificate_sha256 or certificate_names: 8 characters of a password are \
                    too few to be all that is asked for";
        problems.add(format!("{at}.networks"), says);
    }
    let field = if section.certificate_sha256.is_empty() {
        "certificate_names"
    } else {
        "certificate_sha256"
    };
    if asks_for_certificate && smpp.transport != SmppTransport::Tls {
        let says = "can be asked for over TLS alone; set smpp.transport to tls";
        problems.add(format!("{at}.{field}"), says);
    } else if asks_for_certificate && smpp.client_certificates == ClientCertificates::Off {
        let says = "is never shown, since smpp.client_certificates is off; set it to optional";
        problems.add(format!("{at}.{field}"), says);
    }
    if !section.certificate_names.is_empty() && smpp.client_ca_file.is_none() {
        let says =
            "are believed when an authority vouches for them; name it with smpp.client_ca_file";
        problems.add(format!("{at}.certificate_names"), says);
    }
}

fn certificates(
    section: &EsmeSection,
    (at, problems): (&str, &mut Problems),
) -> Vec<CertificateHash> {
    let mut hashes = Vec::new();
    for text in &section.certificate_sha256 {
        match hash(text) {
            Some(hash) => hashes.push(hash),
            None => problems.add(
                format!("{at}.certificate_sha256"),
                "must be 64 hex digits, with or without colons between them",
            ),
        }
    }
    hashes
}

fn hash(text: &str) -> Option<CertificateHash> {
    let digits: String = text.chars().filter(|letter| *letter != ':').collect();
    digits.parse().ok()
}

fn names(section: &EsmeSection, (at, problems): (&str, &mut Problems)) -> Vec<CertificateName> {
    let names = section.certificate_names.iter();
    let key = format!("{at}.certificate_names");
    let names = names.filter_map(|text| problems.keep(&key, text.parse()));
    names.collect()
}

/// A name that stood for accounts of two clients would be a way from one to the other.
fn whose(plans: &[EsmePlan], problems: &mut Problems) {
    let mut owners = BTreeMap::new();
    for (place, plan) in plans.iter().enumerate() {
        let client = plan.account.client;
        for name in &plan.account.certificate_names {
            if *owners.entry(name).or_insert(client) != client {
                let says =
                    format!("hold {name}, which stands for an account of another client already");
                problems.add(format!("esme[{place}].certificate_names"), says);
            }
        }
    }
}

fn lists(section: &EsmeSection, (at, problems): (&str, &mut Problems)) {
    let known = SubmitAllowed::default();
    let foreign = |given: &[u8], known: &[u8]| given.iter().any(|value| !known.contains(value));
    if foreign(&section.esm_classes, &known.esm_classes) {
        problems.add(format!("{at}.esm_classes"), "must be of 0, 3, 64 and 67");
    }
    if foreign(&section.data_codings, &known.data_codings) {
        problems.add(
            format!("{at}.data_codings"),
            "must be of 0, 1, 3 and 8, which are texts",
        );
    }
    if section.protocol_ids.contains(&SIM_DOWNLOAD) {
        let says = "must not hold 127, which writes to the SIM";
        problems.add(format!("{at}.protocol_ids"), says);
    }
    for name in section.service_types.keys() {
        if !(1..=5).contains(&name.len()) || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
            let says = "must have names of 1 to 5 printable ASCII characters";
            problems.add(format!("{at}.service_types"), says);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_named_as_openssl_shows_its_hash() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        let expected = CertificateHash::from_bytes([0xAB; 32]);
        assert_eq!(hash(&plain), Some(expected));
        assert_eq!(hash(&colons), Some(expected));
        for wrong in ["", "ab", &"xy".repeat(32), &"ab".repeat(33)] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }
}
