//! Blocks of prefixes. A block lasts its time; then the prefix is on trial for a day: a few codes are sent,
//! and if they are not used either by the time that they end, the next block begins at once.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::finding::{BlockNews, Prefix, Reach, Reason};
use super::history::{Count, Event, OPEN};
use super::table::Table;
use crate::id::ClientId;
use crate::time::Timestamp;

/// How long a trial lasts after a block.
const TRIAL: Duration = Duration::from_hours(24);

/// Codes of a trial before it is judged.
const TRIAL_SENDS: u32 = 5;

/// Of the codes of a trial so many percent must be used.
const TRIAL_PERCENT: u32 = 35;

/// The most blocks and trials at once.
pub(super) const BLOCKS_MAX: usize = 16_384;

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockState {
    /// What it began with.
    pub reason: Reason,
    /// When it ends.
    pub until: Timestamp,
    /// Whether it is the first, second … in a row: 1 or more.
    pub nth: u16,
    /// Sends that were refused since it began.
    pub refused: u32,
    /// What was sent and used since it ended.
    pub trial: Count,
    /// When the last code of the trial was sent.
    #[serde(default)]
    pub tried: Option<Timestamp>,
    /// The client that it is for; every client where none is named.
    #[serde(default)]
    pub client: Option<ClientId>,
}

impl Default for BlockState {
    fn default() -> Self {
        Self {
            reason: Reason::PrefixBlocked,
            until: Timestamp::EPOCH,
            nth: 0,
            refused: 0,
            trial: Count::default(),
            tried: None,
            client: None,
        }
    }
}

impl BlockState {
    fn stands(&self, now: Timestamp) -> bool {
        now < self.until
    }

    fn is_on_trial(&self, now: Timestamp) -> bool {
        !self.stands(now) && now < self.until.saturating_add(TRIAL)
    }

    fn is_for(&self, client: ClientId) -> bool {
        self.client.is_none_or(|own| own == client)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until.saturating_add(TRIAL)
    }
}

/// How a trial goes, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Nothing speaks against one more code.
    Goes,
    /// Its codes are sent, too few are used yet, and some can still be typed in.
    Awaited,
    /// They went unused too.
    Failed(BlockState),
}

/// Whether a prefix has to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is blocked, or on trial after a block.
    Suspect,
    /// It is neither.
    Free,
}

/// A prefix as one client meets it.
type Of = (Prefix, ClientId);

const fn reach(client: Option<ClientId>) -> Reach {
    match client {
        Some(_) => Reach::Client,
        None => Reach::All,
    }
}

/// All blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    rows: Table<Prefix, BlockState>,
}

impl Blocks {
    /// Begins a block of a client, or of every client. One that follows another client's is of every
    /// client: then it is the prefix, and not one door. When the table is full it holds for this one send
    /// only.
    pub(super) fn begin(
        &mut self,
        (prefix, client): (Prefix, Option<ClientId>),
        reason: Reason,
        length: Duration,
        now: Timestamp,
    ) -> BlockNews {
        let until = now.saturating_add(length);
        let is_over = |block: &BlockState| block.is_over(now);
        let Some(block) = self.rows.entry(prefix, BLOCKS_MAX, is_over, now) else {
            let reach = reach(client);
            return BlockNews::Begins {
                until,
                nth: 1,
                reach,
            };
        };
        let is_new = block.is_over(now);
        let nth = if is_new { 0 } else { block.nth }.saturating_add(1);
        let client = client.filter(|_| is_new || block.client == client);
        *block = BlockState {
            reason,
            until,
            nth,
            client,
            ..BlockState::default()
        };
        let reach = reach(client);
        BlockNews::Begins { until, nth, reach }
    }

    /// The block that stands in the way of a client's send.
    pub(super) fn standing_block(&self, place: Of, now: Timestamp) -> Option<BlockNews> {
        let block = self.of(place)?;
        let until = block.until;
        block.stands(now).then_some(BlockNews::Stands { until })
    }

    /// Whether the trial of the prefix shows that nothing has changed.
    pub(super) fn trial(&self, place: Of, now: Timestamp) -> Trial {
        let Some(block) = self.of(place).filter(|block| block.is_on_trial(now)) else {
            return Trial::Goes;
        };
        let is_poor = block.trial.converts_below(TRIAL_PERCENT);
        if block.trial.sent < TRIAL_SENDS || !is_poor {
            return Trial::Goes;
        }
        let ended = |last: Timestamp| now.since(last) >= OPEN.span();
        if block.tried.is_none_or(ended) {
            Trial::Failed(*block)
        } else {
            Trial::Awaited
        }
    }

    /// Whether the prefix has to prove itself now, for this client.
    pub(super) fn standing_of(&self, place: Of, now: Timestamp) -> Standing {
        match self.of(place) {
            Some(block) if !block.is_over(now) => Standing::Suspect,
            _ => Standing::Free,
        }
    }

    pub(super) fn sent(&mut self, place: Of, now: Timestamp) {
        self.note(place, Event::Sent, now);
    }

    pub(super) fn verified(&mut self, place: Of, now: Timestamp) {
        self.note(place, Event::Verified, now);
    }

    fn note(&mut self, (prefix, client): Of, event: Event, now: Timestamp) {
        let block = self.rows.get_mut(&prefix);
        let block = block.filter(|block| block.is_for(client) && block.is_on_trial(now));
        if let Some(block) = block {
            block.trial.add(event);
            if event == Event::Sent {
                block.tried = Some(now);
            }
        }
    }

    pub(super) fn refused(&mut self, (prefix, client): Of) {
        let block = self.rows.get_mut(&prefix);
        if let Some(block) = block.filter(|block| block.is_for(client)) {
            block.refused = block.refused.saturating_add(1);
        }
    }

    fn of(&self, (prefix, client): Of) -> Option<&BlockState> {
        let block = self.rows.get(&prefix);
        block.filter(|block| block.is_for(client))
    }

    /// Puts a block as it was.
    pub(super) fn put(&mut self, prefix: Prefix, state: BlockState, now: Timestamp) {
        let is_over = |block: &BlockState| block.is_over(now);
        if let Some(block) = self.rows.entry(prefix, BLOCKS_MAX, is_over, now) {
            *block = state;
        }
    }

    /// The block of a prefix, over or not.
    pub(super) fn state_of(&self, prefix: Prefix) -> Option<BlockState> {
        self.rows.get(&prefix).copied()
    }

    pub(super) fn release(&mut self, prefix: Prefix) {
        self.rows.remove(&prefix);
    }

    pub(super) fn standing(&self, now: Timestamp) -> Vec<(Prefix, BlockState)> {
        let rows = self.rows.iter().filter(|(_, block)| block.stands(now));
        rows.map(|(prefix, block)| (*prefix, *block)).collect()
    }

    /// The blocks that are not over.
    pub(super) fn to_rows(&self, now: Timestamp) -> Vec<(Prefix, BlockState)> {
        self.rows.to_rows(|block| block.is_over(now))
    }

    pub(super) const fn turned_away(&self) -> u64 {
        self.rows.turned_away()
    }

    pub(super) fn from_rows(rows: Vec<(Prefix, BlockState)>) -> Self {
        Self {
            rows: Table::from_rows(rows, BLOCKS_MAX),
        }
    }
}
