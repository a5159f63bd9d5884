//! Delivery receipts. A receipt is matched by (carrier, id): in memory first, then through the
//! store's index; one that matches nothing yet is kept for a while, since it can overtake the answer
//! that names its id. Whatever comes is durable before the carrier hears that it was taken.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::carrier_id::{CarrierMessageId, Confidence, candidates};
use domain::message::{CarrierName, DoneDate, Event, Outcome as Applied, ReceiptState};
use domain::time::Timestamp;
use ledger::{Kind, Outcome};
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::changes::Write;
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::keys::Blind;
use crate::metrics::Counter;
use crate::ports::carrier::{BindId, Receipt};
use crate::rows::{MessageRow, NO_SUBJECT, UnmatchedRow, VaultRow};
use crate::settings::{Settings, Unit};
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
                    done: receipt.done,
                };
                let unit = settings.unit(carrier);
                state.apply_receipt((carrier, unit), target, fact, batch);
            }
            Match::Settled => state.repeated(carrier, batch.at()),
            Match::None => self.keep(state, (carrier, settings.unit(carrier)), receipt, batch),
        }
    }

    /// Keeps a receipt that matches nothing yet.
    fn keep(
        &self,
        state: &mut State,
        (carrier, unit): (&CarrierName, Unit),
        receipt: Receipt,
        batch: &mut Batch,
    ) {
        let now = batch.at();
        let row = UnmatchedRow {
            sequence: self.ids.sequence(now),
            carrier: carrier.clone(),
            carrier_id: receipt.carrier_id,
            state: receipt.state,
            error: receipt.error,
            done: receipt.done,
            subject: receipt.recipient.map(|number| self.blind().subject(number)),
            at: now,
        };
        state.counters.add(Counter::Receipts("unmatched"), 1);
        if unit == Unit::Message && !state.crowd.is_alone(carrier, now) {
            let gone = state.unmatched.insert(row.clone());
            state.crowd.join(row, gone.as_ref());
            return self.receipts_wake.notify_one();
        }
        let word = receipt.state.as_str();
        batch.entry(entries::unmatched(carrier, row.carrier_id.as_str(), word));
        batch.write(Write::Unmatched(row.clone()));
        if let Some(oldest) = state.unmatched.insert(row) {
            batch.write(Write::ForgetUnmatched(oldest.sequence));
        }
        self.receipts_wake.notify_one();
    }

    /// Looks in the store for the segments of receipts that match nothing in memory. Gives how many
    /// found theirs. One receipt after the other: no two calls may overlap.
    pub async fn match_receipts(&self) -> usize {
        let mut matched = 0;
        loop {
            let rows = self.state().unmatched.fresh(MATCH_BATCH);
            if rows.is_empty() {
                return matched;
            }
            for row in rows {
                matched += usize::from(self.match_receipt(&row).await);
            }
        }
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
            // A number that was erased can neither confirm nor contradict.
            let named = |subject: &Blind| row.subject.filter(|_| *subject != NO_SUBJECT);
            let fits = |subject: &Blind| match (candidate.confidence, named(subject)) {
                (Confidence::Exact, _) | (Confidence::Normalised, None) => true,
                (_, Some(named)) => named == *subject,
                (Confidence::OtherBase, None) => false,
            };
            // The index finds an id in every spelling.
            let is_spelt = |message: &MessageRow, segment: u8| {
                let segment = message.segments.get(usize::from(segment));
                let id = segment.and_then(domain::message::Segment::carrier_id);
                candidate.confidence != Confidence::Exact || id == Some(&candidate.id)
            };
            let mut found: Vec<_> = found
                .into_iter()
                .filter(|(message, segment)| fits(&message.subject) && is_spelt(message, *segment))
                .map(|(message, segment)| (message.id, segment))
                .collect();
            // One id of a whole message is found at each of its segments.
            if settings.unit(&row.carrier) == Unit::Message {
                found.dedup_by_key(|(message, _)| *message);
            }
            if let [(message, segment)] = found.as_slice() {
                return self.settle_stored(row, *message, *segment).await;
            }
        }
        false
    }

    /// Gives a stored message its receipt. Waits until that is durable, since the next receipt of the
    /// same message begins with what is stored.
    async fn settle_stored(
        &self,
        row: &UnmatchedRow,
        id: domain::id::MessageId,
        segment: u8,
    ) -> bool {
        let Ok(Some((message, vault))) = self.store.message(id).await else {
            return false;
        };
        let (done, durable) = oneshot::channel();
        self.visit(row, message, &vault, segment, done);
        durable.await.unwrap_or(false)
    }

    /// Brings a message back into memory for as long as its receipt takes.
    fn visit(
        &self,
        row: &UnmatchedRow,
        message: MessageRow,
        vault: &[VaultRow],
        segment: u8,
        done: oneshot::Sender<bool>,
    ) {
        let mut batch = Batch::new(self.now());
        let sequence = message.id.sequence();
        let mut state = self.state();
        if let Entry::Vacant(place) = state.messages.entry(sequence) {
            let mut open = self.reopen_message(message, vault);
            // What moves is in memory: it has ended since, and that is not durable yet.
            if open.moves() {
                return;
            }
            open.spilled = true;
            place.insert(open);
        }
        let target = SegmentRef {
            message: sequence,
            segment,
        };
        let fact = Fact {
            state: row.state,
            error: row.error,
            done: row.done,
        };
        let unit = self.settings().unit(&row.carrier);
        let carrier = (&row.carrier, unit);
        if state.apply_receipt(carrier, target, fact, &mut batch) == Applied::Changed {
            state.unmatched.remove(row.sequence);
            batch.write(Write::ForgetUnmatched(row.sequence));
        }
        state.settle(sequence);
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |_, result| {
                let _ = done.send(result.is_ok());
            });
        }
    }
}

/// Receipts looked up in one round.
const MATCH_BATCH: usize = 500;

/// What a receipt says.
#[derive(Clone, Copy)]
pub(crate) struct Fact {
    pub(crate) state: ReceiptState,
    pub(crate) error: Option<u32>,
    pub(crate) done: Option<DoneDate>,
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
        // A number that was erased can neither confirm nor contradict.
        let named = receipt.recipient.zip(open.to);
        let fits = match (hit.confidence, named) {
            (Confidence::Exact, _) | (Confidence::Normalised, None) => true,
            (_, Some((named, number))) => named == number,
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
        (carrier, unit): (&CarrierName, Unit),
        target: SegmentRef,
        fact: Fact,
        batch: &mut Batch,
    ) -> Applied {
        let Some(mut open) = self.messages.remove(&target.message) else {
            return Applied::Ignored;
        };
        let now = batch.at();
        let mut applied = Applied::Ignored;
        for segment in open.told_with(target.segment, unit) {
            if self.give_receipt(carrier, &mut open, segment, fact, batch) == Applied::Changed {
                applied = Applied::Changed;
            }
        }
        if applied == Applied::Ignored {
            self.repeated(carrier, now);
        }
        self.messages.insert(target.message, open);
        self.settle(target.message);
        applied
    }

    /// Gives a segment its receipt, and records it if it says something new.
    fn give_receipt(
        &mut self,
        carrier: &CarrierName,
        open: &mut Open,
        segment: u8,
        fact: Fact,
        batch: &mut Batch,
    ) -> Applied {
        let before = open.state;
        let event = Event::Receipt(fact.state, fact.error);
        if open.apply(segment, event, batch.at()) == Applied::Ignored {
            return Applied::Ignored;
        }
        let draft = entries::receipt((open, before), segment, fact, carrier);
        batch.fact(draft, open);
        self.counters.add(Counter::Receipts(fact.state.as_str()), 1);
        if open.state != before && open.state.is_final() {
            self.counters.add(Counter::Settled(open.state.as_str()), 1);
        }
        Applied::Changed
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
        let waiting = self.unmatched.take(carrier, id, |row| {
            names(&row.carrier_id, id, form.unwrap_or_default())
        });
        for row in waiting {
            let fact = Fact {
                state: row.state,
                error: row.error,
                done: row.done,
            };
            for segment in open.told_with(segment, settings.unit(carrier)) {
                self.give_receipt(carrier, open, segment, fact, batch);
            }
            batch.write(Write::ForgetUnmatched(row.sequence));
        }
    }
}

impl Open {
    /// The segments that a receipt for one of them is about: where the carrier takes whole messages, all
    /// that went to it under the same id.
    fn told_with(&self, segment: u8, unit: Unit) -> Vec<u8> {
        let meant = self.segments.get(usize::from(segment));
        let Some((meant, Unit::Message)) = meant.map(|meant| (meant, unit)) else {
            return vec![segment];
        };
        let known = (0..=u8::MAX).zip(&self.segments);
        known
            .filter(|(_, other)| {
                other.carrier_id() == meant.carrier_id() && other.carrier() == meant.carrier()
            })
            .map(|(place, _)| place)
            .collect()
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
