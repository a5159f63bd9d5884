//! The URL of a webhook, read strictly: whatever two readers of URLs could understand differently is refused,
//! so that what was vetted is what is called.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reach::{Forbidden, vet};

/// Octets of a URL at most.
pub const URL_MAX: usize = 2_048;
/// Octets of a host name at most (RFC 1035).
const NAME_MAX: usize = 253;
/// Octets of a label at most.
const LABEL_MAX: usize = 63;
const PORT: u16 = 443;

/// The host of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Where a webhook is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    host: Host,
    port: u16,
    path: String,
}

/// Why a URL cannot be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is too long, or holds what no URL holds.
    #[error(
        "is no URL: at most 2048 letters, digits and signs of ASCII, without spaces, backslashes, braces or `#`"
    )]
    Form,
    /// It is not HTTPS.
    #[error("must begin with https://")]
    Scheme,
    /// It names a user or a password.
    #[error("must name no user and no password")]
    User,
    /// The host is no name.
    #[error("the host is no name: letters, digits, `-` and `.`; write other letters as xn--…")]
    Host,
    /// The host is an address in another spelling than the usual one.
    #[error(
        "the host is an address in an unusual spelling: write four decimal numbers, or IPv6 in brackets"
    )]
    Spelling,
    /// The port is none.
    #[error("the port must be 1 to 65535")]
    Port,
    /// The host is an address that may not be called.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Target {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let is_odd = |octet: u8| !octet.is_ascii_graphic() || b"\"<>\\^`{|}#".contains(&octet);
        if url.len() > URL_MAX || url.bytes().any(is_odd) {
            return Err(TargetError::Form);
        }
        let rest = url.strip_prefix("https://").ok_or(TargetError::Scheme)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(TargetError::User);
        }
        let (host, port) = host_and_port(authority)?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            host,
            port,
            path: format!("{slash}{path}"),
        })
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path and the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the `Host` header says.
    pub fn authority(&self) -> String {
        match self.port {
            PORT => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// The URL as others would write it.
    pub fn url(&self) -> String {
        format!("https://{}{}", self.authority(), self.path)
    }

    /// Refuses a host that is itself an address which may not be called; `permits` says which may all the
    /// same. What a name leads to is vetted whenever it is looked up.
    pub fn vet(&self, permits: impl Fn(IpAddr) -> bool) -> Result<(), TargetError> {
        match self.host {
            Host::Address(address) if !permits(address) => Ok(vet(address)?),
            Host::Address(_) | Host::Name(_) => Ok(()),
        }
    }
}

/// Its path may be a secret.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target(https://{}/…)", self.authority())
    }
}

fn host_and_port(authority: &str) -> Result<(Host, u16), TargetError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(TargetError::Host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| TargetError::Spelling)?;
        let port = match port {
            "" => PORT,
            port => port_of(port.strip_prefix(':').ok_or(TargetError::Port)?)?,
        };
        return Ok((Host::Address(address.into()), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port_of(port)?),
        None => (authority, PORT),
    };
    Ok((host_of(host)?, port))
}

fn port_of(text: &str) -> Result<u16, TargetError> {
    let is_plain = text.bytes().all(|octet| octet.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| is_plain);
    port.ok_or(TargetError::Port)
}

/// A host whose last label is a number is an address to readers of URLs, in whichever base and of however
/// many parts; only the usual spelling is taken.
fn host_of(text: &str) -> Result<Host, TargetError> {
    let name = text.to_ascii_lowercase();
    let last = name.rsplit('.').find(|label| !label.is_empty());
    if last.is_some_and(is_number) {
        let address: Ipv4Addr = name.parse().map_err(|_| TargetError::Spelling)?;
        return Ok(Host::Address(address.into()));
    }
    let is_name = (1..=NAME_MAX).contains(&name.len()) && name.split('.').all(is_label);
    is_name.then_some(Host::Name(name)).ok_or(TargetError::Host)
}

fn is_number(label: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let hex = label.strip_prefix("0x");
    digits(label) || hex.is_some_and(|rest| rest.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

fn is_label(label: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    (1..=LABEL_MAX).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn check(url: &str, authority: &str, port: u16, path: &str) {
        let target = Target::parse(url).unwrap();
        let found = (target.authority(), target.port(), target.path());
        assert_eq!(found, (authority.to_owned(), port, path), "{url}");
        assert_eq!(Target::parse(&target.url()), Ok(target), "{url}");
    }

    fn refused(url: &str) -> TargetError {
        Target::parse(url).map(|target| target.url()).unwrap_err()
    }

    #[test]
    fn a_url_names_host_port_and_path() {
        check("https://hooks.example", "hooks.example", 443, "/");
        check(
            "https://Hooks.Example:443/A?b=c",
            "hooks.example",
            443,
            "/A?b=c",
        );
        check(
            "https://hooks.example:8443/a",
            "hooks.example:8443",
            8443,
            "/a",
        );
        check("https://hooks.example?a=1", "hooks.example", 443, "/?a=1");
        check("https://1.1.1.1/x", "1.1.1.1", 443, "/x");
        check(
            "https://[2606:4700::1111]:9/",
            "[2606:4700::1111]:9",
            9,
            "/",
        );
        check(
            "https://xn--bcher-kva.example/",
            "xn--bcher-kva.example",
            443,
            "/",
        );
        check("https://3com.example/a@b:c", "3com.example", 443, "/a@b:c");
    }

    #[test]
    fn an_address_in_another_spelling_is_refused() {
        for host in [
            "2130706433",
            "0x7f000001",
            "017700000001",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "127.0.0.01",
            "127.0.0.1.",
            "1.2.3.4.5",
            "256.0.0.1",
            "0x",
            "1.1.1.0x1",
            "a.0x7f",
            "a.1",
            "[::ffff:7f00:1%25eth0]",
            "[fe80::1%25lo]",
            "[::1",
            "[127.0.0.1]",
            "[v1.a]",
        ] {
            let error = refused(&format!("https://{host}/"));
            assert!(
                matches!(error, TargetError::Spelling | TargetError::Host),
                "{host}: {error}"
            );
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        use TargetError as E;
        for (url, expected) in [
            ("http://hooks.example/", E::Scheme),
            ("HTTPS://hooks.example/", E::Scheme),
            ("https:/hooks.example/", E::Scheme),
            ("//hooks.example/", E::Scheme),
            ("file:///etc/passwd", E::Scheme),
            ("https://user@hooks.example/", E::User),
            ("https://user:word@hooks.example/", E::User),
            ("https://public.example@127.0.0.1/", E::User),
            ("https://hooks.example\\@127.0.0.1/", E::Form),
            ("https://hooks.example#@127.0.0.1/", E::Form),
            ("https://hooks.example/#a", E::Form),
            ("https://hooks.example/a b", E::Form),
            ("https://hooks.example/a\r\nHost: b", E::Form),
            ("https://hooks.example/{a}", E::Form),
            ("https://bücher.example/", E::Form),
            ("https://１２７.0.0.1/", E::Form),
            ("https://127。0。0。1/", E::Form),
            ("https://%31%32%37.0.0.1/", E::Spelling),
            ("https:///etc", E::Host),
            ("https://", E::Host),
            ("https://.example/", E::Host),
            ("https://hooks.example./", E::Host),
            ("https://a..b/", E::Host),
            ("https://-a.example/", E::Host),
            ("https://a_b.example/", E::Host),
            ("https://hooks.example:/", E::Port),
            ("https://hooks.example:0/", E::Port),
            ("https://hooks.example:0443/", E::Port),
            ("https://hooks.example:65536/", E::Port),
            ("https://hooks.example:443:80/", E::Port),
            ("https://[::1]a/", E::Port),
        ] {
            assert_eq!(refused(url), expected, "{url}");
        }
        assert_eq!(
            refused(&format!("https://a.example/{}", "a".repeat(2_048))),
            E::Form
        );
    }

    #[test]
    fn an_address_that_may_not_be_called_is_named_unless_it_is_permitted() {
        let target = Target::parse("https://127.0.0.1/").unwrap();
        let error = target.vet(|_| false).unwrap_err();
        assert!(error.to_string().contains("this machine"), "{error}");
        assert_eq!(target.vet(|address| address.is_loopback()), Ok(()));
        assert!(
            Target::parse("https://[::ffff:7f00:1]/")
                .unwrap()
                .vet(|_| false)
                .is_err()
        );
    }

    #[test]
    fn its_path_is_not_shown() {
        let target = Target::parse("https://hooks.example/services/T0/SECRET").unwrap();
        assert_eq!(format!("{target:?}"), "Target(https://hooks.example/…)");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_read_again_as_the_same(url in "https://[a-z0-9.:\\[\\]@/?-]{0,40}") {
            if let Ok(target) = Target::parse(&url) {
                prop_assert_eq!(Target::parse(&target.url()), Ok(target));
            }
        }
    }
}
