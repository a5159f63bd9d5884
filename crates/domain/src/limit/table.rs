//! A table of keys with a largest size. It begins small and doubles when three of four places are used and
//! most of them live; at its largest it grows no more. The entries lie in the order of their keys, each within [`REACH`]
//! places of where its key begins to look. There are four places for three keys, so that a search ends
//! within a cache line or two. A key that came to rest (nothing it took counts any more) is as good as one
//! never seen, and its place is the first to be used again. A live entry is never given away: when there is
//! no room, the newcomer is told so.

use core::{fmt, mem};

use super::key::Key;

/// How far from its home an entry may lie, and so how far a search goes. Up to 3 of 4 live places even
/// the most displaced of a million lies much nearer; a flood fills more of them.
const REACH: usize = 64;

/// How far from its home a newcomer looks for a place that can be given up. On average it looks at 8
/// when 3 of 4 are live, and at few when some are at rest.
const SPAN: usize = 512;

/// The fewest homes of a table that can grow: it begins with one to two times as many.
const LEAST: usize = 512;

/// Places that share a word of the bits.
const WORD: usize = 64;

/// Where a newcomer goes.
struct Gap {
    /// Before this place, in the order of the keys.
    before: usize,
    /// The place given up for it.
    vacant: usize,
}

/// One entry: what a limit keeps of a key, in 40 octets. `Debug` does not show the label, which may be
/// a number or an address.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub key: Key,
    /// The state of the count; what it means is the limit's affair.
    pub state: u64,
    /// What to call the key in a list.
    pub label: u64,
    /// Where its cells lie, when it has some; what the one take was, when that is all there is.
    pub block: u32,
    /// How many of the cells are filled, or [`Entry::ONE`].
    pub filled: u16,
    /// Which override counts, 0 being the policy's own numbers.
    pub tier: u16,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Entry");
        shown.field("key", &self.key).field("state", &self.state);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Table");
        shown
            .field("places", &self.places())
            .finish_non_exhaustive()
    }
}

/// An entry as it lies in memory. Rows of plain words cost no memory until they are written.
type Row = [u64; 5];

impl Entry {
    /// One take, which needs no cell: most keys never have another.
    pub const ONE: u16 = u16::MAX;

    /// Whether cells belong to it.
    pub const fn has_block(&self) -> bool {
        !matches!(self.filled, 0 | Self::ONE)
    }

    fn pack(self) -> Row {
        let Key([first, second]) = self.key;
        let (filled, tier) = (u64::from(self.filled), u64::from(self.tier));
        let rest = u64::from(self.block) | (filled << 32) | (tier << 48);
        [first, second, self.state, self.label, rest]
    }

    fn unpack(row: Row) -> Self {
        let [first, second, state, label, rest] = row;
        let part = |shift: u32| u16::try_from((rest >> shift) & 0xffff).unwrap_or(0);
        Self {
            key: Key([first, second]),
            state,
            label,
            block: u32::from(part(0)) | (u32::from(part(16)) << 16),
            filled: part(32),
            tier: part(48),
        }
    }
}

/// The table.
pub struct Table {
    rows: Vec<Row>,
    homes: usize,
    /// How often the homes can still double.
    doublings: u32,
    /// Places that are used.
    filled: usize,
    /// Blocks that were taken back.
    spare: Vec<u32>,
    /// One bit a place that was ever used, so that a walk costs what is used and not what there is.
    used: Vec<u64>,
}

impl Table {
    /// Lays out a table for at most `capacity` (1 or more) live keys.
    pub fn new(capacity: u32) -> Self {
        let capacity = usize::try_from(capacity.max(1)).unwrap_or(usize::MAX);
        let wanted = capacity.saturating_add(capacity / 3).saturating_add(1);
        let doublings = (wanted / LEAST).checked_ilog2().unwrap_or(0);
        Self::laid_out(wanted.div_ceil(1 << doublings), doublings)
    }

    fn laid_out(homes: usize, doublings: u32) -> Self {
        let places = homes.saturating_add(REACH);
        Self {
            rows: vec![[0; 5]; places],
            homes,
            doublings,
            filled: 0,
            spare: Vec::new(),
            used: vec![0; places.div_ceil(WORD)],
        }
    }

    /// How many places it has at its largest.
    pub fn places_max(&self) -> usize {
        (self.homes << self.doublings).saturating_add(REACH)
    }

    /// How many places it has now.
    pub fn places(&self) -> usize {
        self.rows.len()
    }

    /// How many places are used, by keys at rest as well.
    pub const fn filled(&self) -> usize {
        self.filled
    }

    /// Where a key lies.
    #[inline]
    pub fn find(&self, key: Key) -> Option<usize> {
        let home = self.home(key);
        let reach = self.rows.get(home..home + REACH)?;
        for (step, [first, second, ..]) in reach.iter().enumerate() {
            if [*first, *second] == key.0 {
                return Some(home + step);
            }
            // Entries lie in the order of their keys, and after an empty place there are none.
            if *first > key.0[0] || *first == 0 {
                return None;
            }
        }
        None
    }

    /// The entry at a place.
    #[inline]
    pub fn get(&self, place: usize) -> Option<Entry> {
        let row = self.rows.get(place)?;
        (row[0] != 0).then(|| Entry::unpack(*row))
    }

    /// Writes over the entry of the same key at a place.
    #[inline]
    pub fn set(&mut self, place: usize, entry: Entry) {
        if let Some(row) = self.rows.get_mut(place) {
            debug_assert_eq!([row[0], row[1]], entry.key.0, "a place keeps its key");
            *row = entry.pack();
        }
    }

    /// Whether a key that is not in the table would find a place.
    #[inline]
    pub fn has_room(&self, key: Key, rests: impl Fn(&Entry) -> bool) -> bool {
        self.doublings > 0 || self.gap(key, rests).is_some()
    }

    /// Makes a place for a key that is not in the table. `None` when all it can reach are live.
    pub fn insert(&mut self, key: Key, rests: impl Fn(&Entry) -> bool) -> Option<usize> {
        let Gap { before, vacant } = self.make_gap(key, &rests)?;
        let gone = self.rows.get(vacant).copied()?;
        let place = if vacant < before {
            self.rows.get_mut(vacant..before)?.rotate_left(1);
            before - 1
        } else {
            self.rows.get_mut(before..=vacant)?.rotate_right(1);
            before
        };
        let entry = Entry {
            key,
            ..Entry::default()
        };
        *self.rows.get_mut(place)? = entry.pack();
        // What lies between was used before; only the place given up may not have been.
        self.mark(vacant);
        if gone[0] == 0 {
            self.filled += 1;
        } else {
            self.let_go(&Entry::unpack(gone));
        }
        Some(place)
    }

    fn mark(&mut self, place: usize) {
        if let Some(word) = self.used.get_mut(place / WORD) {
            *word |= 1 << (place % WORD);
        }
    }

    /// A gap, in a table laid out anew when this one has none or would become too full.
    fn make_gap(&mut self, key: Key, rests: &impl Fn(&Entry) -> bool) -> Option<Gap> {
        loop {
            let gap = self.gap(key, rests);
            let is_empty = |gap: &Gap| self.rows.get(gap.vacant).is_some_and(|row| row[0] == 0);
            let is_full = self.filled * 4 >= self.homes * 3;
            let is_fine = gap.as_ref().is_some_and(|gap| !is_full || !is_empty(gap));
            if is_fine || self.doublings == 0 {
                return gap;
            }
            self.renew(rests);
        }
    }

    /// Lets go of all keys at rest; with twice as many homes when more than half are live. The entries
    /// keep their order, and since two that had homes of their own are no nearer then, none comes to lie
    /// further from its home than before.
    fn renew(&mut self, rests: impl Fn(&Entry) -> bool) {
        let is_live = |row: &&Row| row[0] != 0 && !rests(&Entry::unpack(**row));
        let live = self.rows.iter().filter(is_live).count();
        let renewed = if live > self.filled / 2 {
            Self::laid_out(self.homes * 2, self.doublings - 1)
        } else {
            Self::laid_out(self.homes, self.doublings)
        };
        let old = mem::replace(self, renewed);
        (self.filled, self.spare) = (live, old.spare);
        let mut next = 0;
        for row in old.rows.iter().filter(|row| row[0] != 0) {
            let entry = Entry::unpack(*row);
            if rests(&entry) {
                self.let_go(&entry);
                continue;
            }
            let place = self.home(entry.key).max(next);
            if let Some(free) = self.rows.get_mut(place) {
                *free = *row;
            }
            self.mark(place);
            next = place + 1;
        }
    }

    /// Takes the cells of an entry back, if it has some.
    pub fn let_go(&mut self, entry: &Entry) {
        if entry.has_block() {
            self.spare.push(entry.block);
        }
    }

    /// A block that was taken back, once.
    pub fn spare_block(&mut self) -> Option<u32> {
        self.spare.pop()
    }

    /// Takes a label from whatever bears it. The entries keep counting.
    pub fn unlabel(&mut self, label: u64) {
        for row in self.rows.iter_mut().filter(|row| row[0] != 0) {
            if row[3] == label {
                row[3] = 0;
            }
        }
    }

    /// Every entry, at rest or not, in the order of the keys.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let words = self.used.iter().zip(self.rows.chunks(WORD));
        let used = words.filter(|(word, _)| **word != 0);
        let rows = used.flat_map(|(_, rows)| rows.iter().filter(|row| row[0] != 0));
        rows.map(|row| Entry::unpack(*row))
    }

    /// Where a new key would go, and the nearest place that can be given up for it. What lies between
    /// moves by one: towards its home, or away from it as long as that stays within reach.
    fn gap(&self, key: Key, rests: impl Fn(&Entry) -> bool) -> Option<Gap> {
        let home = self.home(key);
        let span = self.rows.get(home..)?.iter().take(SPAN);
        let (mut before, mut vacant) = (None, None);
        for (place, row) in (home..).zip(span) {
            let is_free = row[0] == 0 || rests(&Entry::unpack(*row));
            vacant = vacant.or(is_free.then_some(place));
            before = before.or((row[0] == 0 || row[0] > key.0[0]).then_some(place));
            match (before, vacant) {
                (Some(before), Some(vacant)) => return Some(Gap { before, vacant }),
                (None, _) if place + 1 - home < REACH => {}
                // All within reach come before the new key: it goes behind the last of them.
                (None, vacant) => {
                    let before = place + 1;
                    return vacant.map(|vacant| Gap { before, vacant });
                }
                (Some(_), None) if place + 1 - self.home(Key([row[0], row[1]])) < REACH => {}
                (Some(_), None) => return None,
            }
        }
        None
    }

    #[inline]
    fn home(&self, key: Key) -> usize {
        let homes = u128::try_from(self.homes).unwrap_or(0);
        usize::try_from((u128::from(key.0[0]) * homes) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
