//! Delivery receipts. A receipt is matched by (carrier, id): in memory first, then through the
//! store's index; one that matches nothing yet is kept for a while, since it can overtake the answer
//! that names its id. Whatever comes is durable before the carrier hears that it was taken.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::carrier_id::{CarrierMessageId, Confidence, candidates};
use domain::message::{CarrierName, Event, Outcome as Applied, ReceiptState};
use domain::time::Timestamp;
use ledger::{Kind, Outcome};

use crate::batch::Batch;
use crate::changes::Write;
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::keys::Blind;
use crate::metrics::Counter;
use crate::ports::carrier::{BindId, Receipt};
use crate::rows::UnmatchedRow;
use crate::settings::Settings;
use crate::state::carrier_ids::{Hit, SegmentRef};
use crate::state::{Open, State};

/// Where a receipt leads.
enum Match {
    /// To this segment, in memory.
    Segment(SegmentRef),
    /// To a segment that is settled: nothing new.
    Settled,
    /// To nothing in memory.
    None,
}

impl Gateway {
    /// Takes in one receipt.
    pub(crate) fn take_receipt(
        &self,
        state: &mut State,
        settings: &Settings,
        bind: &BindId,
        receipt: Receipt,
        batch: &mut Batch,
    ) {
        let carrier = &bind.carrier;
        match state.find(settings, carrier, &receipt) {
            Match::Segment(target) => {
                let fact = Fact {
                    state: receipt.state,
                    error: receipt.error,
                };
                state.apply_receipt(carrier, target, fact, batch);
            }
            Match::Settled => state.repeated(carrier, batch.at()),
            Match::None => self.keep(state, carrier, receipt, batch),
        }
    }

    /// Keeps a receipt that matches nothing yet.
    fn keep(&self, state: &mut State, carrier: &CarrierName, receipt: Receipt, batch: &mut Batch) {
        let now = batch.at();
        let row = UnmatchedRow {
            sequence: self.ids.sequence(now),
            carrier: carrier.clone(),
            carrier_id: receipt.carrier_id,
            state: receipt.state,
            error: receipt.error,
            subject: receipt.recipient.map(|number| self.blind.subject(number)),
            at: now,
        };
        let word = receipt.state.as_str();
        batch.entry(entries::unmatched(carrier, row.carrier_id.as_str(), word));
        batch.write(Write::Unmatched(row.clone()));
        state.counters.add(Counter::Receipts("unmatched"), 1);
        if let Some(oldest) = state.unmatched.insert(row) {
            batch.write(Write::ForgetUnmatched(oldest.sequence));
        }
        self.receipts_wake.notify_one();
    }

    /// Looks in the store for the segments of receipts that match nothing in memory. Gives how many
    /// found theirs.
    pub async fn match_receipts(&self) -> usize {
        let rows = self.state().unmatched.fresh(MATCH_BATCH);
        let mut matched = 0;
        for row in rows {
            matched += usize::from(self.match_receipt(&row).await);
        }
        matched
    }

    async fn match_receipt(&self, row: &UnmatchedRow) -> bool {
        let settings = self.settings();
        let form = settings
            .carriers
            .get(&row.carrier)
            .map(|carrier| carrier.id_form);
        for candidate in candidates(&row.carrier_id, form.unwrap_or_default()) {
            let Ok(found) = self.store.by_carrier_id(&row.carrier, &candidate.id).await else {
                return false;
            };
            let fits = |subject: &Blind| match (candidate.confidence, row.subject) {
                (Confidence::Exact, _) | (Confidence::Normalised, None) => true,
                (_, Some(named)) => named == *subject,
                (Confidence::OtherBase, None) => false,
            };
            let mut found = found
                .into_iter()
                .filter(|(message, _)| fits(&message.subject));
            if let (Some((message, segment)), None) = (found.next(), found.next()) {
                return self.settle_stored(row, message.id, segment).await;
            }
        }
        false
    }

    /// Brings a message back into memory and gives it its receipt.
    async fn settle_stored(
        &self,
        row: &UnmatchedRow,
        id: domain::id::MessageId,
        segment: u8,
    ) -> bool {
        let Ok(Some((message, vault))) = self.store.message(id).await else {
            return false;
        };
        let now = self.now();
        let mut batch = Batch::new(now);
        let mut state = self.state();
        if let Entry::Vacant(place) = state.messages.entry(id.sequence()) {
            let Some(open) = self.reopen_message(message, &vault) else {
                return false;
            };
            place.insert(open);
        }
        let target = SegmentRef {
            message: id.sequence(),
            segment,
        };
        let fact = Fact {
            state: row.state,
            error: row.error,
        };
        let taken = state.unmatched.take(|other| other.sequence == row.sequence);
        let changed = state.apply_receipt(&row.carrier, target, fact, &mut batch);
        state.settle(id.sequence());
        if changed == Applied::Changed && !taken.is_empty() {
            batch.write(Write::ForgetUnmatched(row.sequence));
        }
        if let Some(changes) = batch.finish() {
            self.commit(changes, |_, _| {});
        }
        true
    }
}

/// Receipts looked up in one round.
const MATCH_BATCH: usize = 500;

/// What a receipt says.
#[derive(Clone, Copy)]
struct Fact {
    state: ReceiptState,
    error: Option<u32>,
}

impl State {
    /// The segment that a receipt means. An exact id is enough; every other reading must be the only
    /// one, and must not contradict the recipient that the receipt names; another number base must
    /// be confirmed by it.
    fn find(&self, settings: &Settings, carrier: &CarrierName, receipt: &Receipt) -> Match {
        let form = settings
            .carriers
            .get(carrier)
            .map(|carrier| carrier.id_form);
        for group in self
            .carrier_ids
            .find(carrier, &receipt.carrier_id, form.unwrap_or_default())
        {
            match self.choose(&group, receipt) {
                Match::None => {}
                found => return found,
            }
        }
        Match::None
    }

    fn choose(&self, group: &[Hit], receipt: &Receipt) -> Match {
        let [hit] = group else { return Match::None };
        let Some(open) = self.messages.get(&hit.target.message) else {
            return if hit.confidence == Confidence::Exact {
                Match::Settled
            } else {
                Match::None
            };
        };
        let fits = match (hit.confidence, receipt.recipient) {
            (Confidence::Exact, _) | (Confidence::Normalised, None) => true,
            (_, Some(number)) => number == open.to,
            (Confidence::OtherBase, None) => false,
        };
        if fits {
            Match::Segment(hit.target)
        } else {
            Match::None
        }
    }

    fn apply_receipt(
        &mut self,
        carrier: &CarrierName,
        target: SegmentRef,
        fact: Fact,
        batch: &mut Batch,
    ) -> Applied {
        let Some(mut open) = self.messages.remove(&target.message) else {
            return Applied::Ignored;
        };
        let now = batch.at();
        let before = open.state;
        let applied = open.apply(target.segment, Event::Receipt(fact.state, fact.error), now);
        if applied == Applied::Changed {
            let draft = entries::receipt(&open, target.segment, fact.state, fact.error, carrier);
            batch.fact(draft, &mut open);
            self.counters.add(Counter::Receipts(fact.state.as_str()), 1);
            if open.state != before && open.state.is_final() {
                self.counters.add(Counter::Settled(open.state.as_str()), 1);
            }
        } else {
            self.repeated(carrier, now);
        }
        self.messages.insert(target.message, open);
        self.settle(target.message);
        applied
    }

    /// A receipt that says nothing new is counted, not recorded by itself.
    fn repeated(&mut self, carrier: &CarrierName, now: Timestamp) {
        let who = Who::Carrier(carrier.as_str().into());
        self.coalescer.count(
            Kind::ReceiptReceived,
            Outcome::Done,
            who,
            "nothing-new",
            now,
        );
        self.counters.add(Counter::Receipts("nothing-new"), 1);
    }

    /// The carrier has just named a segment's id: gives it the receipts that were waiting for it.
    pub(crate) fn match_waiting(
        &mut self,
        settings: &Arc<Settings>,
        carrier: &CarrierName,
        open: &mut Open,
        segment: u8,
        batch: &mut Batch,
    ) {
        let Some(id) = open
            .segments
            .get(usize::from(segment))
            .and_then(|s| s.carrier_id())
        else {
            return;
        };
        let form = settings
            .carriers
            .get(carrier)
            .map(|carrier| carrier.id_form);
        let waiting = self.unmatched.take(|row| {
            row.carrier == *carrier && names(&row.carrier_id, id, form.unwrap_or_default())
        });
        let now = batch.at();
        for row in waiting {
            let event = Event::Receipt(row.state, row.error);
            if open.apply(segment, event, now) == Applied::Changed {
                let draft = entries::receipt(open, segment, row.state, row.error, carrier);
                batch.fact(draft, open);
                batch.write(Write::ForgetUnmatched(row.sequence));
                self.counters.add(Counter::Receipts(row.state.as_str()), 1);
            }
        }
    }
}

/// Whether a receipt's id is that of a segment, beyond doubt.
fn names(
    receipt: &CarrierMessageId,
    id: &CarrierMessageId,
    form: domain::carrier_id::IdForm,
) -> bool {
    let mut readings = candidates(receipt, form).into_iter();
    readings.any(|reading| match reading.confidence {
        Confidence::Exact => reading.id == *id,
        Confidence::Normalised => reading.id == id.folded(),
        Confidence::OtherBase => false,
    })
}
