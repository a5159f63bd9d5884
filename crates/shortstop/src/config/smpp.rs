//! `[smpp]`: the listener for ESMEs, its certificate and its bounds.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::https::{ClientCertificates, TlsProfile};
use super::section::section;

/// What stands between the gateway and its ESMEs. The last one is spelled so that nobody sets it by accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmppTransport {
    /// TLS.
    #[default]
    Tls,
    /// Plain TCP, and only on a loopback address: a tunnel or an application on this machine.
    PlaintextLoopback,
    /// Plain TCP from anywhere: everybody on the way reads the passwords and every message.
    IAcceptClearTextOnTheWire,
}

/// Where a password may be all that an account asks for. It has 8 characters at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordAlone {
    /// On a loopback address.
    #[default]
    LoopbackOnly,
    /// From anywhere.
    DangerFromAnywhere,
}

section! {
    /// The listener for ESMEs: applications that speak SMPP 3.4. Certificate, key, what is asked of ESMEs and the settings
    /// of failed binds are read again on a reload (SIGHUP); the rest needs a restart.
    pub struct Smpp {
        /// Address and port. Without it nobody can bind. 3550 is the port of SMPP over TLS.
        pub listen: Option<SocketAddr> = None => "127.0.0.1:3550",
        /// `tls`. `plaintext-loopback` is for an application or a tunnel on this machine.
        /// `i-accept-clear-text-on-the-wire` shows every password and every message to everybody on the way.
        pub transport: SmppTransport = SmppTransport::Tls,
        /// Certificate chain in PEM, the server's own first. Without it, and on a loopback address only, it is
        /// the one that the gateway makes: ESMEs then trust `tls/ca.pem` in the data folder.
        pub certificate_file: Option<PathBuf> = None => "/etc/shortstop/tls/server.pem",
        /// Private key of that certificate in PEM.
        pub key_file: Option<PathBuf> = None => "/etc/shortstop/tls/server.key",
        /// `modern` is TLS 1.3 only; `intermediate` adds TLS 1.2, since many ESMEs speak nothing newer.
        pub tls_profile: TlsProfile = TlsProfile::Intermediate,
        /// Whether ESMEs show a certificate of their own: `off`, `optional` or `required`. Accounts that name
        /// certificates need one.
        pub client_certificates: ClientCertificates = ClientCertificates::Optional,
        /// Certificate authorities in PEM whose certificates are taken. Without it any is, and known by its hash
        /// alone.
        pub client_ca_file: Option<PathBuf> = None => "/etc/shortstop/tls/esmes-ca.pem",
        /// Revocation lists (CRL) of these authorities in PEM, as with `https.client_crl_file`.
        pub client_crl_file: Option<PathBuf> = None => "/etc/shortstop/tls/esmes-crl.pem",
        /// Where a password may be all that an account asks for: `loopback-only`, or `danger-from-anywhere`. It
        /// has 8 characters at most: everywhere else an account needs `networks`, or `certificate_sha256` or
        /// `certificate_names` too.
        pub password_alone: PasswordAlone = PasswordAlone::LoopbackOnly,
        /// Our `system_id` in the answers to binds, at most 15 characters.
        pub name: String = "shortstop".to_owned(),
        /// Connections open at once, bound or not; one more is closed at once.
        pub connections_max: usize = 512,
        /// Connections open at once from one address, of which an IPv6 /64 is one; one more is closed at once.
        pub connections_per_address_max: usize = 64,
        /// TLS handshakes under way from one address; one more connection is closed at once.
        pub handshakes_per_address_max: usize = 32,
        /// Seconds that a TLS handshake may take.
        pub handshake_seconds: u64 = 5,
        /// Seconds that a connection may stay without a bind.
        pub session_init_seconds: u64 = 5,
        /// Seconds without a word after which a bind is asked whether it lives (`enquire_link`).
        pub idle_seconds: u64 = 60,
        /// Seconds that it may take to answer, or to read what was written for it; then it is ended.
        pub response_seconds: u64 = 10,
        /// Seconds that a PDU may take from its first octet to its last.
        pub pdu_seconds: u64 = 10,
        /// Seconds that the parts of a long message wait for the one that is missing.
        pub parts_seconds: u64 = 10,
        /// Requests of one bind that are not answered; with more, nothing is read until some are.
        pub window_max: usize = 128,
        /// Deliveries to one bind that are not answered; more wait.
        pub delivery_window_max: usize = 10,
        /// Octets of a PDU, looked at before any memory is taken for it.
        pub frame_bytes_max: usize = 65_536,
        /// Destinations of one `submit_multi`, at most 254.
        pub destinations_max: u8 = 100,
        /// PDUs that cannot be read, in one session; one more ends it.
        pub malformed_max: u32 = 10,
        /// PDUs a second of one connection that are no work: `enquire_link`, answers to nothing, and requests that
        /// are refused at once. After as many nothing more is read for a time.
        pub chatter_per_second_max: u32 = 200,
        /// Failed binds of one network under one name after which it is shut out for a time. Four times as many
        /// under any names shut out the network, or from wherever it may bind the account.
        pub bind_failures_max: u32 = 5,
        /// Seconds of the first such time; it doubles with every further one.
        pub bind_ban_seconds: u64 = 60,
        /// Seconds of the longest. A failure is forgotten after as long without another.
        pub bind_ban_seconds_max: u64 = 3_600,
        /// Seconds that requests under way get when the gateway stops.
        pub shutdown_seconds: u64 = 10,
    }
}
