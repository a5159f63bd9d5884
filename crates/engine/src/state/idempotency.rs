//! Records of idempotency keys: an accepted result that a retry gets again. Bounded and never
//! evicted early: when the table is full, new keys are refused.

use std::collections::{HashMap, VecDeque};

use domain::id::{ClientId, MessageId};
use domain::time::Timestamp;

use super::share::Shares;
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

/// A record and whose it is; nobody's, where an older version wrote it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    client: Option<ClientId>,
    record: Record,
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
    /// The table is full, or what one client may fill of it.
    Full,
}

/// The records in memory.
#[derive(Debug)]
pub(crate) struct Records {
    by_key: HashMap<Blind, Kept>,
    /// How many each client has.
    shares: Shares,
    order: VecDeque<(Timestamp, Blind)>,
    most: usize,
}

impl Records {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            by_key: HashMap::new(),
            shares: Shares::default(),
            order: VecDeque::new(),
            most,
        }
    }

    /// Takes another bound. What is there stays, also where it is more.
    pub(crate) const fn bound(&mut self, most: usize) {
        self.most = most;
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether a key stands for anything now.
    pub(crate) fn knows(&self, key: Blind) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Takes the key for a request of a client, or tells what it stands for already.
    pub(crate) fn claim(
        &mut self,
        client: ClientId,
        (key, fingerprint): (Blind, Blind),
        now: Timestamp,
    ) -> Met {
        self.forget_expired(now);
        match self.by_key.get(&key).map(|kept| &kept.record) {
            Some(Record::InFlight(first)) if *first == fingerprint => Met::InFlight,
            Some(Record::Done {
                fingerprint: first,
                message,
                expires,
            }) if *first == fingerprint && *expires > now => Met::Repeated(*message),
            Some(Record::Done { expires, .. }) if *expires <= now => {
                self.take(client, key, fingerprint)
            }
            Some(_) => Met::Reused,
            None if self.is_full_for(client) => Met::Full,
            None => self.take(client, key, fingerprint),
        }
    }

    fn is_full_for(&self, client: ClientId) -> bool {
        self.by_key.len() >= self.most || self.shares.is_used_up(client, self.most)
    }

    fn take(&mut self, client: ClientId, key: Blind, fingerprint: Blind) -> Met {
        self.put(key, Some(client), Record::InFlight(fingerprint));
        Met::Fresh
    }

    fn put(&mut self, key: Blind, client: Option<ClientId>, record: Record) {
        self.remove(key);
        if let Some(client) = client {
            self.shares.one_more(client);
        }
        self.by_key.insert(key, Kept { client, record });
    }

    fn remove(&mut self, key: Blind) {
        let gone = self.by_key.remove(&key);
        if let Some(client) = gone.and_then(|gone| gone.client) {
            self.shares.one_less(client);
        }
    }

    /// The request with this key was not accepted: the key is free again.
    pub(crate) fn release(&mut self, key: Blind) {
        let record = self.by_key.get(&key).map(|kept| kept.record);
        if let Some(Record::InFlight(_)) = record {
            self.remove(key);
        }
    }

    /// The request was accepted, or was read back at start.
    pub(crate) fn settle(&mut self, row: &IdempotencyRow) {
        let record = Record::Done {
            fingerprint: row.fingerprint,
            message: row.message,
            expires: row.expires,
        };
        self.put(row.key, row.client, record);
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
            let record = self.by_key.get(&key).map(|kept| kept.record);
            if let Some(Record::Done { expires, .. }) = record
                && expires <= now
            {
                self.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const END: Timestamp = Timestamp::from_seconds(1_764_151_200);

    const CLIENT: ClientId = ClientId::new(1, 1);
    const OTHER: ClientId = ClientId::new(1, 2);

    fn claim(records: &mut Records, key: u8, fingerprint: u8, now: Timestamp) -> Met {
        records.claim(CLIENT, ([key; 16], [fingerprint; 16]), now)
    }

    fn settled(records: &mut Records, key: u8) {
        settled_of(records, Some(CLIENT), key);
    }

    fn settled_of(records: &mut Records, client: Option<ClientId>, key: u8) {
        let row = IdempotencyRow {
            client,
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
        assert_eq!(claim(&mut records, 1, 9, NOW), Met::Fresh);
        assert_eq!(claim(&mut records, 1, 9, NOW), Met::InFlight);
        assert_eq!(claim(&mut records, 1, 8, NOW), Met::Reused);
        settled(&mut records, 1);
        assert_eq!(
            claim(&mut records, 1, 9, NOW),
            Met::Repeated(MessageId::new(1, 1))
        );
        assert_eq!(claim(&mut records, 1, 8, NOW), Met::Reused);
        assert_eq!(claim(&mut records, 1, 8, END), Met::Fresh);
    }

    #[test]
    fn a_refused_request_frees_its_key() {
        let mut records = Records::new(10);
        assert_eq!(claim(&mut records, 1, 9, NOW), Met::Fresh);
        records.release([1; 16]);
        assert_eq!(claim(&mut records, 1, 8, NOW), Met::Fresh);
    }

    #[test]
    fn a_client_with_its_share_is_refused_alone_until_records_end() {
        let mut records = Records::new(4);
        assert_eq!(claim(&mut records, 1, 9, NOW), Met::Fresh);
        for key in 1..=3 {
            settled(&mut records, key);
        }
        assert_eq!(claim(&mut records, 4, 9, NOW), Met::Full);
        let theirs = |key: u8| ([key; 16], [9; 16]);
        assert_eq!(records.claim(OTHER, theirs(5), NOW), Met::Fresh);
        records.release([5; 16]);
        assert_eq!(records.claim(OTHER, theirs(6), NOW), Met::Fresh);
        assert_eq!(records.claim(OTHER, theirs(7), NOW), Met::Full);
        assert_eq!(claim(&mut records, 4, 9, END), Met::Fresh);
    }

    #[test]
    fn a_record_of_nobody_takes_a_place_of_no_ones_share() {
        let mut records = Records::new(4);
        settled_of(&mut records, None, 1);
        settled(&mut records, 2);
        settled(&mut records, 3);
        assert_eq!(claim(&mut records, 4, 9, NOW), Met::Fresh);
        assert_eq!(claim(&mut records, 5, 9, NOW), Met::Full);
    }

    #[test]
    fn a_full_table_refuses_new_keys_and_evicts_none() {
        let mut records = Records::new(1);
        settled(&mut records, 1);
        assert_eq!(claim(&mut records, 2, 9, NOW), Met::Full);
        assert_eq!(
            claim(&mut records, 1, 9, NOW),
            Met::Repeated(MessageId::new(1, 1))
        );
        assert_eq!(claim(&mut records, 2, 9, END), Met::Fresh);
    }
}
