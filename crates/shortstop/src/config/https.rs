//! `[https]`: the listener for applications, its certificate and its limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::section::section;

/// Which versions of TLS the listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsProfile {
    /// TLS 1.3 only.
    #[default]
    Modern,
    /// TLS 1.3 and 1.2, the latter with forward secrecy only.
    Intermediate,
}

/// Whether applications show a certificate of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// They are not asked for one.
    Off,
    /// They are asked for one, and may have none.
    #[default]
    Optional,
    /// Without one there is no connection.
    Required,
}

section! {
    /// The listener for applications. Certificates, keys and what is asked of applications are read again on a
    /// reload (SIGHUP); the rest needs a restart.
    pub struct Https {
        /// Address and port. The default is for this machine alone, because a listener for others
        /// needs a certificate of yours first.
        pub listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
        /// Where applications find this listener: `https://`, a host and perhaps a port and a path. URLs in answers
        /// begin with it, whatever a request says of its host. Without it they begin with the address of `listen`.
        pub public_url: Option<String> = None => "https://gateway.example.com",
        /// Further hosts under which the listener is asked, such as `["sms.example.com"]`: names or addresses without port
        /// or brackets. Those of the certificate and of `acme.names`, the address that a connection leads to, `localhost`
        /// and loopback addresses, and the hosts of `public_url` and of each `callback_url` need not be named. A request
        /// for any other host is refused (421).
        pub hosts: Vec<String> = Vec::new(),
        /// Certificate chain in PEM, the server's own first. Without it, and on a loopback address
        /// only, the gateway makes one: clients then trust `tls/ca.pem` in the data folder.
        pub certificate_file: Option<PathBuf> = None => "/etc/shortstop/tls/server.pem",
        /// Private key of that certificate in PEM.
        pub key_file: Option<PathBuf> = None => "/etc/shortstop/tls/server.key",
        /// `modern` is TLS 1.3 only; `intermediate` adds TLS 1.2 for old applications.
        pub tls_profile: TlsProfile = TlsProfile::Modern,
        /// Whether applications show a certificate of their own: `off`, `optional` or `required`. Clients with
        /// `key+mtls` need one that was given to them by `shortstop client`, itself or a name in it; for all others it changes nothing
        /// but whether they can connect.
        pub client_certificates: ClientCertificates = ClientCertificates::Optional,
        /// Certificate authorities in PEM whose certificates are taken. Without it any is, and known by its hash
        /// alone.
        pub client_ca_file: Option<PathBuf> = None => "/etc/shortstop/tls/clients-ca.pem",
        /// Revocation lists (CRL) of these authorities in PEM. With it, whoever has no list there is refused too:
        /// name one for each authority between a client's certificate and its root. A list past its next update
        /// still holds, and is warned about.
        pub client_crl_file: Option<PathBuf> = None => "/etc/shortstop/tls/clients-crl.pem",
        /// Networks (CIDR) of the proxies through which applications come, such as `["10.0.0.5/32"]`. Only what
        /// such a proxy writes into `X-Forwarded-For` is believed, from the last address backwards; anybody
        /// else could write there what they like, to be counted as somebody else. An address may carry a port
        /// (`203.0.113.7:1234`, `[2001:db8::1]:443`); `Forwarded` is not read. Everybody (`0.0.0.0/0`, `::/0`) is
        /// refused, and more than a /8 or a /16 of IPv6 draws a warning.
        pub trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Connections open at once; one more is closed at once. Each takes some 40 KiB.
        pub connections_max: usize = 4_096,
        /// Connections open at once from one address, of which an IPv6 /64 is one; one more is closed at
        /// once. Raise it when applications come through a proxy or behind one address.
        pub connections_per_address_max: usize = 256,
        /// TLS handshakes under way from one address; one more is closed at once.
        pub handshakes_per_address_max: usize = 128,
        /// Seconds that a TLS handshake may take, against those who connect and stay silent.
        pub handshake_seconds: u64 = 10,
        /// Seconds that the head of a request may take.
        pub header_seconds: u64 = 10,
        /// Octets of a request's head.
        pub header_bytes_max: usize = 16_384,
        /// Header lines of a request.
        pub headers_max: usize = 100,
        /// Requests answered at once, over all connections; one more is answered 503 `busy`. With full
        /// bodies they take 512 MiB, though bodies are read only for clients with a good key.
        pub requests_max: usize = 8_192,
        /// Requests of one client answered at once; one more is answered 503 `busy`, so that no client takes
        /// every place.
        pub client_requests_max: usize = 2_048,
        /// Batches answered at once; one more is answered 503 `busy`. Full ones take some 250 MiB.
        pub batches_max: usize = 32,
        /// Batches of one client answered at once; one more is answered 503 `busy`.
        pub client_batches_max: usize = 8,
        /// Octets of a body on every route but the batch. The longest text takes a tenth of it.
        pub body_bytes_max: usize = 65_536,
        /// Octets of a batch's body. A thousand messages of 1,500 octets fit.
        pub batch_body_bytes_max: usize = 2_097_152,
        /// Messages of a batch.
        pub batch_messages_max: usize = 1_000,
        /// Seconds that a body may take.
        pub body_seconds: u64 = 10,
        /// Octets a second that a body must come with, once a quarter of its time is over.
        pub body_bytes_per_second_min: usize = 1_024,
        /// Seconds that a client may take nothing of an answer; then its connection is ended.
        pub write_seconds: u64 = 30,
        /// Seconds that a connection may rest between two requests. Longer than the pools of most
        /// clients keep one, so that it is the client that closes.
        pub idle_seconds: u64 = 75,
        /// Seconds that a request may take from its head to its answer.
        pub request_seconds: u64 = 30,
        /// HTTP/2 streams open at once on a connection.
        pub streams_max: u32 = 128,
        /// HTTP/2 streams that a client may reset before they are looked at; one more ends the
        /// connection (CVE-2023-44487).
        pub resets_max: usize = 20,
        /// HTTP/2 frames that carry nothing (pings, settings, resets, window updates, heads that are no request) that
        /// a client may send ahead of what its requests, their answers and time allow; one more ends the connection.
        pub control_frames_max: u32 = 1_000,
        /// Seconds that open requests get to end when the gateway stops.
        pub shutdown_seconds: u64 = 10,
    }
}

impl Https {
    /// What URLs in answers begin with, without a slash at its end.
    pub fn public_url(&self) -> String {
        let address = || format!("https://{}", self.listen);
        let told = self.public_url.as_deref();
        told.map_or_else(address, |url| url.trim_end_matches('/').to_owned())
    }
}
