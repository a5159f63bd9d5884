//! A search of the ledger over the control socket.

use domain::id::ClientId;
use serde::{Deserialize, Serialize};

use super::NumberAsked;

/// Which entries are looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchAsked {
    /// Of one of these kinds; of any, when there are none.
    pub kinds: Vec<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Of this client.
    pub client: Option<ClientId>,
    /// About this.
    pub object: Option<String>,
    /// About messages to and from this number.
    pub number: Option<NumberAsked>,
    /// From this time on, in RFC 3339.
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: u16,
    /// Whether each row comes with its proof.
    pub proof: bool,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPage {
    /// The entries.
    pub rows: Vec<SearchRow>,
    /// Where the next page begins; nothing at the end.
    pub next: Option<String>,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchRow {
    /// Its index.
    pub index: u64,
    /// The entry as it is in the ledger.
    pub entry: String,
    /// Its proof, if a checkpoint covers it and one was asked for.
    pub proof: Option<String>,
}
