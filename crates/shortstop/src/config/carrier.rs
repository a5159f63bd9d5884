//! `[[carrier]]`: one carrier (SMSC), how it is reached and how fast it may be fed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::section::section;

/// How a carrier is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Over SMPP 3.4.
    #[default]
    Smpp,
    /// Over HTTPS, by the shape of Twilio's Messages.
    Https,
}

/// How the gateway shows a provider who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// By the account and its password.
    #[default]
    Basic,
    /// By a key of the account and the key's secret.
    Key,
}

/// What one bind carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// Messages out, receipts and messages in.
    Transceiver,
    /// Messages out only.
    Transmitter,
    /// Receipts and messages in only.
    Receiver,
}

/// How the carrier's receipts write the ids of its submit responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptIds {
    /// Not known: exact first, the other number base only when it is safe.
    #[default]
    Auto,
    /// Letter for letter.
    Exact,
    /// Hexadecimal in the submit response, decimal in the receipt.
    HexInSubmit,
    /// Decimal in the submit response, hexadecimal in the receipt.
    DecimalInSubmit,
}

/// What stands between the gateway and the carrier. The last one is spelled so that nobody
/// sets it by accident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TLS with verified certificate and name.
    #[default]
    Tls,
    /// Plain TCP, and only to a loopback address: a tunnel or a simulator on this machine.
    PlaintextLoopback,
    /// Plain TCP to anywhere: everybody on the way reads the password and every message.
    IAcceptClearTextOnTheWire,
}

section! {
    /// One carrier; repeat the section for more. `mps`, `burst`, `receipt_ids` and the reactions to
    /// throttling can change on a reload, and the secrets of a provider are read anew; the rest needs a
    /// restart.
    pub struct CarrierSection {
        /// Name of the carrier in routes, metrics and the ledger: 1 to 32 of a-z, 0-9 and `-`.
        pub name: Option<String> = None => "primary",
        /// `smpp`, or `https` for a provider whose API has the shape of Twilio's Messages.
        pub kind: Kind = Kind::Smpp,
        /// `https` only: the provider's URL, before `/2010-04-01`. `https://`, or `http://` to a loopback
        /// address.
        pub url: Option<String> = None => "https://api.provider.example",
        /// `https` only: the account there.
        pub account: Option<String> = None => "AC00000000000000000000000000000000",
        /// `https` only: `basic` shows the account and its password, `key` a key and the key's secret.
        pub auth: Auth = Auth::Basic,
        /// `https` only: the key, with `auth = "key"`.
        pub api_key: Option<String> = None => "SK00000000000000000000000000000000",
        /// `https` only: file with the password of the account or the secret of the key; a line end at its
        /// end is left out. The environment may set it instead: `SHORTSTOP__CARRIER__<NAME>__SECRET`.
        pub secret_file: Option<PathBuf> = None => "/etc/shortstop/provider.secret",
        /// `https` only: file with what the provider signs its posts with, where that is not the password of
        /// the account: always with `auth = "key"`. Or `SHORTSTOP__CARRIER__<NAME>__CALLBACK_SECRET`.
        pub callback_secret_file: Option<PathBuf> = None => "/etc/shortstop/provider.callback",
        /// `https` only: the gateway's own URL as the provider reaches it. It posts below
        /// `/carrier/<NAME>/`: to `status` what became of a message, to `inbound` what handsets write.
        pub callback_url: Option<String> = None => "https://sms.example.com",
        /// `smpp` only, as all that speaks of binds or PDUs: host name or address, and port. 3550 is the port
        /// of SMPP over TLS, 2775 that of plain SMPP.
        pub address: Option<String> = None => "smpp.carrier.example:3550",
        /// Our name at the carrier, at most 15 characters.
        pub system_id: Option<String> = None => "shortstop",
        /// File with the password, at most 8 characters; a line end at its end is left out. The
        /// environment may set it instead: `SHORTSTOP__CARRIER__<NAME>__PASSWORD`.
        pub password_file: Option<PathBuf> = None => "/etc/shortstop/primary.password",
        /// `system_type` of the bind, if the carrier asks for one, at most 12 characters.
        pub system_type: String = String::new(),
        /// One word a bind: `transceiver`, or `transmitter` and `receiver`.
        pub binds: Vec<Bind> = vec![Bind::Transceiver],
        /// `https` only: connections that are kept open between two messages at most. With 0 each message has a
        /// connection of its own.
        pub kept_connections_max: usize = 10,
        /// `https` only: seconds that such a connection may rest, less where the provider says so
        /// (`Keep-Alive: timeout`). Keep it below what the provider allows: a message over a connection that ends
        /// at that moment is of unknown fate.
        pub kept_connection_seconds: u64 = 4,
        /// Unanswered segments at most, a bind. Carriers allow 10 to 20. With `https` each message under way takes a
        /// connection, and the last one may hold more segments than are left.
        pub window_max: u16 = 10,
        /// Segments a second, a bind.
        pub mps: u32 = 100,
        /// Segments that may go at once after a pause, a bind.
        pub burst: u32 = 10,
        /// `tls` checks the carrier's certificate and name. `plaintext-loopback` is for a tunnel on this
        /// machine. `i-accept-clear-text-on-the-wire` shows the password and every message to everybody
        /// on the way.
        pub transport: Transport = Transport::Tls,
        /// Authorities in PEM that may sign the carrier's certificate, and nobody else. Without it they
        /// are those that the operating system trusts.
        pub ca_file: Option<PathBuf> = None => "/etc/shortstop/carrier-ca.pem",
        /// Name that the carrier's certificate must hold, when it is not the host of `address`.
        pub server_name: Option<String> = None => "smpp.carrier.example",
        /// Certificate chain in PEM that we show to the carrier, if it asks for one.
        pub certificate_file: Option<PathBuf> = None => "/etc/shortstop/primary-client.pem",
        /// Private key of that certificate in PEM.
        pub key_file: Option<PathBuf> = None => "/etc/shortstop/primary-client.key",
        /// Seconds in which connection and TLS handshake must be done. Until then nothing has left.
        pub connect_seconds: u64 = 10,
        /// Seconds in which the carrier must answer the bind.
        pub bind_seconds: u64 = 10,
        /// Seconds without traffic after which an `enquire_link` is sent. A provider is asked for our account
        /// after so long without an answer.
        pub enquire_link_seconds: u64 = 30,
        /// Seconds in which the carrier must answer; then the segment's fate is unknown and the link is
        /// opened anew.
        pub response_seconds: u64 = 10,
        /// Seconds that answers which are on their way get when the gateway stops.
        pub unbind_seconds: u64 = 5,
        /// Seconds before the first attempt to reconnect; doubles, with jitter, up to the next setting.
        pub reconnect_seconds: u64 = 1,
        /// The longest pause between attempts, in seconds.
        pub reconnect_seconds_max: u64 = 60,
        /// How receipts write the ids of submit responses: `auto`, `exact`, `hex-in-submit` or
        /// `decimal-in-submit`. Set it when you know, since `auto` has to be careful.
        pub receipt_ids: ReceiptIds = ReceiptIds::Auto,
        /// `source_addr_ton` of short codes: 3 (network specific) or 6 (abbreviated); the carrier says
        /// which.
        pub source_ton: u8 = 3,
        /// `source_addr_npi` of short codes.
        pub source_npi: u8 = 0,
        /// `dest_addr_ton` of handsets: 1 (international).
        pub destination_ton: u8 = 1,
        /// `dest_addr_npi` of handsets: 1 (E.164).
        pub destination_npi: u8 = 1,
        /// `service_type` of every message, if the carrier asks for one, at most 5 characters.
        pub service_type: String = String::new(),
        /// Deliveries (receipts and messages in) that wait for their commit, a bind; one more gets a
        /// temporary error, and the carrier sends it again.
        pub deliveries_max: usize = 5_000,
        /// Octets of text in such deliveries, a bind; beyond it the same.
        pub deliveries_bytes_max: usize = 4_194_304,
        /// The largest PDU taken, in octets.
        pub frame_bytes_max: usize = 65_536,
        /// Milliseconds that a bind rests after `ESME_RTHROTTLED`; doubles while it goes on.
        pub throttle_pause_milliseconds: u64 = 1_000,
        /// The longest such rest. One large carrier demands a minute.
        pub throttle_pause_milliseconds_max: u64 = 60_000,
        /// How often a segment is tried again after `ESME_RMSGQFUL` before it fails.
        pub queue_full_tries_max: u16 = 5,
    }
}
