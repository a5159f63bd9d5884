//! Checks of `[[siem]]`: names, addresses, and a way that is protected.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{StreamFrom, StreamLimits};
use ledger::siem::Format;
use web::siem::{ClientIdentity, SyslogPlace, SyslogTls, SyslogWay};
use web::witness::Roots;

use super::super::siem::{SiemSection, StreamFormat, StreamStart, StreamTransport};
use super::super::{Config, Problems};
use super::carriers::{host_and_port, is_loopback};
use super::limits::{positive, seconds};
use super::{pair, resolved};

/// One stream.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// Its name.
    pub name: String,
    /// Where its receiver is.
    pub place: SyslogPlace,
    /// How it is reached.
    pub way: SyslogWay,
    /// As what entries are told.
    pub format: Format,
    /// Where it begins the first time.
    pub from: StreamFrom,
    /// Its bounds.
    pub limits: StreamLimits,
}

/// Every stream, in the order of the file.
pub fn streams(config: &Config, problems: &mut Problems) -> Vec<StreamPlan> {
    let mut names = BTreeSet::new();
    let mut plans = Vec::new();
    for (place, section) in config.siems.iter().enumerate() {
        let at = format!("siem[{place}]");
        numbers(section, &at, problems);
        let Some(plan) = stream(config, section, (&at, &mut *problems)) else {
            continue;
        };
        if !names.insert(plan.name.clone()) {
            let says = "stands in another entry too; every stream has a name of its own";
            problems.add(format!("{at}.name"), says);
        }
        plans.push(plan);
    }
    plans
}

fn stream(
    config: &Config,
    section: &SiemSection,
    (at, problems): (&str, &mut Problems),
) -> Option<StreamPlan> {
    let name = name(section, at, problems);
    let key = format!("{at}.address");
    let address = problems.need(&key, section.address.as_deref());
    let place = address.and_then(|address| {
        let found = host_and_port(address);
        if found.is_none() {
            problems.add(
                key,
                "must be a host and a port, for example siem.example.com:6514",
            );
        }
        found.map(|(host, port)| SyslogPlace { host, port })
    });
    let host = place.as_ref().map_or("", |place| place.host.as_str());
    let way = way(config, section, (at, host), problems);
    Some(StreamPlan {
        name: name?,
        place: place?,
        way: way?,
        format: match section.format {
            StreamFormat::Entry => Format::Entry,
            StreamFormat::Cef => Format::Cef,
            StreamFormat::Ocsf => Format::Ocsf,
        },
        from: match section.from {
            StreamStart::Now => StreamFrom::Now,
            StreamStart::Start => StreamFrom::Start,
        },
        limits: StreamLimits {
            batch_entries: section.batch_entries_max,
            batch_octets: section.batch_bytes_max,
            pause: Duration::from_secs(section.reconnect_seconds),
            pause_max: Duration::from_secs(section.reconnect_seconds_max),
        },
    })
}

/// The name is that of a file, too.
fn name(section: &SiemSection, at: &str, problems: &mut Problems) -> Option<String> {
    let key = format!("{at}.name");
    let name = problems.need(&key, section.name.clone())?;
    let plain = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
        problems.add(key, "must be 1 to 32 of a-z, 0-9 and `-`, for example soc");
        return None;
    }
    Some(name)
}

fn way(
    config: &Config,
    section: &SiemSection,
    (at, host): (&str, &str),
    problems: &mut Problems,
) -> Option<SyslogWay> {
    match section.transport {
        StreamTransport::Tls => Some(SyslogWay::Tls(tls(config, section, at, problems))),
        StreamTransport::PlaintextLoopback if is_loopback(host) => Some(SyslogWay::Loopback),
        StreamTransport::PlaintextLoopback => {
            let says = "is plaintext-loopback, but the address is not a loopback address; use tls";
            problems.add(format!("{at}.transport"), says);
            None
        }
        StreamTransport::IAcceptClearTextOnTheWire => Some(SyslogWay::ClearTextOnTheWire),
    }
}

fn tls(config: &Config, section: &SiemSection, at: &str, problems: &mut Problems) -> SyslogTls {
    let files = (&section.certificate_file, &section.key_file);
    let client = pair(&config.base, files).unwrap_or_else(|missing| {
        let says = "is missing; both files belong together";
        problems.add(format!("{at}.{missing}"), says);
        None
    });
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    SyslogTls {
        roots: ca_file.map_or(Roots::System, Roots::File),
        server_name: section.server_name.clone(),
        client: client.map(|files| ClientIdentity {
            chain: files.certificate,
            key: files.key,
        }),
    }
}

fn numbers(section: &SiemSection, at: &str, problems: &mut Problems) {
    for (name, count) in [
        ("batch_entries_max", section.batch_entries_max),
        ("batch_bytes_max", section.batch_bytes_max),
    ] {
        positive(&format!("{at}.{name}"), count, problems);
    }
    for (name, count) in [
        ("reconnect_seconds", section.reconnect_seconds),
        ("reconnect_seconds_max", section.reconnect_seconds_max),
    ] {
        seconds(&format!("{at}.{name}"), count, problems);
    }
    if section.reconnect_seconds > section.reconnect_seconds_max {
        let says = "is longer than reconnect_seconds_max";
        problems.add(format!("{at}.reconnect_seconds"), says);
    }
}
