//! The pumping guard of a gateway: asked once for each verification by SMS, told of each that is sent and
//! of each that succeeds. What it counts is durable with the commit that it counts, so that a restart
//! forgets nothing. It has a lock of its own, taken behind that of the state and never before it.

mod block;
mod desk;
pub(crate) mod record;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::pumping::{Ask, Prefix, Reason};
use ledger::Kind;
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::changes::Write;
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::{Counter, MetricKind, MetricRow, gauge};
use crate::settings::Settings;
use crate::state::State;

pub use block::{
    CountryCount, Lifted, PrefixCount, PumpingStats, StandingBlock, UnblockError, UnblockReason,
    UnblockReasonError,
};
pub(crate) use desk::{Desk, Judged};
pub(crate) use record::Record;

/// A start that the guard refuses. Nobody is told before what it found is durable.
#[derive(Debug)]
pub(crate) struct PumpingRefusal {
    /// Why.
    pub(crate) reason: Reason,
    /// Where the refusal began a block: whether its entry is durable.
    pub(crate) recorded: Option<oneshot::Receiver<bool>>,
}

impl Gateway {
    /// The guard, locked. Whoever needs the state too locks it first.
    pub(crate) fn pumping(&self) -> MutexGuard<'_, Desk> {
        self.pumping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the guard about a verification that is about to start, once everything else has said yes. A
    /// block that begins is committed here, before whatever the caller commits.
    pub(crate) fn judge_pumping(
        &self,
        state: &mut State,
        settings: &Settings,
        ask: Ask,
        now: Timestamp,
    ) -> Result<(), PumpingRefusal> {
        let moment = self.moment(now);
        let judged = self.pumping().judge(ask, &settings.pumping, moment);
        self.act_on(state, judged, ask, now)
    }

    /// Asks the guard about a code that is to be sent once more.
    pub(crate) fn judge_pumping_again(
        &self,
        state: &mut State,
        settings: &Settings,
        ask: Ask,
        now: Timestamp,
    ) -> Result<(), PumpingRefusal> {
        let steady = self.steady();
        let judged = self.pumping().judge_again(ask, &settings.pumping, steady);
        self.act_on(state, judged, ask, now)
    }

    /// Asks the guard about a message with a code of the application's own. No block begins with it, and while
    /// none stands nothing is looked up.
    pub(crate) fn judge_message(
        &self,
        state: &mut State,
        settings: &Settings,
        ask: Ask,
        now: Timestamp,
    ) -> Result<(), Reason> {
        if !self.blocks_stand.load(Ordering::Relaxed) {
            return Ok(());
        }
        let steady = self.steady();
        match self.pumping().judge_again(ask, &settings.pumping, steady) {
            Judged::Clear => Ok(()),
            Judged::Shadow(finding, _) => {
                suspect(state, ask, finding.reason.code(), now);
                Ok(())
            }
            Judged::Refuse(finding, _) => Err(finding.reason),
        }
    }

    fn act_on(
        &self,
        state: &mut State,
        judged: Judged,
        ask: Ask,
        now: Timestamp,
    ) -> Result<(), PumpingRefusal> {
        let (finding, begun, refuses) = match judged {
            Judged::Clear => return Ok(()),
            Judged::Shadow(finding, begun) => (finding, begun, false),
            Judged::Refuse(finding, begun) => (finding, begun, true),
        };
        let word = finding.reason.code();
        let recorded = begun.map(|begun| self.record_block(ask, &begun, now));
        if refuses {
            state.counters.add(Counter::Risk(word), 1);
            let reason = finding.reason;
            return Err(PumpingRefusal { reason, recorded });
        }
        suspect(state, ask, word, now);
        Ok(())
    }

    /// Commits that a block begins. The state is locked.
    fn record_block(
        &self,
        ask: Ask,
        begun: &desk::Begun,
        now: Timestamp,
    ) -> oneshot::Receiver<bool> {
        self.blocks_stand.store(true, Ordering::Relaxed);
        let mut batch = Batch::new(now);
        if let Some(lifted) = &begun.lifted {
            batch.entry(entries::pumping::over(lifted));
        }
        batch.entry(entries::pumping::blocked(ask.client, &begun.told));
        self.keep_record(&mut batch, &Record::blocked(&begun.block, begun.at));
        let (told, recorded) = oneshot::channel();
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |_, result| {
                let _ = told.send(result.is_ok());
            });
        }
        recorded
    }

    /// Counts a verification whose first code is sent by the commit of this batch, which has an entry.
    pub(crate) fn note_pumping_sent(&self, batch: &mut Batch, settings: &Settings, ask: Ask) {
        let steady = self.steady();
        let counted = self.pumping().sent(ask, &settings.pumping, steady);
        if let Some(at) = counted {
            self.keep_record(batch, &Record::sent(ask, at));
        }
    }

    /// Counts a verification that succeeds with the commit of this batch, which has an entry.
    pub(crate) fn note_pumping_verified(&self, batch: &mut Batch, ask: Ask) {
        let steady = self.steady();
        let at = self.pumping().verified(ask, steady);
        self.keep_record(batch, &Record::verified(ask, at));
    }

    /// Adds a record to a batch, and with it the whole of what the guard knows when that is due.
    fn keep_record(&self, batch: &mut Batch, record: &Record) {
        let sequence = self.ids.sequence(batch.at());
        let row = record::seal(self.blind(), sequence, record, self.entropy.as_ref());
        if let Some(row) = row {
            batch.write(Write::Pumping(row));
        }
        self.keep_whole(batch);
    }

    /// Adds the whole that lies ready, in place of everything before it.
    pub(crate) fn keep_whole(&self, batch: &mut Batch) {
        let Some(row) = self.pumping().take_ready() else {
            return;
        };
        let before = row.sequence;
        batch.write(Write::Pumping(row));
        batch.write(Write::ForgetPumping { before });
    }

    /// Makes the whole ready when enough has come or it is old enough. Every count is made and given its
    /// sequence while the state is locked, so that none falls between the whole and what follows it.
    fn prepare_whole(&self, now: Timestamp) {
        // An erasure must not fall between the whole and its being ready: it would bring the number back.
        let Ok(_alone) = self.destruction.try_lock() else {
            return;
        };
        let (whole, sequence) = {
            let _state = self.state();
            let mut desk = self.pumping();
            if !desk.is_due(self.steady()) {
                return;
            }
            (desk.whole(), self.ids.sequence(now))
        };
        let row = record::seal(self.blind(), sequence, &whole, self.entropy.as_ref());
        if let Some(row) = row {
            self.pumping().put_ready(row);
        }
    }

    /// Forgets that a number waits for its first success. Gives the writes that put the whole, without it, in
    /// place of every record so far.
    pub(crate) fn forget_in_pumping(&self, number: Msisdn) -> Vec<Write> {
        let now = self.now();
        let (whole, before) = {
            let _state = self.state();
            let mut desk = self.pumping();
            if !desk.forget(number) {
                return Vec::new();
            }
            (desk.whole(), self.ids.sequence(now))
        };
        let row = record::seal(self.blind(), before, &whole, self.entropy.as_ref());
        let writes = row.map(|row| [Write::Pumping(row), Write::ForgetPumping { before }]);
        writes.into_iter().flatten().collect()
    }

    /// One round: tells of the blocks that are over, and makes the whole ready.
    pub(crate) fn keep_pumping(&self, now: Timestamp) {
        let state = self.state();
        let steady = self.steady();
        let over = self.pumping().over(steady);
        self.look_for_blocks();
        self.warn_of_uncounted();
        if !over.is_empty() {
            let mut batch = Batch::new(now);
            for lifted in &over {
                batch.entry(entries::pumping::over(lifted));
                self.keep_record(&mut batch, &Record::over(lifted.prefix));
            }
            if let Some(changes) = batch.finish() {
                self.commit(changes, |_, _| {});
            }
        }
        drop(state);
        self.prepare_whole(now);
    }

    /// Says that the guard did not count something.
    fn warn_of_uncounted(&self) {
        let steady = self.steady();
        let uncounted = self.pumping().newly_uncounted(steady);
        if let Some(uncounted) = uncounted {
            tracing::warn!(
                uncounted,
                "the tables of the guard against pumping are full of codes that nobody used: new prefixes and \
                 numbers are not counted; `shortstop verifications stats` shows whose they are"
            );
        }
    }

    /// Notes whether any block stands, for those who only ask then.
    pub(crate) fn look_for_blocks(&self) {
        let steady = self.steady();
        let any = self.pumping().blocks(steady) > 0;
        self.blocks_stand.store(any, Ordering::Relaxed);
    }

    /// What the guard counts and blocks now.
    pub fn pumping_stats(&self) -> PumpingStats {
        let now = self.now();
        let mode = self.settings().pumping.mode;
        let moment = self.moment(now);
        self.pumping().stats(mode, moment)
    }

    /// Ends the block of a prefix, and forgets what is held against it.
    pub async fn unblock_prefix(
        &self,
        actor: &str,
        prefix: Prefix,
        why: &UnblockReason,
    ) -> Result<Lifted, UnblockError> {
        let now = self.now();
        let (told, recorded) = oneshot::channel();
        let lifted = {
            let _state = self.state();
            let steady = self.steady();
            let lifted = self.pumping().release(prefix, steady);
            let lifted = lifted.ok_or(UnblockError::NotBlocked)?;
            let entry = entries::pumping::unblocked(&lifted, actor, why);
            let mut batch = Batch::new(now);
            batch.entry(entry);
            self.keep_record(&mut batch, &Record::released(prefix));
            let changes = batch.finish().ok_or(UnblockError::Unavailable)?;
            self.commit(changes, move |gateway, result| {
                if result.is_err() {
                    gateway.turned_away(1);
                }
                let _ = told.send(result.is_ok());
            });
            lifted
        };
        if self.is_halted() {
            self.answer_held_back();
        }
        match recorded.await {
            Ok(true) => Ok(lifted),
            _ => Err(UnblockError::Unavailable),
        }
    }

    /// What is told in metrics.
    pub(crate) fn pumping_rows(&self) -> Vec<MetricRow> {
        let now = self.steady();
        let desk = self.pumping();
        let help = "Prefixes that get no codes, since codes to them go unused.";
        let blocks = desk.blocks(now);
        let mut rows = vec![
            gauge("shortstop_pumping_blocks", help, vec![], blocks),
            MetricRow {
                name: "shortstop_pumping_uncounted_total",
                help: "Verifications that the full tables of the pumping guard did not count.",
                kind: MetricKind::Counter,
                labels: vec![],
                value: desk.uncounted(),
            },
        ];
        for (country, count) in desk.by_country(now) {
            for (outcome, value) in [("sent", count.sent), ("verified", count.verified)] {
                let help =
                    "Verifications of the last 24 hours by country: codes sent, and codes used.";
                let labels = vec![
                    ("country", country.clone()),
                    ("outcome", outcome.to_owned()),
                ];
                let value = usize::try_from(value).unwrap_or(usize::MAX);
                let name = "shortstop_verifications_day";
                rows.push(gauge(name, help, labels, value));
            }
        }
        rows
    }
}

/// Counts a code that goes ahead and would have been refused.
fn suspect(state: &mut State, ask: Ask, word: &'static str, now: Timestamp) {
    state.counters.add(Counter::Suspected(word), 1);
    let (kind, who) = (Kind::PumpingSuspected, Who::Client(ask.client));
    let done = ledger::Outcome::Done;
    state.coalescer.count(kind, done, who, word, now);
}

/// Adds counts up by country.
pub(crate) type ByCountry = BTreeMap<String, domain::verification::pumping::Count>;
