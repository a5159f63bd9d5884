//! `[[siem]]`: a receiver of syslog that is told the ledger as it grows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::section::section;

/// As what entries are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamFormat {
    /// As they are in the ledger.
    #[default]
    Entry,
    /// As lines of CEF.
    Cef,
    /// As events of OCSF.
    Ocsf,
}

/// Where a stream begins that is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamStart {
    /// With what is new.
    #[default]
    Now,
    /// With the first entry.
    Start,
}

/// What stands between the gateway and the receiver. The last one is spelled so that nobody sets it by
/// accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamTransport {
    /// TLS with verified certificate and name.
    #[default]
    Tls,
    /// Plain TCP, and only to a loopback address: a relay on this machine.
    PlaintextLoopback,
    /// Plain TCP to anywhere: everybody on the way reads and can change what is told.
    IAcceptClearTextOnTheWire,
}

section! {
    /// A SIEM that is told every entry of the ledger as it comes, as syslog (RFC 5424) over TLS (RFC 5425);
    /// repeat the section for more. It is told each at least once and in order, and what it could not be told
    /// while it was away comes later. A change needs a restart.
    pub struct SiemSection {
        /// Name of the stream in metrics, the log and the ledger: 1 to 32 of a-z, 0-9 and `-`. How far it has
        /// come is remembered under it.
        pub name: Option<String> = None => "soc",
        /// Host name or address, and port. 6514 is the port of syslog over TLS.
        pub address: Option<String> = None => "siem.example.com:6514",
        /// `tls` checks the receiver's certificate and name. `plaintext-loopback` is for a relay on this
        /// machine. `i-accept-clear-text-on-the-wire` shows every entry to everybody on the way.
        pub transport: StreamTransport = StreamTransport::Tls,
        /// Authorities in PEM that may sign the receiver's certificate, and nobody else. Without it they are
        /// those that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/siem-ca.pem",
        /// Name that the receiver's certificate must hold, when it is not the host of `address`.
        pub server_name: Option<String> = None => "siem.example.com",
        /// Certificate chain in PEM that we show to the receiver, if it asks for one.
        pub certificate_file: Option<PathBuf> = None => "/etc/shortstop/siem-client.pem",
        /// Private key of that certificate in PEM.
        pub key_file: Option<PathBuf> = None => "/etc/shortstop/siem-client.key",
        /// As what entries are told: `entry` as they are, whose hashes can be checked; `cef`; or `ocsf`.
        pub format: StreamFormat = StreamFormat::Entry,
        /// Where a new stream begins: `now`, or at the `start` of the ledger.
        pub from: StreamStart = StreamStart::Now,
        /// Entries read and sent at once, at most.
        pub batch_entries_max: usize = 256,
        /// Octets after which no more entries are sent at once.
        pub batch_bytes_max: usize = 262_144,
        /// Seconds before the first attempt to reconnect; doubles, with jitter, up to the next setting.
        pub reconnect_seconds: u64 = 1,
        /// The longest pause between attempts, in seconds.
        pub reconnect_seconds_max: u64 = 60,
    }
}
