//! Coalesced entries: refusals, failed authentications and reads are counted under a bounded key
//! and flushed as one entry each within a second, so that a flood of them can neither fill the disk
//! nor buy a sync apiece. Reads of the published ledger are counted by the hour.

mod hourly;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::batch::sound;
use crate::limits::Throttled;
use domain::id::ClientId;
use domain::limit::policy::LimitName;
use domain::time::Timestamp;
use hourly::Hourly;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, UtcMicros};

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A client.
    Client(ClientId),
    /// A client, by the network that its key was used from.
    ClientAt(ClientId, IpAddr),
    /// Somebody without a valid key, by network (IPv4 /32, IPv6 /64).
    Network(IpAddr),
    /// A user of the machine, by login name.
    OsUser(Box<str>),
    /// A carrier, by name.
    Carrier(Box<str>),
    /// Those that found the table full.
    Rest,
}

impl Who {
    /// The network of an address, coarse enough that one host is one key.
    pub(crate) fn network(address: IpAddr) -> Self {
        Self::Network(coarse(address))
    }

    /// A client whose key was used from an address.
    pub(crate) fn client_at(client: ClientId, address: IpAddr) -> Self {
        Self::ClientAt(client, coarse(address))
    }
}

/// The network of an address: itself, or the /64 of one of IPv6.
pub(crate) fn coarse(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(prefix.into())
        }
    }
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: &'static str,
    pub(crate) who: Who,
    pub(crate) reason: &'static str,
    /// The limit that refused, where one did.
    pub(crate) limit: Option<LimitName>,
}

#[derive(Debug)]
struct Count {
    kind: Kind,
    outcome: Outcome,
    times: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Count {
    fn add(&mut self, now: Timestamp) {
        self.times += 1;
        self.last = self.last.max(now);
    }
}

/// Counts that wait for the next flush.
#[derive(Debug)]
pub(crate) struct Coalescer {
    counts: BTreeMap<Key, Count>,
    hourly: Hourly,
    keys_max: usize,
    /// Entries that could not be written; they come first.
    returned: Vec<Draft>,
}

impl Coalescer {
    pub(crate) const fn new(keys_max: usize) -> Self {
        Self {
            counts: BTreeMap::new(),
            hourly: Hourly::new(),
            keys_max,
            returned: Vec::new(),
        }
    }

    /// Counts one more.
    pub(crate) fn count(
        &mut self,
        kind: Kind,
        outcome: Outcome,
        who: Who,
        reason: &'static str,
        now: Timestamp,
    ) {
        let key = Key {
            kind: kind.as_str(),
            who,
            reason,
            limit: None,
        };
        self.add(kind, outcome, key, now);
    }

    /// Counts one more that a limit refused.
    pub(crate) fn throttled(&mut self, kind: Kind, who: Who, limit: &LimitName, now: Timestamp) {
        let key = Key {
            kind: kind.as_str(),
            who,
            reason: Throttled::CODE,
            limit: Some(limit.clone()),
        };
        self.add(kind, Outcome::Refused, key, now);
    }

    fn add(&mut self, kind: Kind, outcome: Outcome, mut key: Key, now: Timestamp) {
        let fresh = Count {
            kind,
            outcome,
            times: 0,
            first: now,
            last: now,
        };
        if kind == Kind::LedgerRead && outcome == Outcome::Done {
            return self.hourly.count(key, fresh, self.keys_max);
        }
        if self.counts.len() >= self.keys_max && !self.counts.contains_key(&key) {
            key.who = Who::Rest;
        }
        self.counts.entry(key).or_insert(fresh).add(now);
    }

    /// Takes another bound of how many keys are counted apart.
    pub(crate) const fn bound(&mut self, keys_max: usize) {
        self.keys_max = keys_max;
    }

    /// Takes back entries that could not be written.
    pub(crate) fn give_back(&mut self, drafts: Vec<Draft>) {
        self.returned.extend(drafts);
    }

    /// Takes what has been counted and is due, as entries; at most `most` of them.
    pub(crate) fn flush(&mut self, now: Timestamp, most: usize) -> Vec<Draft> {
        let mut drafts = self.flush_counts(most);
        let room = most.saturating_sub(drafts.len());
        drafts.extend(self.hourly.take(Some(now), room));
        drafts
    }

    /// Takes everything that has been counted.
    pub(crate) fn flush_all(&mut self) -> Vec<Draft> {
        let mut drafts = self.flush_counts(usize::MAX);
        drafts.extend(self.hourly.take(None, usize::MAX));
        drafts
    }

    /// Takes what is never counted for longer than a second.
    pub(crate) fn flush_counts(&mut self, most: usize) -> Vec<Draft> {
        let mut drafts = std::mem::take(&mut self.returned);
        while drafts.len() < most {
            let Some((key, count)) = self.counts.pop_first() else {
                break;
            };
            drafts.push(draft(&key, &count));
        }
        drafts
    }
}

fn draft(key: &Key, count: &Count) -> Draft {
    let data = Facts::new()
        .put("count", count.times)
        .put("first", UtcMicros(count.first.micros()))
        .put("last", UtcMicros(count.last.micros()))
        .put_some("limit", key.limit.as_ref().map(LimitName::as_str));
    let (client, network, carrier, user);
    let mut builder = match &key.who {
        Who::Client(id) => {
            client = *id;
            Draft::of(count.kind, Actor::client(&client), count.outcome).client(&client)
        }
        Who::ClientAt(id, address) => {
            (client, network) = (*id, *address);
            Draft::of(count.kind, Actor::client(&client), count.outcome)
                .client(&client)
                .origin(OriginType::Connection, &network)
        }
        Who::Network(address) => {
            network = *address;
            Draft::of(count.kind, Actor::anonymous(), count.outcome)
                .origin(OriginType::Connection, &network)
        }
        Who::OsUser(name) => {
            user = name.clone();
            Draft::of(count.kind, Actor::os_user(&user), count.outcome)
                .origin(OriginType::Socket, &"control")
        }
        Who::Carrier(name) => {
            carrier = name.clone();
            Draft::of(count.kind, Actor::carrier(&carrier), count.outcome)
        }
        Who::Rest => Draft::of(count.kind, Actor::system(&"coalescer"), count.outcome),
    };
    if !key.reason.is_empty() {
        builder = builder.reason(key.reason);
    }
    sound(builder.data(data).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn fail(coalescer: &mut Coalescer, address: &str) {
        let who = Who::network(address.parse().unwrap());
        coalescer.count(Kind::AuthFailed, Outcome::Refused, who, "unauthorized", NOW);
    }

    #[test]
    fn a_flood_from_one_network_is_one_entry() {
        let mut coalescer = Coalescer::new(10);
        for host in 0..1_000 {
            fail(&mut coalescer, &format!("2001:db8::{host:x}"));
        }
        assert_eq!(coalescer.flush(NOW, 100).len(), 1);
        assert!(coalescer.flush(NOW, 100).is_empty());
    }

    #[test]
    fn keys_are_bounded_and_nothing_goes_uncounted() {
        let mut coalescer = Coalescer::new(10);
        for host in 0..100 {
            fail(&mut coalescer, &format!("10.0.0.{host}"));
        }
        assert_eq!(coalescer.counts.len(), 11);
        let total: u64 = coalescer.counts.values().map(|count| count.times).sum();
        assert_eq!(total, 100);
    }

    #[test]
    fn reads_of_the_ledger_are_told_at_once_and_then_by_the_hour() {
        let mut coalescer = Coalescer::new(10);
        let at = |seconds| NOW.saturating_add(std::time::Duration::from_secs(seconds));
        let read = |coalescer: &mut Coalescer, seconds| {
            let who = Who::OsUser("root".into());
            coalescer.count(Kind::LedgerRead, Outcome::Done, who, "", at(seconds));
        };
        read(&mut coalescer, 0);
        assert_eq!(coalescer.flush(at(1), 100).len(), 1, "the first at once");
        for second in 2..100 {
            read(&mut coalescer, second);
            fail(&mut coalescer, "10.0.0.1");
            assert_eq!(
                coalescer.flush(at(second), 100).len(),
                1,
                "the failure only"
            );
        }
        assert!(coalescer.flush(at(3_600), 100).is_empty());
        assert_eq!(coalescer.flush(at(3_601), 100).len(), 1, "an hour later");
        assert!(coalescer.flush(at(3_602), 100).is_empty());
        read(&mut coalescer, 3_700);
        assert_eq!(coalescer.flush_all().len(), 1, "and at a stop");
        read(&mut coalescer, 20_000);
        assert_eq!(
            coalescer.flush(at(20_000), 100).len(),
            1,
            "a reader that is back"
        );
    }
}
