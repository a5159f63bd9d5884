//! What an authority remembers.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::tricks::Trick;

/// What an authority remembers; everything is named by its number.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) nonces: HashSet<String>,
    pub(crate) last_nonce: u64,
    /// The public point of each account, by its number.
    pub(crate) accounts: BTreeMap<usize, Vec<u8>>,
    pub(crate) orders: Vec<Order>,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) certificates: Vec<String>,
    pub(crate) replaced: Vec<String>,
    pub(crate) refusals: u32,
    pub(crate) wants_renewal: bool,
    pub(crate) trick: Option<Trick>,
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) account: usize,
    pub(crate) names: Vec<String>,
    pub(crate) authorizations: Vec<usize>,
    pub(crate) certificate: Option<usize>,
    pub(crate) replaces: Value,
}

/// Whether a name is somebody's.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) account: usize,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) standing: Standing,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Looked,
    Valid,
    Invalid(String),
}

impl Standing {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Pending | Self::Looked => "pending",
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
        }
    }
}

impl Books {
    /// A nonce that may be used once.
    pub(crate) fn nonce(&mut self) -> String {
        self.last_nonce += 1;
        let nonce = format!("nonce-{}", self.last_nonce);
        self.nonces.insert(nonce.clone());
        nonce
    }

    pub(crate) fn is_proved(&self, order: &Order) -> bool {
        order.authorizations.iter().all(|place| {
            let found = self.authorizations.get(*place);
            found.is_some_and(|found| found.standing == Standing::Valid)
        })
    }

    pub(crate) fn is_lost(&self, order: &Order) -> bool {
        order.authorizations.iter().any(|place| {
            let found = self.authorizations.get(*place);
            found.is_none_or(|found| matches!(found.standing, Standing::Invalid(_)))
        })
    }
}
