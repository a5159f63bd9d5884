//! Checks of `[[carrier]]`: a name, an address, credentials, and a transport that nobody else reads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use domain::carrier_id::IdForm;
use domain::message::CarrierName;
use engine::ports::carrier::Direction;
use engine::settings::{BindSettings, CarrierSettings, Unit};

use super::super::carrier::{Bind, CarrierSection, Kind, ReceiptIds, Transport};
use super::super::secret::Password;
use super::super::{Carrier, Config, Problems};
use super::limits::{positive, seconds};
use super::{PairFiles, pair, resolved};

/// How one carrier is reached over SMPP; what the engine has to know of it is in its settings.
#[derive(Clone, Debug)]
pub struct CarrierLink {
    /// Its place among the carriers of the file.
    pub place: usize,
    /// Its name.
    pub name: CarrierName,
    /// Its host, a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Our name there.
    pub system_id: String,
    /// Where the password comes from.
    pub password: PasswordSource,
    /// One entry a bind.
    pub binds: Vec<Direction>,
    /// What stands between us and the carrier.
    pub way: Way,
    /// Everything else, in range.
    pub section: CarrierSection,
}

/// Where a carrier's password comes from.
#[derive(Clone, Debug)]
pub enum PasswordSource {
    /// From this file, which lies at the key path for problems.
    File(PathBuf),
    /// From the environment.
    Given(Password),
}

/// What stands between us and a carrier.
#[derive(Clone, Debug)]
pub enum Way {
    /// Plain TCP to this machine.
    Loopback,
    /// Plain TCP to anywhere.
    Clear,
    /// TLS.
    Tls(LinkTls),
}

/// How a carrier is verified.
#[derive(Clone, Debug)]
pub struct LinkTls {
    /// Who may sign its certificate; whom the system trusts without it.
    pub ca_file: Option<PathBuf>,
    /// The name in its certificate, when it is not the host.
    pub server_name: Option<String>,
    /// What we show, if it asks.
    pub client: Option<PairFiles>,
}

/// What the engine has to know of each carrier.
pub fn settings(
    config: &Config,
    problems: &mut Problems,
) -> BTreeMap<CarrierName, CarrierSettings> {
    let mut carriers = BTreeMap::new();
    for (place, carrier) in config.carriers.iter().enumerate() {
        let section = &carrier.section;
        let Some(name) = section.name.as_deref().map(CarrierName::new) else {
            continue;
        };
        if carriers.insert(name, of_engine(section)).is_some() {
            let says = "stands in another entry too; every carrier has a name of its own";
            problems.add(format!("carrier[{place}].name"), says);
        }
    }
    carriers
}

fn of_engine(section: &CarrierSection) -> CarrierSettings {
    let bind = |bind: &Bind| BindSettings {
        direction: direction(*bind),
        window_max: section.window_max,
        mps: section.mps,
        burst: section.burst,
    };
    let unit = match section.kind {
        Kind::Smpp => Unit::Segment,
        Kind::Https => Unit::Message,
    };
    CarrierSettings {
        unit,
        id_form: match section.receipt_ids {
            ReceiptIds::Auto if unit == Unit::Message => IdForm::Exact,
            ReceiptIds::Auto => IdForm::Auto,
            ReceiptIds::Exact => IdForm::Exact,
            ReceiptIds::HexInSubmit => IdForm::HexInSubmit,
            ReceiptIds::DecimalInSubmit => IdForm::DecimalInSubmit,
        },
        throttle_pause: Duration::from_millis(section.throttle_pause_milliseconds),
        throttle_pause_max: Duration::from_millis(section.throttle_pause_milliseconds_max),
        queue_full_tries_max: section.queue_full_tries_max,
        binds: section.binds.iter().map(bind).collect(),
    }
}

const fn direction(bind: Bind) -> Direction {
    match bind {
        Bind::Transceiver => Direction::Both,
        Bind::Transmitter => Direction::Transmit,
        Bind::Receiver => Direction::Receive,
    }
}

/// How each carrier is reached.
pub fn links(config: &Config, problems: &mut Problems) -> Vec<CarrierLink> {
    let placed = config.carriers.iter().enumerate();
    placed
        .filter(|(_, carrier)| carrier.section.kind == Kind::Smpp)
        .filter_map(|(place, carrier)| {
            let at = format!("carrier[{place}]");
            numbers(&carrier.section, &at, problems);
            of_other_kind(&carrier.section, (&at, &OF_HTTPS_ONLY), problems);
            link(config, carrier, place, problems)
        })
        .collect()
}

/// Settings that say nothing to a carrier over SMPP.
const OF_HTTPS_ONLY: [&str; 9] = [
    "url",
    "account",
    "auth",
    "api_key",
    "secret_file",
    "callback_secret_file",
    "callback_url",
    "kept_connections_max",
    "kept_connection_seconds",
];

/// Settings of the other kind that are set would be silently without effect.
pub(super) fn of_other_kind(
    section: &CarrierSection,
    (at, names): (&str, &[&str]),
    problems: &mut Problems,
) {
    let usual = CarrierSection::default().values();
    for set in section.values() {
        if names.contains(&set.0) && !usual.contains(&set) {
            let kind = match section.kind {
                Kind::Smpp => "https",
                Kind::Https => "smpp",
            };
            let says = format!("is for carriers of the kind {kind}; leave it out");
            problems.add(format!("{at}.{}", set.0), says);
        }
    }
}

fn link(
    config: &Config,
    carrier: &Carrier,
    place: usize,
    problems: &mut Problems,
) -> Option<CarrierLink> {
    let section = &carrier.section;
    let at = &format!("carrier[{place}]");
    if carrier.secret.is_some() || carrier.callback_secret.is_some() {
        let says = "the environment gives a secret, which is for carriers of the kind https";
        problems.add(format!("{at}.secret_file"), says);
    }
    let name = name(section, at, problems);
    let address = address(section, at, problems);
    let system_id = credential(section.system_id.as_ref(), at, problems);
    let password = password(config, carrier, at, problems);
    let host = address.as_ref().map_or("", |(host, _)| host.as_str());
    let way = transport(config, section, (at, host), problems);
    let (host, port) = address?;
    Some(CarrierLink {
        place,
        name: CarrierName::new(&name?),
        host,
        port,
        system_id: system_id?,
        password: password?,
        binds: section.binds.iter().copied().map(direction).collect(),
        way: way?,
        section: section.clone(),
    })
}

pub(super) fn name(section: &CarrierSection, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.name");
    let name = problems.need(&key, section.name.clone())?;
    let plain = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
        problems.add(
            key,
            "must be 1 to 32 of a-z, 0-9 and `-`, for example primary",
        );
    }
    Some(name)
}

/// Host and port of a text; IPv6 addresses stand in brackets.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

fn address(section: &CarrierSection, at: &str, problems: &mut Problems) -> Option<(String, u16)> {
    let key = format!("{at}.address");
    let address = problems.need(&key, section.address.as_deref())?;
    let parts = host_and_port(address);
    if parts.is_none() {
        problems.add(
            key,
            "must be a host and a port, for example smpp.carrier.example:3550",
        );
    }
    parts
}

fn credential(system_id: Option<&String>, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.system_id");
    let system_id = problems.need(&key, system_id)?;
    let printable = system_id.bytes().all(|octet| octet.is_ascii_graphic());
    if !(1..=15).contains(&system_id.len()) || !printable {
        problems.add(
            key,
            "must be 1 to 15 printable ASCII characters; SMPP has room for no more",
        );
    }
    Some(system_id.clone())
}

fn password(
    config: &Config,
    carrier: &Carrier,
    at: &str,
    problems: &mut Problems,
) -> Option<PasswordSource> {
    let key = format!("{at}.password_file");
    let file = resolved(&config.base, carrier.section.password_file.as_ref());
    match (&carrier.password, file) {
        (Some(password), None) => {
            let password = problems.keep(&key, password.clone().check())?;
            Some(PasswordSource::Given(password))
        }
        (None, Some(file)) => Some(PasswordSource::File(file)),
        (Some(_), Some(_)) => {
            problems.add(
                key,
                "is set, and the environment gives a password too; keep one of them",
            );
            None
        }
        (None, None) => {
            problems.need::<()>(&key, None);
            None
        }
    }
}

/// The way, if it may be.
fn transport(
    config: &Config,
    section: &CarrierSection,
    (at, host): (&str, &str),
    problems: &mut Problems,
) -> Option<Way> {
    match section.transport {
        Transport::Tls => Some(Way::Tls(tls(config, section, at, problems))),
        Transport::PlaintextLoopback if is_loopback(host) => Some(Way::Loopback),
        Transport::PlaintextLoopback => {
            let says = "is plaintext-loopback, but the address is not a loopback address; use tls";
            problems.add(format!("{at}.transport"), says);
            None
        }
        Transport::IAcceptClearTextOnTheWire => Some(Way::Clear),
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn tls(config: &Config, section: &CarrierSection, at: &str, problems: &mut Problems) -> LinkTls {
    let client = match pair(&config.base, (&section.certificate_file, &section.key_file)) {
        Ok(client) => client,
        Err(missing) => {
            problems.add(
                format!("{at}.{missing}"),
                "is missing; both files belong together",
            );
            None
        }
    };
    LinkTls {
        ca_file: resolved(&config.base, section.ca_file.as_ref()),
        server_name: section.server_name.clone(),
        client,
    }
}

/// The numbers that both kinds go by.
pub(super) fn common_numbers(section: &CarrierSection, at: &str, problems: &mut Problems) {
    positive(&format!("{at}.window_max"), section.window_max, problems);
    positive(&format!("{at}.mps"), section.mps, problems);
    positive(&format!("{at}.burst"), section.burst, problems);
    let timers = [
        ("connect_seconds", section.connect_seconds),
        ("unbind_seconds", section.unbind_seconds),
        ("enquire_link_seconds", section.enquire_link_seconds),
        ("response_seconds", section.response_seconds),
        ("reconnect_seconds", section.reconnect_seconds),
        ("reconnect_seconds_max", section.reconnect_seconds_max),
    ];
    for (name, count) in timers {
        seconds(&format!("{at}.{name}"), count, problems);
    }
    if section.reconnect_seconds > section.reconnect_seconds_max {
        problems.add(
            format!("{at}.reconnect_seconds"),
            "is longer than reconnect_seconds_max",
        );
    }
    if section.throttle_pause_milliseconds > section.throttle_pause_milliseconds_max {
        let says = "is longer than throttle_pause_milliseconds_max";
        problems.add(format!("{at}.throttle_pause_milliseconds"), says);
    }
}

fn numbers(section: &CarrierSection, at: &str, problems: &mut Problems) {
    common_numbers(section, at, problems);
    seconds(
        &format!("{at}.bind_seconds"),
        section.bind_seconds,
        problems,
    );
    for (name, ton) in [
        ("source_ton", section.source_ton),
        ("destination_ton", section.destination_ton),
    ] {
        if ton > 6 {
            problems.add(format!("{at}.{name}"), "must be 0 to 6");
        }
    }
    for (name, text, max) in [
        ("system_type", &section.system_type, 12),
        ("service_type", &section.service_type, 5),
    ] {
        if text.len() > max || !text.is_ascii() {
            problems.add(
                format!("{at}.{name}"),
                format!("must be at most {max} ASCII characters"),
            );
        }
    }
    for (name, count) in [
        ("deliveries_max", section.deliveries_max),
        ("deliveries_bytes_max", section.deliveries_bytes_max),
    ] {
        positive(&format!("{at}.{name}"), count, problems);
    }
    if !(1_024..=1_048_576).contains(&section.frame_bytes_max) {
        problems.add(
            format!("{at}.frame_bytes_max"),
            "must lie between 1024 and 1048576 octets",
        );
    }
    if !section.binds.iter().any(|bind| *bind != Bind::Receiver) {
        problems.add(
            format!("{at}.binds"),
            "has none that sends; add transceiver or transmitter",
        );
    }
    if !section.binds.iter().any(|bind| *bind != Bind::Transmitter) {
        problems.add(
            format!("{at}.binds"),
            "has none that receives; add transceiver or receiver",
        );
    }
}
