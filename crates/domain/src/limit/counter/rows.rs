//! The counts of a limit as plain rows, to carry them over a restart or a change of policy.

use serde::{Deserialize, Serialize};

use super::{Limit, Method, Reading};
use crate::limit::dimension::Level;
use crate::limit::gcra::Arrival;
use crate::limit::key::Key;
use crate::limit::policy::Policy;
use crate::limit::table::Entry;
use crate::limit::window::Cell;
use crate::time::Timestamp;

/// The live counts of a limit. A million of them are copied while whoever is counted waits, so that
/// all cells lie in one piece.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    rows: Vec<Row>,
    cells: Vec<Cell>,
}

/// One live count.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    level: Level,
    key: Key,
    state: u64,
    /// What to call it: may be a number or an address in clear.
    label: u64,
    tier: u16,
    /// How many of the cells are its own.
    filled: u16,
}

/// One live count with its cells.
#[derive(Clone, Copy)]
pub(in crate::limit) struct Counted<'a> {
    row: &'a Row,
    cells: &'a [Cell],
}

impl Rows {
    /// None yet, with memory for so many keys with a cell each that is the process's own already: what is written
    /// to it first takes several times as long otherwise.
    pub(in crate::limit) fn with_room(keys: usize) -> Self {
        let row = Row {
            level: Level::Own,
            key: Key::SHARED,
            state: 0,
            label: 0,
            tier: 0,
            filled: 0,
        };
        let mut rows = vec![row; keys];
        let mut cells = vec![[u64::MAX; 2]; keys];
        rows.clear();
        cells.clear();
        Self { rows, cells }
    }

    /// How many there are.
    pub(in crate::limit) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Each with its cells. Those that were made by other means than [`Limit::rows`] and name more cells
    /// than there are have none.
    pub(in crate::limit) fn iter(&self) -> impl Iterator<Item = Counted<'_>> {
        let mut rest = self.cells.as_slice();
        self.rows.iter().map(move |row| {
            let (cells, behind) = rest
                .split_at_checked(usize::from(row.filled))
                .unwrap_or_default();
            rest = behind;
            Counted { row, cells }
        })
    }
}

impl Limit {
    /// How many keys it has at most now.
    pub(in crate::limit) fn keys(&self) -> usize {
        self.stores.iter().map(|store| store.table.filled()).sum()
    }

    /// The live counts, written behind those that are there.
    pub(in crate::limit) fn rows(&self, now: Timestamp, mut all: Rows) -> Rows {
        for (level, entry) in self.live_entries(now) {
            let store = self.stores.get(level.index());
            let cells = match self.policy.method_at(level, entry.tier) {
                Method::Quota(window) => store.map(|store| store.cells(&entry, window)),
                Method::Rate(_) | Method::Held(_) => None,
            };
            let cells = cells.unwrap_or_default();
            all.cells.extend_from_slice(&cells);
            all.rows.push(Row {
                level,
                key: entry.key,
                state: entry.state,
                label: entry.label,
                tier: entry.tier,
                // A key has at most 64 cells.
                filled: u16::try_from(cells.len()).unwrap_or(0),
            });
        }
        all
    }

    /// Counts a row that was counted under `old`, a policy of the same shape. When its level has no room
    /// (fewer keys than before), it is added to what all newcomers share: they begin with it.
    pub(in crate::limit) fn adopt(&mut self, counted: Counted<'_>, old: &Policy, now: Timestamp) {
        let row = counted.row;
        let tier = self.policy.tier(old.client_of(row.tier));
        let entry = Entry {
            key: row.key,
            state: row.state,
            label: row.label,
            tier,
            ..Entry::default()
        };
        if !self.adopt_at(row.level, entry, counted, old, now) {
            let last = Entry {
                key: Key::SHARED,
                ..Entry::default()
            };
            self.adopt_at(Level::Last, last, counted, old, now);
        }
    }

    fn adopt_at(
        &mut self,
        level: Level,
        entry: Entry,
        Counted { row, cells }: Counted<'_>,
        old: &Policy,
        now: Timestamp,
    ) -> bool {
        let method = self.policy.method_at(level, entry.tier);
        let Some(store) = self.stores.get_mut(level.index()) else {
            return false;
        };
        let held = store
            .table
            .find(entry.key)
            .and_then(|place| store.table.get(place));
        let live = |entry: &Entry| super::is_live(method, entry, now);
        let reading = Reading {
            entry: Entry { state: 0, ..entry },
            ..Reading::default()
        };
        let Some((place, fresh)) = store.occupy(&reading, live) else {
            return false;
        };
        // Several rows may come together under the key that all share.
        let mut entry = held.filter(live).unwrap_or(fresh);
        match (method, old.method_at(row.level, row.tier)) {
            (Method::Rate(new), Method::Rate(old)) => {
                let owed = Arrival::from_bits(row.state).under(old, new, now);
                let both = owed.with(Arrival::from_bits(entry.state), now);
                entry.state = both.bounded(new, now).to_bits();
                self.spilled_until = match level {
                    Level::Own => self.spilled_until,
                    _ => self.spilled_until.max(both.bounded(new, now).rest_at()),
                };
            }
            (Method::Quota(window), _) => {
                let mut cells = [&store.cells(&entry, window), cells].concat();
                cells.sort_unstable();
                store.clear(&mut entry);
                for [at, amount] in cells {
                    store.push(window, &mut entry, amount, Timestamp::from_micros(at));
                }
                if level != Level::Own {
                    let until = Timestamp::from_micros(entry.state);
                    self.spilled_until = self.spilled_until.max(until);
                }
            }
            (Method::Held(_), _) => {
                entry.state = entry.state.saturating_add(row.state);
                if level != Level::Own {
                    self.spilled_slots = self.spilled_slots.saturating_add(row.state);
                }
            }
            (Method::Rate(_), _) => {}
        }
        store.table.set(place, entry);
        true
    }
}
