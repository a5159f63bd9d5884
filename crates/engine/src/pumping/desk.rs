//! What the guard is and which of its blocks have been told: everything behind the one lock.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::msisdn::Msisdn;
use domain::time::{Moment, Timestamp};
use domain::verification::pumping::{
    Ask, BlockNews, BlockState, Finding, Mode, Prefix, PumpingGuard, PumpingPolicy, Reach, Verdict,
};

use super::ByCountry;
use super::block::{CountryCount, Lifted, PrefixCount, PumpingStats, StandingBlock};
use super::record::Record;
use crate::rows::PumpingRow;

/// Records after which the whole is kept anew: as many are read at a start in well under a second.
const RECORDS_MAX: u32 = 10_000;

/// After so long the whole is kept anew all the same, so that no single number lies there for longer.
const WHOLE_EVERY: Duration = Duration::from_hours(1);

/// The most blocks that are told at once; as many as the guard holds.
const BLOCKS_MAX: usize = 16_384;

/// The most prefixes that are shown, those with the most unused codes first.
const PREFIXES_SHOWN: usize = 100;

/// Between two warnings that something was not counted.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// The desk. `Debug` shows how much it holds and nothing of it.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    guard: PumpingGuard,
    /// Blocks whose beginning is told and whose end is not.
    standing: BTreeMap<Prefix, StandingBlock>,
    /// Records since the whole was kept.
    records: u32,
    /// When the first of them came.
    oldest: Option<Timestamp>,
    /// The whole, sealed, until a commit takes it along.
    ready: Option<PumpingRow>,
    /// How far the time of the guard is ahead of the steady clock, where a clock once ran ahead: it goes on from
    /// the latest moment that it was told.
    ahead: Duration,
    /// What was not counted and is warned of, and when that was.
    warned: (u64, Option<Timestamp>),
}

/// What the guard says of a start.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Nothing.
    Clear,
    /// It would refuse it.
    Shadow(Finding, Option<Begun>),
    /// It refuses it.
    Refuse(Finding, Option<Begun>),
}

/// A block that begins.
#[derive(Debug)]
pub(crate) struct Begun {
    /// It.
    pub(crate) block: StandingBlock,
    /// The one before it on the same prefix, where its end was not told yet.
    pub(crate) lifted: Option<Lifted>,
    /// It as it is told: its end by the clock on the wall.
    pub(crate) told: StandingBlock,
    /// When it begins, in the time of the guard.
    pub(crate) at: Timestamp,
}

impl Desk {
    /// Time goes on from what was kept, though the steady clock should show less.
    pub(crate) fn go_on(&mut self, steady: Timestamp) {
        self.ahead = self.ahead.max(self.guard.latest().since(steady));
    }

    /// The time of the guard.
    fn time(&self, steady: Timestamp) -> Timestamp {
        steady.saturating_add(self.ahead)
    }

    /// Judges a start that is not counted yet.
    pub(crate) fn judge(
        &mut self,
        ask: Ask,
        policy: &PumpingPolicy,
        now: impl Into<Moment>,
    ) -> Judged {
        let now = now.into();
        match self.guard.judge(ask, policy, self.time(now.steady)) {
            Verdict::Clear => Judged::Clear,
            Verdict::Shadow(finding) => {
                Judged::Shadow(finding, self.begun(ask, &finding, Mode::Record, now))
            }
            Verdict::Refuse(finding) => {
                Judged::Refuse(finding, self.begun(ask, &finding, Mode::Enforce, now))
            }
        }
    }

    /// Judges a code that is sent once more. No block begins with it.
    pub(crate) fn judge_again(
        &mut self,
        ask: Ask,
        policy: &PumpingPolicy,
        steady: Timestamp,
    ) -> Judged {
        match self.guard.judge_again(ask, policy, self.time(steady)) {
            Verdict::Clear => Judged::Clear,
            Verdict::Shadow(finding) => Judged::Shadow(finding, None),
            Verdict::Refuse(finding) => Judged::Refuse(finding, None),
        }
    }

    fn begun(&mut self, ask: Ask, finding: &Finding, mode: Mode, now: Moment) -> Option<Begun> {
        let Some(BlockNews::Begins { until, nth, reach }) = finding.block else {
            return None;
        };
        let prefix = Prefix::of(ask.to);
        let lifted = self.standing.remove(&prefix).map(|old| lifted(&old, 0));
        // The guard holds no more either: such a block is for this one start.
        if self.standing.len() >= BLOCKS_MAX {
            return None;
        }
        let block = StandingBlock {
            prefix,
            client: ask.client,
            reach,
            since: now.wall,
            until,
            nth,
            reason: finding.reason,
            evidence: finding.evidence,
            mode,
        };
        self.standing.insert(prefix, block.clone());
        let at = self.time(now.steady);
        self.count_record(at);
        let told = self.shown(&block, now);
        Some(Begun {
            block,
            lifted,
            told,
            at,
        })
    }

    /// A block with its end by the clock on the wall.
    fn shown(&self, block: &StandingBlock, now: Moment) -> StandingBlock {
        let left = block.until.since(self.time(now.steady));
        StandingBlock {
            until: now.wall.saturating_add(left),
            ..block.clone()
        }
    }

    /// Counts a start that goes ahead; when, in the time of the guard, if it counts.
    pub(crate) fn sent(
        &mut self,
        ask: Ask,
        policy: &PumpingPolicy,
        steady: Timestamp,
    ) -> Option<Timestamp> {
        let now = self.time(steady);
        let counts = self.guard.sent(ask, policy, now);
        counts.then(|| {
            self.count_record(now);
            now
        })
    }

    /// Counts a verification that succeeds.
    pub(crate) fn verified(&mut self, ask: Ask, steady: Timestamp) -> Timestamp {
        let now = self.time(steady);
        self.guard.verified(ask, now);
        self.count_record(now);
        now
    }

    /// Takes the blocks that are over. Each is given once.
    pub(crate) fn over(&mut self, steady: Timestamp) -> Vec<Lifted> {
        let now = self.time(steady);
        let ended = self.standing.values().filter(|block| block.until <= now);
        let ended: Vec<Prefix> = ended.map(|block| block.prefix).collect();
        let ended = ended.into_iter();
        ended.filter_map(|prefix| self.end(prefix)).collect()
    }

    fn end(&mut self, prefix: Prefix) -> Option<Lifted> {
        let block = self.standing.remove(&prefix)?;
        let refused = self.guard.block_of(prefix).map_or(0, |state| state.refused);
        Some(lifted(&block, refused))
    }

    /// Ends a block that stands.
    pub(crate) fn release(&mut self, prefix: Prefix, steady: Timestamp) -> Option<Lifted> {
        let now = self.time(steady);
        let stands = self.standing.get(&prefix)?.until > now;
        let lifted = stands.then(|| self.end(prefix)).flatten()?;
        self.guard.release(prefix);
        self.count_record(now);
        Some(lifted)
    }

    /// Takes in a record that was kept before a restart, in the order in which they were kept.
    pub(crate) fn take(&mut self, record: Record) {
        let moment = record.at();
        match record {
            Record::Whole {
                guard,
                standing,
                ahead,
            } => {
                let standing = standing.into_iter().map(|block| (block.prefix, block));
                *self = Self {
                    guard: PumpingGuard::restore(*guard),
                    standing: standing.collect(),
                    ahead,
                    ..Self::default()
                };
                return;
            }
            Record::Sent { who, at } => {
                if let Some(ask) = who.ask() {
                    self.guard.recount(ask, at);
                }
            }
            Record::Verified { who, at } => {
                if let Some(ask) = who.ask() {
                    self.guard.verified(ask, at);
                }
            }
            Record::Blocked { block, at } => {
                let state = BlockState {
                    reason: block.reason,
                    until: block.until,
                    nth: block.nth,
                    client: (block.reach == Reach::Client).then_some(block.client),
                    ..BlockState::default()
                };
                self.guard.block_again(block.prefix, state, at);
                self.standing.insert(block.prefix, *block);
            }
            Record::Over { prefix } => drop(self.standing.remove(&prefix)),
            Record::Released { prefix } => {
                self.standing.remove(&prefix);
                self.guard.release(prefix);
            }
        }
        self.count_record(moment.unwrap_or(Timestamp::EPOCH));
    }

    fn count_record(&mut self, now: Timestamp) {
        self.records = self.records.saturating_add(1);
        self.oldest.get_or_insert(now);
    }

    /// Whether the whole is to be kept anew.
    pub(crate) fn is_due(&self, steady: Timestamp) -> bool {
        let now = self.time(steady);
        let is_old = |oldest: Timestamp| now.since(oldest) >= WHOLE_EVERY;
        self.records >= RECORDS_MAX || self.oldest.is_some_and(is_old)
    }

    /// Whether anything came since the whole was kept.
    pub(crate) const fn has_records(&self) -> bool {
        self.records > 0
    }

    /// The whole, which stands for every record so far.
    pub(crate) fn whole(&mut self) -> Record {
        self.records = 0;
        self.oldest = None;
        Record::Whole {
            guard: Box::new(self.guard.snapshot()),
            standing: self.standing.values().cloned().collect(),
            ahead: self.ahead,
        }
    }

    /// Forgets that a number waits for its first success. Gives whether what is kept may name it.
    pub(crate) fn forget(&mut self, number: Msisdn) -> bool {
        let waited = self.guard.forget(number);
        let may_name = waited || self.records > 0 || self.ready.is_some();
        self.ready = None;
        may_name
    }

    /// Lays the whole ready for the next commit.
    pub(crate) fn put_ready(&mut self, row: PumpingRow) {
        let is_newer = |ready: &PumpingRow| ready.sequence < row.sequence;
        if self.ready.as_ref().is_none_or(is_newer) {
            self.ready = Some(row);
        }
    }

    /// Takes what lies ready.
    pub(crate) const fn take_ready(&mut self) -> Option<PumpingRow> {
        self.ready.take()
    }

    /// How many blocks stand.
    pub(crate) fn blocks(&self, steady: Timestamp) -> usize {
        let now = self.time(steady);
        let stand = self.standing.values().filter(|block| block.until > now);
        stand.count()
    }

    /// What was not counted because a table was full.
    pub(crate) const fn uncounted(&self) -> u64 {
        self.guard.uncounted()
    }

    /// What was not counted since the last warning, if one is due.
    pub(crate) fn newly_uncounted(&mut self, steady: Timestamp) -> Option<u64> {
        let now = self.time(steady);
        let (told, last) = self.warned;
        let new = self.uncounted().saturating_sub(told);
        let is_due = new > 0 && last.is_none_or(|last| now.since(last) >= WARN_EVERY);
        is_due.then(|| {
            self.warned = (self.uncounted(), Some(now));
            new
        })
    }

    /// The last 24 hours by country.
    pub(crate) fn by_country(&self, steady: Timestamp) -> ByCountry {
        let now = self.time(steady);
        let mut sums = ByCountry::new();
        for row in self.guard.stats(now) {
            let sum = sums.entry(row.country.to_string()).or_default();
            sum.sent = sum.sent.saturating_add(row.day.sent);
            sum.verified = sum.verified.saturating_add(row.day.verified);
        }
        sums
    }

    /// Everything that is shown.
    pub(crate) fn stats(&self, mode: Mode, at: impl Into<Moment>) -> PumpingStats {
        let at = at.into();
        let now = self.time(at.steady);
        let countries = self.guard.stats(now).into_iter();
        let countries = countries.map(|row| CountryCount {
            client: row.client,
            country: row.country.to_string(),
            hour: row.hour,
            day: row.day,
        });
        let mut prefixes = self.guard.prefixes(now);
        prefixes.retain(|row| row.day.sent > 0);
        prefixes.sort_by_key(|row| std::cmp::Reverse(row.day.unverified()));
        let prefixes = prefixes.into_iter().take(PREFIXES_SHOWN);
        let prefixes = prefixes.map(|row| PrefixCount {
            prefix: row.prefix,
            hour: row.hour,
            day: row.day,
        });
        let blocks = self.standing.values().filter(|block| block.until > now);
        let refused = |block: &StandingBlock| {
            let state = self.guard.block_of(block.prefix);
            state.map_or(0, |state| state.refused)
        };
        PumpingStats {
            mode,
            countries: countries.filter(|row| row.day.sent > 0).collect(),
            prefixes: prefixes.collect(),
            blocks: blocks
                .map(|block| (self.shown(block, at), refused(block)))
                .collect(),
            uncounted: self.guard.uncounted(),
        }
    }
}

const fn lifted(block: &StandingBlock, refused: u32) -> Lifted {
    Lifted {
        prefix: block.prefix,
        since: block.since,
        refused,
    }
}

#[cfg(test)]
mod tests {
    use domain::id::ClientId;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(864_000_000 + seconds)
    }

    fn ask(tail: u64) -> Ask {
        Ask {
            client: ClientId::new(1, 1),
            to: Msisdn::from_digits(4_915_100_000_000 + tail).unwrap(),
        }
    }

    /// A desk whose records a store keeps.
    #[derive(Default)]
    struct Kept {
        desk: Desk,
        records: Vec<String>,
    }

    impl Kept {
        fn keep(&mut self, record: &Record) {
            self.records.push(serde_json::to_string(record).unwrap());
        }

        /// Whether the start is sent.
        fn start(&mut self, tail: u64, second: u64) -> bool {
            let policy = PumpingPolicy::default();
            match self.desk.judge(ask(tail), &policy, at(second)) {
                Judged::Refuse(_, begun) => {
                    if let Some(begun) = begun {
                        self.keep(&Record::blocked(&begun.block, at(second)));
                    }
                    false
                }
                Judged::Clear | Judged::Shadow(..) => {
                    assert!(self.desk.sent(ask(tail), &policy, at(second)).is_some());
                    self.keep(&Record::sent(ask(tail), at(second)));
                    true
                }
            }
        }

        /// The desk of a process that starts over what is kept.
        fn restarted(&self) -> Desk {
            let mut desk = Desk::default();
            for record in &self.records {
                desk.take(serde_json::from_str(record).unwrap());
            }
            desk
        }
    }

    fn attacked() -> Kept {
        let mut kept = Kept::default();
        let sent = (0..200).filter(|n| kept.start(*n, *n)).count();
        assert_eq!(sent, 7);
        kept
    }

    #[test]
    fn a_restart_forgets_no_count_and_no_block() {
        let kept = attacked();
        let (before, after) = (&kept.desk, kept.restarted());
        assert_eq!(before.guard.stats(at(300)), after.guard.stats(at(300)));
        assert_eq!(after.blocks(at(300)), 1);
        assert_eq!(before.standing, after.standing);
        let mut after = Kept {
            desk: after,
            records: Vec::new(),
        };
        assert!(!after.start(9_000, 300), "the prefix is still blocked");
    }

    #[test]
    fn the_whole_stands_for_every_record_before_it() {
        let mut kept = attacked();
        let whole = kept.desk.whole();
        let whole = serde_json::to_string(&whole).unwrap();
        let mut alone = Desk::default();
        alone.take(serde_json::from_str(&whole).unwrap());
        assert!(!alone.has_records());
        kept.records.push(whole);
        let all = kept.restarted();
        assert_eq!(all.guard.snapshot(), alone.guard.snapshot());
        assert_eq!(all.standing, alone.standing);
    }

    #[test]
    fn a_block_is_told_once_when_it_is_over() {
        let mut kept = attacked();
        let prefix = Prefix::of(ask(0).to);
        let end = 7 + 12 * 3_600;
        assert!(kept.desk.over(at(end - 1)).is_empty());
        let over = kept.desk.over(at(end));
        assert_eq!(
            (over.len(), over[0].prefix, over[0].refused),
            (1, prefix, 193)
        );
        assert!(kept.desk.over(at(end)).is_empty());
        kept.keep(&Record::over(prefix));
        assert!(kept.restarted().over(at(end)).is_empty());
    }

    #[test]
    fn a_block_that_ended_while_nothing_ran_is_told_afterwards() {
        let mut restarted = attacked().restarted();
        assert_eq!(restarted.over(at(100 * 3_600)).len(), 1);
    }

    #[test]
    fn an_operator_ends_a_block_once_and_it_stays_ended() {
        let mut kept = attacked();
        let prefix = Prefix::of(ask(0).to);
        assert!(kept.desk.release(prefix, at(300)).is_some());
        assert!(kept.desk.release(prefix, at(300)).is_none());
        kept.keep(&Record::released(prefix));
        let mut after = Kept {
            desk: kept.restarted(),
            records: Vec::new(),
        };
        assert_eq!(after.desk.blocks(at(300)), 0);
        assert!(after.start(9_000, 300));
    }

    #[test]
    fn a_guard_that_only_records_tells_of_blocks_too() {
        let mut desk = Desk::default();
        let policy = PumpingPolicy {
            mode: Mode::Record,
            ..PumpingPolicy::default()
        };
        let mut begun = Vec::new();
        for n in 0..50 {
            match desk.judge(ask(n), &policy, at(n)) {
                Judged::Shadow(_, news) => begun.extend(news),
                Judged::Clear => {}
                Judged::Refuse(..) => panic!("it only records"),
            }
            desk.sent(ask(n), &policy, at(n));
        }
        assert_eq!(begun.len(), 1);
        assert_eq!(begun[0].block.mode, Mode::Record);
        assert_eq!(desk.stats(Mode::Record, at(60)).countries[0].day.sent, 50);
    }

    #[test]
    fn the_whole_is_due_after_many_records_or_an_hour() {
        let mut desk = Desk::default();
        assert!(!desk.is_due(at(100_000)));
        desk.verified(ask(1), at(0));
        assert!(!desk.is_due(at(3_599)) && desk.is_due(at(3_600)));
        let _ = desk.whole();
        assert!(!desk.is_due(at(90_000)));
        for n in 0..u64::from(RECORDS_MAX) {
            desk.verified(ask(n), at(1));
        }
        assert!(desk.is_due(at(2)));
    }

    #[test]
    fn what_is_not_counted_is_told_once_a_minute() {
        let policy = PumpingPolicy::default();
        let mut desk = Desk::default();
        let full = |desk: &mut Desk, places: u64| {
            for n in 0..places * 5 {
                desk.sent(ask(n / 5 * 100 + n % 5), &policy, at(0));
            }
        };
        full(&mut desk, 12_000);
        assert_eq!(desk.newly_uncounted(at(0)), None);
        full(&mut desk, 12_289);
        assert_eq!(desk.newly_uncounted(at(1)), Some(5));
        full(&mut desk, 12_289);
        assert_eq!(desk.newly_uncounted(at(60)), None);
        assert_eq!(desk.newly_uncounted(at(61)), Some(5));
        assert_eq!(desk.newly_uncounted(at(200)), None);
    }

    #[test]
    fn a_desk_shows_no_number() {
        let kept = attacked();
        assert!(!format!("{:?}", kept.desk.guard).contains("4915100000"));
    }
}
