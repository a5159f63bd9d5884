//! Handsets and what carriers deliver from them: texts, keywords, parts of long texts, and receipts,
//! early, twice, backwards and unknown. What is not taken is delivered again.

use std::sync::{Arc, Mutex};

use domain::carrier_id::CarrierMessageId;
use domain::message::ReceiptState;
use domain::text::udh::{Concatenation, ReferenceWidth};
use engine::ports::CarrierEvents;
use engine::ports::carrier::{BindId, Delivery, Mobile, Receipt, Verdict};
use testkit::gateway::handset;
use testkit::settings::short_code;

use super::carrier::Attempt;
use super::clients::NUMBERS;
use super::world::{World, binds};

type Told = Arc<Mutex<Option<Vec<Verdict>>>>;

/// Deliveries on their way.
#[derive(Default)]
pub struct Handsets {
    /// Told to no gateway, or not taken.
    pub waiting: Vec<(BindId, Delivery)>,
    /// Told to the gateway, which has not said yet.
    pub open: Vec<(BindId, Vec<Delivery>, Told)>,
    /// Whole texts that the gateway said it has taken.
    pub taken: usize,
    references: u8,
}

impl World {
    pub fn handset_writes(&mut self) {
        let number = u16::try_from(self.chance.below(u64::from(NUMBERS))).unwrap();
        let bind = self.chance.pick(&binds()).clone();
        let word = *self
            .chance
            .pick(&["STOP", "Start", "help", "hello there", "part", "part"]);
        self.note(&format!("{number} writes {word}"));
        if word != "part" {
            self.handsets
                .waiting
                .push((bind, mobile(number, Vec::new(), word)));
            return self.carriers_deliver();
        }
        self.handsets.references = self.handsets.references.wrapping_add(1);
        let total = u8::try_from(2 + self.chance.below(3)).unwrap();
        for ordinal in 1..=total {
            if self.chance.happens(10) {
                continue;
            }
            let reference = u16::from(self.handsets.references);
            let part =
                Concatenation::new(reference, ReferenceWidth::Eight, total, ordinal).unwrap();
            let udh = part.header().as_octets().to_vec();
            let delivery = mobile(number, udh, &format!("part {ordinal} of {total}"));
            self.handsets.waiting.push((bind.clone(), delivery.clone()));
            if self.chance.happens(10) {
                self.handsets.waiting.push((bind.clone(), delivery));
            }
        }
    }

    /// The carriers deliver some of what they have.
    pub fn carriers_deliver(&mut self) {
        self.hear_verdicts();
        self.add_receipts();
        let bind = self.chance.pick(&binds()).clone();
        if !self.up.contains(&bind) {
            return;
        }
        self.deliver_over(&bind, 3);
    }

    /// Delivers at most `most` of what a carrier has over one of its binds, in one batch.
    pub fn deliver_over(&mut self, bind: &BindId, most: usize) {
        let mut batch = Vec::new();
        let mut later = Vec::new();
        for (from, delivery) in std::mem::take(&mut self.handsets.waiting) {
            if from.carrier == bind.carrier && batch.len() < most {
                batch.push(delivery);
            } else {
                later.push((from, delivery));
            }
        }
        self.handsets.waiting = later;
        if batch.is_empty() {
            return;
        }
        self.note(&format!("{} deliveries over {bind:?}", batch.len()));
        let told = Told::default();
        let place = Arc::clone(&told);
        let verdicts = Box::new(move |verdicts| *place.lock().unwrap() = Some(verdicts));
        let copy = batch.clone();
        self.node
            .command(|gateway| gateway.delivered(bind, copy, verdicts));
        self.handsets.open.push((bind.clone(), batch, told));
    }

    /// What was not taken is delivered again later.
    pub fn hear_verdicts(&mut self) {
        let open = std::mem::take(&mut self.handsets.open);
        for (bind, batch, told) in open {
            let verdicts = told.lock().unwrap().take();
            let Some(verdicts) = verdicts else {
                self.handsets.open.push((bind, batch, told));
                continue;
            };
            assert_eq!(verdicts.len(), batch.len());
            for (delivery, verdict) in batch.into_iter().zip(verdicts) {
                match verdict {
                    Verdict::Taken => self.handsets.taken += usize::from(is_whole(&delivery)),
                    Verdict::Again => self.handsets.waiting.push((bind.clone(), delivery)),
                }
            }
        }
    }

    /// The gateway died: what it had not taken comes again.
    pub fn deliver_again(&mut self) {
        self.hear_verdicts();
        for (bind, batch, _) in std::mem::take(&mut self.handsets.open) {
            let again = batch.into_iter().map(|delivery| (bind.clone(), delivery));
            self.handsets.waiting.extend(again);
        }
    }

    /// Receipts for some of what the carriers took, and now and then for what nobody knows.
    fn add_receipts(&mut self) {
        let attempts: Vec<Attempt> = self.carrier.seen().attempts.clone();
        for _ in 0..self.chance.below(4) {
            if attempts.is_empty() {
                return;
            }
            let attempt = self.chance.pick(&attempts).clone();
            let state = match self.chance.below(10) {
                0 => ReceiptState::Failed,
                1 => ReceiptState::Expired,
                2 => ReceiptState::Unknown,
                3 => ReceiptState::Enroute,
                _ => ReceiptState::Delivered,
            };
            self.add_receipt(&attempt, state);
        }
        if self.chance.happens(5) {
            let carrier_id = CarrierMessageId::parse(b"nobody-knows-this").unwrap();
            let state = ReceiptState::Delivered;
            let receipt = Receipt {
                carrier_id,
                state,
                error: None,
                recipient: None,
                done: None,
            };
            let bind = self.chance.pick(&binds()).clone();
            self.handsets
                .waiting
                .push((bind, Delivery::Receipt(receipt)));
        }
    }

    /// A receipt, in one of the forms in which carriers write them.
    pub fn add_receipt(&mut self, attempt: &Attempt, state: ReceiptState) {
        let Some(id) = &attempt.taken else { return };
        let number = u64::from_str_radix(id.as_str(), 16).unwrap();
        let (text, recipient) = match self.chance.below(4) {
            0 => (number.to_string(), Some(attempt.to)),
            1 => (id.as_str().to_lowercase(), None),
            2 => (id.as_str().to_owned(), Some(attempt.to)),
            _ => (id.as_str().to_owned(), None),
        };
        let receipt = Receipt {
            carrier_id: CarrierMessageId::parse(text.as_bytes()).unwrap(),
            state,
            error: (state == ReceiptState::Failed).then_some(1),
            recipient,
            done: None,
        };
        let delivery = Delivery::Receipt(receipt);
        self.handsets.waiting.push((attempt.bind.clone(), delivery));
    }
}

fn is_whole(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Mobile(mobile) if mobile.udh.is_empty())
}

fn mobile(number: u16, udh: Vec<u8>, text: &str) -> Delivery {
    Delivery::Mobile(Mobile {
        id: None,
        from: handset(number),
        to: short_code(),
        data_coding: 0,
        udh,
        payload: text.as_bytes().to_vec(),
    })
}
