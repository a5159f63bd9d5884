//! Receipts that never come: the wait for them ends. Messages in memory are looked at by the
//! housekeeper; those that left it while they waited are looked for in the store.

use std::collections::hash_map::Entry;
use std::time::Duration;

use domain::message::{Event, MessageState, Outcome as Applied, SegmentState};
use domain::time::Timestamp;
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::store::ReadError;
use crate::rows::{MessageRow, VaultRow};
use crate::state::State;
use crate::state::carrier_ids::SegmentRef;

/// Segments in memory that are looked at in one round.
const SWEEP: usize = 1_000;
/// Messages looked at in one read and ended in one commit.
const BATCH: u16 = 500;

impl Gateway {
    /// Ends the wait of messages in memory whose receipts did not come in their time.
    pub fn end_overdue(&self, now: Timestamp) -> usize {
        let patience = self.settings().receipt_timeout;
        let mut batch = Batch::new(now);
        let mut state = self.state();
        for target in state.carrier_ids.sweep(SWEEP) {
            state.end_wait(target, patience, &mut batch);
        }
        let count = batch.len();
        if let Some(changes) = batch.finish() {
            self.commit(changes, |_, _| {});
        }
        count
    }

    /// Ends the wait of every message that is overdue and no longer in memory; gives how many segments
    /// ended. No call may overlap with another or with [`Gateway::match_receipts`]: both begin with
    /// what is stored.
    pub async fn end_forgotten(&self) -> Result<usize, ReadError> {
        let now = self.now();
        // A message waits from its submission on, which is never before its id was drawn.
        let before = sequence(now.saturating_sub(self.settings().receipt_timeout));
        let (mut after, mut ended) = (0, 0);
        loop {
            let rows = self.store.unsettled(after, before, BATCH).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(ended);
            };
            after = last.id.sequence();
            let is_last = rows.len() < usize::from(BATCH);
            ended += self.end_stored(rows, now).await;
            if is_last {
                return Ok(ended);
            }
        }
    }

    /// Ends what is overdue of these; waits until that is durable.
    async fn end_stored(&self, rows: Vec<(MessageRow, Vec<VaultRow>)>, now: Timestamp) -> usize {
        let mut batch = Batch::new(now);
        let (done, durable) = oneshot::channel();
        {
            let mut state = self.state();
            for (row, vault) in rows {
                self.visit_overdue(&mut state, row, &vault, &mut batch);
            }
            let Some(changes) = batch.finish() else {
                return 0;
            };
            let count = changes.entries().len();
            self.commit(changes, move |_, result| {
                let _ = done.send(result.map_or(0, |_| count));
            });
        }
        durable.await.unwrap_or(0)
    }

    /// Brings a message back into memory for as long as it takes to end its wait.
    fn visit_overdue(
        &self,
        state: &mut State,
        row: MessageRow,
        vault: &[VaultRow],
        batch: &mut Batch,
    ) {
        let sequence = row.id.sequence();
        let Entry::Vacant(place) = state.messages.entry(sequence) else {
            return;
        };
        let mut open = self.reopen_message(row, vault);
        // What moves is in memory: it has ended since, and that is not durable yet.
        if open.moves() {
            return;
        }
        open.spilled = true;
        place.insert(open);
        let patience = self.settings().receipt_timeout;
        let segments = state
            .messages
            .get(&sequence)
            .map_or(0, |open| open.segments.len());
        for segment in (0..u8::MAX).take(segments) {
            let target = SegmentRef {
                message: sequence,
                segment,
            };
            state.end_wait(target, patience, batch);
        }
        state.settle(sequence);
    }
}

impl State {
    /// Ends the wait for one segment's receipt if it is overdue.
    fn end_wait(&mut self, target: SegmentRef, patience: Duration, batch: &mut Batch) {
        let Some(open) = self.messages.get_mut(&target.message) else {
            return;
        };
        let now = batch.at();
        let segment = open.segments.get(usize::from(target.segment));
        let is_overdue = segment.is_some_and(|segment| {
            segment.state() == SegmentState::Submitted
                && segment.changed().is_some_and(|at| now.since(at) > patience)
        });
        let before = open.state;
        if !is_overdue || open.apply(target.segment, Event::ReceiptOverdue, now) != Applied::Changed
        {
            return;
        }
        let draft = entries::unknown((open, before), target.segment, "no-receipt");
        batch.fact(draft, open);
        if open.state == MessageState::Unknown {
            self.counters.add(Counter::Settled("unknown"), 1);
        }
    }
}

/// The first sequence of a moment.
const fn sequence(moment: Timestamp) -> u64 {
    moment.millis() << 12
}
