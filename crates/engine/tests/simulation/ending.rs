//! The end of a run: everything around the gateway becomes healthy, and then every accepted message must
//! reach a final state for which there is a reason.

use std::time::Duration;

use domain::message::{MessageState, ReceiptState, SegmentState};
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Answer, Direction};
use engine::rows::MessageRow;

use super::carrier::mix;
use super::rebuilt;
use super::world::{World, binds};

/// Tries to reopen a store, of which the first may still fail.
const TRIES: usize = 3;
/// Rounds in which everything must come to rest.
const ROUNDS: usize = 3_000;

/// Every so many seeds, the ledger is pruned in the end.
const PRUNED_EVERY: u64 = 8;

impl World {
    /// Brings the run to its end. Gives a hash of everything that the ledger and the carriers saw.
    pub fn end(mut self) -> u64 {
        self.carrier.seen().healthy = true;
        self.heal();
        for round in 0..ROUNDS {
            self.heal();
            self.round();
            self.check();
            if self.is_at_rest() {
                break;
            }
            // Receipts that were lost for good are given up after their time.
            let step = if round > 500 {
                Duration::from_mins(10)
            } else {
                Duration::from_secs(2)
            };
            self.clock.advance(step);
        }
        assert!(
            self.is_at_rest(),
            "it never comes to rest: {:?}",
            self.unsettled()
        );
        self.every_end_has_its_reason();
        rebuilt::the_entries_alone_give_the_state(&self.node);
        if self.seed.is_multiple_of(PRUNED_EVERY) {
            rebuilt::so_does_what_is_left_of_a_pruned_ledger(&self.node);
        }
        mix(self.audit.hash, self.carrier.seen().hash)
    }

    fn heal(&mut self) {
        self.node.store.set_queue_max(usize::MAX);
        for _ in 0..TRIES {
            if !self.node.gateway.health().is_ready() {
                self.reopen();
            }
        }
        assert!(
            self.node.gateway.health().is_ready(),
            "the store cannot be reopened"
        );
        for bind in binds() {
            if self.up.insert(bind.clone()) {
                self.node
                    .command(|gateway| gateway.bound(&bind, Direction::Both));
            }
        }
    }

    fn round(&mut self) {
        self.node.command(engine::Gateway::dispatch);
        self.node.gateway.keep_house(self.clock.peek());
        self.node.store.sync();
        for bind in binds() {
            let answers = self.carrier.seen().answers(&bind, usize::MAX);
            if !answers.is_empty() {
                self.node
                    .command(|gateway| gateway.answered(&bind, answers));
            }
        }
        self.node.store.sync();
        self.hear_verdicts();
        self.add_final_receipts();
        for bind in binds() {
            self.deliver_over(&bind, 100);
        }
        self.node.store.sync();
        self.match_receipts();
        self.node.store.sync();
    }

    /// A receipt for every segment that is submitted and open.
    fn add_final_receipts(&mut self) {
        let attempts = self.carrier.seen().attempts.clone();
        for attempt in attempts {
            let open = self.node.store.with_image(|image| {
                let row = image.message_row(attempt.token.message).unwrap();
                let segment = &row.segments[usize::from(attempt.token.segment)];
                !row.state.is_final()
                    && segment.state() == SegmentState::Submitted
                    && segment.carrier_id() == attempt.taken.as_ref()
            });
            if open {
                self.add_receipt(&attempt, ReceiptState::Delivered);
            }
        }
    }

    fn unsettled(&self) -> Vec<MessageRow> {
        self.node.store.with_image(|image| {
            let open = image.messages().filter(|row| !row.state.is_final());
            open.cloned().collect()
        })
    }

    fn is_at_rest(&self) -> bool {
        let quiet = self.handsets.waiting.is_empty() && self.handsets.open.is_empty();
        quiet && !self.somebody_waits() && self.unsettled().is_empty()
    }

    fn every_end_has_its_reason(&self) {
        let image = self.node.store.image();
        for (sequence, id) in &self.clients.acked {
            assert!(
                image.message_row(*sequence).is_some(),
                "{id} was accepted and is lost"
            );
        }
        for row in image.messages() {
            self.end_has_its_reason(row);
        }
        assert!(
            image.inbounds().count() >= self.handsets.taken,
            "a text was taken and is lost"
        );
    }

    fn end_has_its_reason(&self, row: &MessageRow) {
        let seen = self.carrier.seen();
        let own = |attempt: &&super::carrier::Attempt| attempt.token.message == row.id.sequence();
        let attempts: Vec<_> = seen.attempts.iter().filter(own).collect();
        match row.state {
            MessageState::Delivered => {
                for (place, _) in (0_u8..).zip(&row.segments) {
                    let taken = attempts
                        .iter()
                        .any(|a| a.token.segment == place && a.taken.is_some());
                    assert!(taken, "{} is delivered without having been taken", row.id);
                }
            }
            MessageState::Cancelled => {
                assert!(self.clients.acked.contains_key(&row.id.sequence()));
            }
            MessageState::Failed => {
                let refused = attempts.iter().any(|attempt| {
                    attempt.taken.is_some()
                        || matches!(attempt.answer, Answer::Rejected(_) | Answer::QueueFull(_))
                });
                assert!(refused, "{} failed for no reason", row.id);
            }
            MessageState::Unknown => assert!(!attempts.is_empty() || self.lives > 1),
            _ => {}
        }
    }
}
