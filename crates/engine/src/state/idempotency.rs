//! Records of idempotency keys: an accepted result that a retry gets again. Bounded and never
//! evicted early: when the table is full, new keys are refused.

use std::collections::{HashMap, VecDeque};

use domain::id::MessageId;
use domain::time::Timestamp;

use crate::keys::Blind;
use crate::rows::IdempotencyRow;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    /// Its first request is not committed yet.
    InFlight(Blind),
    /// It was accepted as this message.
    Done {
        fingerprint: Blind,
        message: MessageId,
        expires: Timestamp,
    },
}

/// What a request with a key meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nothing: the key is now taken for this request.
    Fresh,
    /// The same request is on its way.
    InFlight,
    /// The key was used for another payload.
    Reused,
    /// This is what the first request brought.
    Repeated(MessageId),
    /// The table is full.
    Full,
}

/// The records in memory.
#[derive(Debug)]
pub(crate) struct Records {
    by_key: HashMap<Blind, Record>,
    order: VecDeque<(Timestamp, Blind)>,
    most: usize,
}

impl Records {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            by_key: HashMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether a key stands for anything now.
    pub(crate) fn knows(&self, key: Blind) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Takes the key for a request, or tells what it stands for already.
    pub(crate) fn claim(&mut self, key: Blind, fingerprint: Blind, now: Timestamp) -> Met {
        self.forget_expired(now);
        match self.by_key.get(&key) {
            Some(Record::InFlight(first)) if *first == fingerprint => Met::InFlight,
            Some(Record::Done {
                fingerprint: first,
                message,
                expires,
            }) if *first == fingerprint && *expires > now => Met::Repeated(*message),
            Some(Record::Done { expires, .. }) if *expires <= now => self.take(key, fingerprint),
            Some(_) => Met::Reused,
            None if self.by_key.len() >= self.most => Met::Full,
            None => self.take(key, fingerprint),
        }
    }

    fn take(&mut self, key: Blind, fingerprint: Blind) -> Met {
        self.by_key.insert(key, Record::InFlight(fingerprint));
        Met::Fresh
    }

    /// The request with this key was not accepted: the key is free again.
    pub(crate) fn release(&mut self, key: Blind) {
        if let Some(Record::InFlight(_)) = self.by_key.get(&key) {
            self.by_key.remove(&key);
        }
    }

    /// The request was accepted, or was read back at start.
    pub(crate) fn settle(&mut self, row: &IdempotencyRow) {
        let record = Record::Done {
            fingerprint: row.fingerprint,
            message: row.message,
            expires: row.expires,
        };
        self.by_key.insert(row.key, record);
        self.order.push_back((row.expires, row.key));
    }

    /// Forgets records past their end. The order is that of acceptance, which is nearly that of
    /// expiry; one that ends later than its neighbours only delays them.
    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((expires, key)) = self.order.front().copied() {
            if expires > now {
                return;
            }
            self.order.pop_front();
            if let Some(Record::Done { expires, .. }) = self.by_key.get(&key)
                && *expires <= now
            {
                self.by_key.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const END: Timestamp = Timestamp::from_seconds(1_764_151_200);

    fn settled(records: &mut Records, key: u8) {
        let row = IdempotencyRow {
            message: MessageId::new(1, 1),
            key: [key; 16],
            fingerprint: [9; 16],
            expires: END,
        };
        records.settle(&row);
    }

    #[test]
    fn a_key_gives_the_first_result_again_and_no_other_payload_may_use_it() {
        let mut records = Records::new(10);
        assert_eq!(records.claim([1; 16], [9; 16], NOW), Met::Fresh);
        assert_eq!(records.claim([1; 16], [9; 16], NOW), Met::InFlight);
        assert_eq!(records.claim([1; 16], [8; 16], NOW), Met::Reused);
        settled(&mut records, 1);
        assert_eq!(
            records.claim([1; 16], [9; 16], NOW),
            Met::Repeated(MessageId::new(1, 1))
        );
        assert_eq!(records.claim([1; 16], [8; 16], NOW), Met::Reused);
        assert_eq!(records.claim([1; 16], [8; 16], END), Met::Fresh);
    }

    #[test]
    fn a_refused_request_frees_its_key() {
        let mut records = Records::new(10);
        assert_eq!(records.claim([1; 16], [9; 16], NOW), Met::Fresh);
        records.release([1; 16]);
        assert_eq!(records.claim([1; 16], [8; 16], NOW), Met::Fresh);
    }

    #[test]
    fn a_full_table_refuses_new_keys_and_evicts_none() {
        let mut records = Records::new(1);
        settled(&mut records, 1);
        assert_eq!(records.claim([2; 16], [9; 16], NOW), Met::Full);
        assert_eq!(
            records.claim([1; 16], [9; 16], NOW),
            Met::Repeated(MessageId::new(1, 1))
        );
        assert_eq!(records.claim([2; 16], [9; 16], END), Met::Fresh);
    }
}
