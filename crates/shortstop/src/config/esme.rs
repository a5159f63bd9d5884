//! `[[esme]]`: an account that an ESME binds under, for a client.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::class::TrafficClass;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::section::section;

/// What is done about an optional parameter that is not on the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherParameters {
    /// It is left unread.
    #[default]
    Ignore,
    /// The submit is refused.
    Refuse,
}

/// What an account is told of handsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inbound {
    /// What they send to the short codes of its client.
    #[default]
    All,
    /// Nothing.
    None,
}

section! {
    /// An account that an ESME binds under; repeat the section for more. It acts for a client of `shortstop
    /// client add`, and may do no more than that: the client's short codes, classes, scopes and networks hold.
    /// All of it can change on a reload: binds stay, but for those of an account that is gone.
    pub struct EsmeSection {
        /// Its name: 1 to 15 printable ASCII characters.
        pub system_id: Option<String> = None => "billing",
        /// The client that it acts for.
        pub client: Option<String> = None => "cli_05f3k2vq4zr8p1m6x7wn9ty0hd",
        /// File with its password, at most 8 characters; a line end at its end is left out.
        pub password_file: Option<PathBuf> = None => "/etc/shortstop/billing.password",
        /// Networks (CIDR) that it may bind from.
        pub networks: Vec<IpNet> = Vec::new(),
        /// SHA-256 of the certificates of which it must show one, in hex: `openssl x509 -in FILE -outform DER |
        /// sha256sum`. Who issued them does not matter, unless `smpp.client_ca_file` says so.
        pub certificate_sha256: Vec<String> = Vec::new(),
        /// Names of which its certificate may have one instead, such as `dns:billing.firm.example`,
        /// `uri:spiffe://firm.example/billing` or `subject:CN=billing,O=Firm`. They need `smpp.client_ca_file`.
        pub certificate_names: Vec<String> = Vec::new(),
        /// Binds at once; one more is refused.
        pub binds_max: usize = 4,
        /// Binds in a minute; one more is refused. Each costs a commit, so that nobody may bind and unbind on
        /// and on.
        pub binds_per_minute_max: u32 = 60,
        /// `all`: it is delivered what handsets send to the short codes of its client; `none`. Of several accounts
        /// of a client each is delivered its own copy.
        pub inbound: Inbound = Inbound::All,
        /// Class of a message whose `service_type` is empty.
        pub class: TrafficClass = TrafficClass::Alert,
        /// Class of a message by its `service_type`, such as `{ OTP = "otp" }`. A message of any other
        /// `service_type` is refused.
        pub service_types: BTreeMap<String, TrafficClass> = BTreeMap::new(),
        /// Values of `esm_class` that are taken, of 0 (as the SMSC likes), 3 (store and forward), and 64 and 67
        /// (the same with a user data header).
        pub esm_classes: Vec<u8> = vec![0x00, 0x03, 0x40, 0x43],
        /// Values of `data_coding` that are taken, of 0 (GSM 7-bit), 1 (ASCII), 3 (Latin 1) and 8 (UCS-2).
        pub data_codings: Vec<u8> = vec![0, 1, 3, 8],
        /// Values of `protocol_id` that are taken. None reaches a carrier.
        pub protocol_ids: Vec<u8> = vec![0],
        /// Tags of optional parameters that are taken. None reaches a carrier.
        pub parameters: Vec<u16> = vec![0x0019, 0x0204, 0x020C, 0x020E, 0x020F, 0x0424, 0x0426, 0x1501],
        /// What is done about any other: `ignore`, as SMPP wants it, or `refuse`.
        pub other_parameters: OtherParameters = OtherParameters::Ignore,
    }
}
