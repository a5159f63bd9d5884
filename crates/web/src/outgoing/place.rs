//! Where a service is: its URL, taken apart once so that nothing about it can fail later.

use std::net::IpAddr;

use http::Uri;
use rustls::pki_types::ServerName;

/// A URL below which paths are asked, with what it means.
#[derive(Debug)]
pub(crate) struct Place {
    /// As it was written.
    pub(crate) url: String,
    /// The host to look up, without brackets.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// What the `Host` header says.
    pub(super) authority: String,
    /// Its path, without a slash at the end.
    pub(super) prefix: String,
    /// What goes over the wire.
    pub(crate) wire: Wire,
}

/// What protects the way to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// TLS, to whoever proves to have this name.
    Tls(ServerName<'static>),
    /// Nothing; it never leaves this machine.
    Loopback,
}

/// Why a URL cannot be that of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Not an absolute URL, or with a user, a query or a fragment.
    #[error("is no URL of a service: write https://host/path, with no user, query or fragment")]
    Form,
    /// Neither HTTPS nor HTTP.
    #[error("a service is asked over https")]
    Scheme,
    /// Plain HTTP to another machine.
    #[error("plain http is for a service on this machine only: use https")]
    NotLoopback,
    /// The host is no name that a certificate can have.
    #[error("the host is no name that a certificate can have")]
    Host,
}

impl Place {
    /// Reads a URL; a slash at its end makes no difference.
    pub(crate) fn parse(url: &str) -> Result<Self, PlaceError> {
        let uri: Uri = url.parse().map_err(|_| PlaceError::Form)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(PlaceError::Form);
        };
        // The type for URIs drops fragments in silence.
        if url.contains(['#', '?']) || authority.as_str().contains('@') {
            return Err(PlaceError::Form);
        }
        let host = unbracketed(authority.host());
        let (wire, usual_port) = match scheme {
            "https" => (Wire::Tls(certified(host)?), 443),
            "http" if is_loopback(host) => (Wire::Loopback, 80),
            "http" => return Err(PlaceError::NotLoopback),
            _ => return Err(PlaceError::Scheme),
        };
        let prefix = uri.path().trim_end_matches('/');
        Ok(Self {
            url: url.to_owned(),
            host: host.to_owned(),
            port: port_of(authority, usual_port)?,
            authority: authority.as_str().to_owned(),
            prefix: prefix.to_owned(),
            wire,
        })
    }

    /// The path of something below it; of the place itself for nothing.
    pub(crate) fn path(&self, below: &str) -> String {
        match (self.prefix.as_str(), below) {
            ("", "") => "/".to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, below) => format!("{prefix}/{below}"),
        }
    }
}

fn unbracketed(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// The port that is written, which must be one, or the usual one.
fn port_of(authority: &http::uri::Authority, usual: u16) -> Result<u16, PlaceError> {
    let written = authority.as_str().strip_prefix(authority.host());
    match written {
        Some("") => Ok(usual),
        _ => authority
            .port_u16()
            .filter(|port| *port > 0)
            .ok_or(PlaceError::Form),
    }
}

fn certified(host: &str) -> Result<ServerName<'static>, PlaceError> {
    ServerName::try_from(host.to_owned()).map_err(|_| PlaceError::Host)
}

/// Whether the host is written as this machine. What `localhost` leads to is checked again when it is
/// looked up.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: &str, port: u16, path: &str) {
        let place = Place::parse(url).unwrap();
        assert_eq!(
            (place.host.as_str(), place.port, place.path("act").as_str()),
            (host, port, path),
            "{url}"
        );
    }

    #[test]
    fn a_url_names_host_port_and_path() {
        check("https://w.example", "w.example", 443, "/act");
        check("https://w.example/", "w.example", 443, "/act");
        check("https://w.example:8443/a/b/", "w.example", 8443, "/a/b/act");
        check("https://192.0.2.1/a", "192.0.2.1", 443, "/a/act");
        check("https://[2001:db8::1]:9/a", "2001:db8::1", 9, "/a/act");
        check("http://127.0.0.1:7/", "127.0.0.1", 7, "/act");
        check("http://[::1]:7", "::1", 7, "/act");
        check("http://localhost/w", "localhost", 80, "/w/act");
        let path = |url: &str| Place::parse(url).unwrap().path("");
        assert_eq!(path("https://w.example"), "/");
        assert_eq!(path("https://w.example/token"), "/token");
    }

    #[test]
    fn plain_http_leaves_this_machine_under_no_name() {
        for host in [
            "w.example",
            "192.0.2.1",
            "[2001:db8::1]",
            "localhost.w.example",
            "0.0.0.0",
        ] {
            let place = Place::parse(&format!("http://{host}/"));
            assert_eq!(place.unwrap_err(), PlaceError::NotLoopback, "{host}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for url in [
            "",
            "w.example",
            "/act",
            "https://",
            "https://user@w.example/",
            "https://user:word@w.example/",
            "https://w.example/?a=b",
            "https://w.example/#a",
            "https://w.example:/",
            "https://w.example:0/",
            "https://w.example:65536/",
        ] {
            assert_eq!(Place::parse(url).unwrap_err(), PlaceError::Form, "{url}");
        }
        assert_eq!(
            Place::parse("ftp://w.example/").unwrap_err(),
            PlaceError::Scheme
        );
        assert_eq!(Place::parse("https://-w-/").unwrap_err(), PlaceError::Host);
    }
}
