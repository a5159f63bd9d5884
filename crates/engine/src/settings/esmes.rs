//! Accounts of ESMEs, and how often their binds may fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::system_id::SystemId;
use ipnet::IpNet;

use crate::rows::{CertificateName, Thumbprint};

/// Whoever may bind, and what happens to those who may not.
#[derive(Clone, Debug, Default)]
pub struct EsmeSettings {
    /// The accounts.
    pub accounts: BTreeMap<SystemId, Arc<EsmeAccount>>,
    /// When failed binds are no longer looked at.
    pub door: DoorSettings,
}

/// One account. It acts for a client: what the client may not do, its accounts may not either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EsmeAccount {
    /// The client it acts for.
    pub client: ClientId,
    /// Its password.
    pub password: PasswordHash,
    /// The networks it may bind from; empty means any that its client may come from.
    pub networks: Vec<IpNet>,
    /// SHA-256 of the certificates that it must show one of; empty means that none is asked for.
    pub certificates: Vec<CertificateHash>,
    /// Names of which the certificate may have one instead, where an authority vouches for it.
    pub certificate_names: Vec<CertificateName>,
    /// Binds at once, at most.
    pub binds_max: usize,
    /// Binds that may be made in a minute, at most: each costs a commit. 1 or more.
    pub binds_per_minute_max: u32,
    /// The class of a message whose service_type is empty.
    pub class: TrafficClass,
    /// The class of a message by its service_type; any other service_type is refused.
    pub service_types: BTreeMap<Box<str>, TrafficClass>,
    /// What its submits may hold.
    pub allowed: SubmitAllowed,
    /// What it is told of handsets.
    pub inbound: EsmeInbound,
}

impl EsmeAccount {
    /// Whether a password is not enough.
    pub fn asks_for_certificate(&self) -> bool {
        !self.certificates.is_empty() || !self.certificate_names.is_empty()
    }
}

/// What an account is told of handsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EsmeInbound {
    /// What they send to the short codes of its client.
    All,
    /// Nothing.
    None,
}

/// Which values of a submit are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitAllowed {
    /// `esm_class`.
    pub esm_classes: Vec<u8>,
    /// `data_coding`: of those that can be read as text.
    pub data_codings: Vec<u8>,
    /// `protocol_id`.
    pub protocol_ids: Vec<u8>,
    /// Tags of optional parameters.
    pub parameters: Vec<u16>,
    /// What is done about any other.
    pub other_parameters: OtherParameters,
}

impl Default for SubmitAllowed {
    /// Texts as SMPP 3.4 carries them: whole, by header, by parameters or as a payload.
    fn default() -> Self {
        Self {
            esm_classes: vec![0x00, 0x03, 0x40, 0x43],
            data_codings: vec![0, 1, 3, 8],
            protocol_ids: vec![0],
            parameters: vec![
                0x0019, 0x0204, 0x020C, 0x020E, 0x020F, 0x0424, 0x0426, 0x1501,
            ],
            other_parameters: OtherParameters::Ignore,
        }
    }
}

/// What is done about an optional parameter that is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherParameters {
    /// It is left unread, as SMPP 3.4 §3.2.4.1 wants it. It never reaches a carrier.
    Ignore,
    /// The submit is refused.
    Refuse,
}

/// SHA-256 of a certificate in DER.
pub type CertificateHash = Thumbprint;

/// When failed binds are no longer looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorSettings {
    /// Failed binds of one network under one name after which it is shut out; four times as many under any
    /// names shut out the network, or from anywhere allowed the account. 1 or more.
    pub failures_max: u32,
    /// For how long at first; doubles with every time.
    pub ban: Duration,
    /// For how long at most. A failure is forgotten after as long without another.
    pub ban_max: Duration,
}

impl Default for DoorSettings {
    /// Five typing errors are forgiven. With a minute at first and an hour at last, nobody tries more than
    /// a few hundred passwords a day.
    fn default() -> Self {
        Self {
            failures_max: 5,
            ban: Duration::from_mins(1),
            ban_max: Duration::from_hours(1),
        }
    }
}

/// A password as it is kept in memory. It has 8 characters at most, so that its hash is as secret as itself:
/// it is never written anywhere, and `Debug` masks it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash([u8; 32]);

impl PasswordHash {
    /// Of a password.
    pub fn of(password: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, password).as_ref());
        Self(hash)
    }

    /// Whether it is this password's. Takes the same time wherever they differ.
    pub fn is_of(&self, password: &[u8]) -> bool {
        verify_slices_are_equal(&self.0, &Self::of(password).0).is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(masked)")
    }
}
