//! Everything that the guard knows, to be stored and taken back. It holds bits that name numbers, so it is
//! sealed wherever it is stored.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::adjacency::{Block, Neighbours};
use super::blocks::{BlockState, Blocks};
use super::finding::{Country, Prefix};
use super::history::History;
use super::places::Places;
use super::shared::Shared;
use super::{COUNTRIES_MAX, PumpingGuard};
use crate::id::ClientId;
use crate::time::Timestamp;

/// The state of a guard. `Debug` masks it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    countries: Vec<((ClientId, Country), History)>,
    #[serde(default)]
    places: Vec<((Prefix, ClientId), History)>,
    neighbours: Vec<((ClientId, u64), Block)>,
    blocks: Vec<(Prefix, BlockState)>,
    latest: Timestamp,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshot(masked)")
    }
}

impl PumpingGuard {
    /// All that it knows and that still matters.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.latest;
        Snapshot {
            countries: self.countries.to_rows(now),
            places: self.places.to_rows(now),
            neighbours: self.neighbours.to_rows(now),
            blocks: self.blocks.to_rows(now),
            latest: self.latest,
        }
    }

    /// A guard that knows the same.
    pub fn restore(snapshot: Snapshot) -> Self {
        Self {
            countries: Shared::from_rows(snapshot.countries, COUNTRIES_MAX),
            places: Places::from_rows(snapshot.places),
            neighbours: Neighbours::from_rows(snapshot.neighbours),
            blocks: Blocks::from_rows(snapshot.blocks),
            latest: snapshot.latest,
        }
    }
}
