//! The hosts under which the API is asked. A request for another one was not meant for this gateway: a name of
//! somebody else leads here (DNS rebinding), or a proxy mistook it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use tls::TlsSlot;

use crate::problem::{Code, Problem};

/// The address of ours that a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached(pub(crate) IpAddr);

/// The hosts of the listener: those of its certificate, those that were given, this machine (`localhost` and its
/// loopback addresses), and the address that a connection leads to. Ports make no difference.
#[derive(Clone, Debug)]
pub struct Hosts {
    certified: Arc<TlsSlot>,
    given: BTreeSet<String>,
}

impl Hosts {
    /// The hosts of a listener with these certificates, and further ones: names, or addresses without brackets.
    pub fn new(certified: Arc<TlsSlot>, given: impl IntoIterator<Item = String>) -> Self {
        let given = given.into_iter().map(|host| host.to_ascii_lowercase());
        Self {
            certified,
            given: given.collect(),
        }
    }

    /// Refuses what is for another host. A sound head names one at most.
    pub(crate) fn require(&self, parts: &Parts) -> Result<(), Problem> {
        let named = parts
            .headers
            .get(HOST)
            .map(|host| host.to_str().unwrap_or_default());
        let named = parts.uri.authority().map(Authority::as_str).or(named);
        let reached = parts.extensions.get::<Reached>().map(|reached| reached.0);
        match named.and_then(host_of) {
            Some(host) if self.has(&host, reached) => Ok(()),
            _ => Err(misdirected()),
        }
    }

    fn has(&self, host: &str, reached: Option<IpAddr>) -> bool {
        let is_near = match host.parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                address.is_loopback() || reached.is_some_and(|ours| ours.to_canonical() == address)
            }
            Err(_) => host == "localhost",
        };
        is_near || self.given.contains(host) || self.certified.is_for(host)
    }
}

/// The host in an authority, small and without brackets; `None` where there is none, a user too, or no sound port.
fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    // The type for authorities takes any letters as a port.
    let rest = authority.as_str().strip_prefix(authority.host())?;
    let is_bare = !host.is_empty() && (rest.is_empty() || authority.port_u16().is_some());
    is_bare.then(|| host.to_ascii_lowercase())
}

fn misdirected() -> Problem {
    Problem::new(
        Code::MisdirectedRequest,
        "the request is for a host that is not this gateway: use a name of its certificate, or have an operator add \
         the host to https.hosts",
    )
}
