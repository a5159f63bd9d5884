//! What waits to be delivered to receivers: receipts and parts of messages from handsets. Nothing
//! leaves here before a receiver has answered it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tokio::time::Instant;

use crate::inline::Inline;
use crate::receipt::State;

/// Whose deliveries: an account that has bound, or anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner(usize);

impl Owner {
    /// Any receiver will do.
    pub(super) const ANYONE: Self = Self(0);
}

/// A receipt to be written.
pub(super) struct ReceiptDue {
    pub(super) id: u64,
    /// The sender of the message: the receipt goes to it.
    pub(super) sender: Address,
    pub(super) handset: Address,
    pub(super) state: State,
    pub(super) submitted_seconds: u64,
    /// The beginning of the text.
    pub(super) text: Inline<20>,
}

/// A part of a message from a handset.
pub(super) struct MobileDue {
    pub(super) handset: Address,
    pub(super) short_code: Address,
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
    pub(super) octets: Vec<u8>,
}

/// An address with its type and plan.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) ton: u8,
    pub(super) npi: u8,
    pub(super) octets: Inline<20>,
}

impl Address {
    pub(super) fn copy(address: &crate::pdu::Address<'_>) -> Self {
        Self {
            ton: address.ton,
            npi: address.npi,
            octets: Inline::new(address.reveal()),
        }
    }

    pub(super) fn view(&self) -> crate::pdu::Address<'_> {
        crate::pdu::Address::new(self.ton, self.npi, self.octets.as_slice())
    }
}

/// What is delivered.
pub(super) enum Payload {
    Receipt(ReceiptDue),
    Mobile(MobileDue),
}

/// One delivery that waits, or that is not answered yet.
pub(super) struct Waiting {
    pub(super) due: Instant,
    place: u64,
    pub(super) owner: Owner,
    // Boxed, because the heap moves its items about.
    pub(super) payload: Box<Payload>,
}

/// Everything that waits, by owner.
pub(super) struct Deliveries {
    queues: Vec<BinaryHeap<Waiting>>,
    next_place: u64,
}

impl Deliveries {
    pub(super) fn new() -> Self {
        Self {
            queues: vec![BinaryHeap::new()],
            next_place: 0,
        }
    }

    pub(super) fn add_owner(&mut self) -> Owner {
        self.queues.push(BinaryHeap::new());
        Owner(self.queues.len() - 1)
    }

    pub(super) fn push(&mut self, owner: Owner, due: Instant, payload: Box<Payload>) {
        let place = self.next_place;
        self.next_place += 1;
        self.put_back(Waiting {
            due,
            place,
            owner,
            payload,
        });
    }

    /// Puts back what was not answered; it keeps its place among those due at the same moment.
    pub(super) fn put_back(&mut self, waiting: Waiting) {
        if let Some(queue) = self.queues.get_mut(waiting.owner.0) {
            queue.push(waiting);
        }
    }

    /// When the next delivery for this owner, or for anyone, is due.
    pub(super) fn next_due(&self, owner: Owner) -> Option<Instant> {
        let first = |owner: Owner| Some(self.queues.get(owner.0)?.peek()?.due);
        match (first(owner), first(Owner::ANYONE)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Takes a delivery that is due.
    pub(super) fn pop_due(&mut self, owner: Owner, now: Instant) -> Option<Waiting> {
        [owner, Owner::ANYONE].into_iter().find_map(|owner| {
            let queue = self.queues.get_mut(owner.0)?;
            if queue.peek()?.due > now {
                return None;
            }
            queue.pop()
        })
    }

    pub(super) fn count(&self) -> usize {
        self.queues.iter().map(BinaryHeap::len).sum()
    }
}

/// The earliest is the greatest, so that it is at the top of the heap.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.place).cmp(&(self.due, self.place))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}
