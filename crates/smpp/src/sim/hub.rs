//! What all connections of one simulator share: counts, the inbox, what waits for receivers, and who
//! receives. The lock is held for one PDU at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::text::segment::{ReferenceWidth, SegmentError, segments};
use domain::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::SimConfig;
use super::behaviour::Behaviour;
use super::deliveries::{Address, Deliveries, MobileDue, Owner, Payload};
use super::inbox::{Inbox, InboxMessage};
use super::seen::Seen;
use super::stats::Stats;
use crate::inline::Inline;
use crate::pdu::{ShortMessage, esm_class};
use crate::status::Status;

/// Accounts remembered when anyone may bind; beyond it a new one is refused.
const ACCOUNTS_MAX: usize = 1_024;

/// The shared part.
pub(super) struct Hub {
    config: SimConfig,
    state: Mutex<Shared>,
}

/// What the lock guards.
pub(super) struct Shared {
    pub(super) behaviour: Behaviour,
    pub(super) stats: Stats,
    pub(super) deliveries: Deliveries,
    seen: Seen,
    inbox: Inbox,
    owners: HashMap<Box<[u8]>, Owner>,
    receivers: Vec<Receiver>,
    next_id: u64,
    next_connection: u64,
    next_reference: u16,
}

/// A bind that can receive.
struct Receiver {
    connection: u64,
    owner: Owner,
    wake: Arc<Notify>,
}

impl Hub {
    pub(super) fn new(config: SimConfig) -> Self {
        let state = Shared {
            behaviour: config.behaviour.clone(),
            stats: Stats::default(),
            deliveries: Deliveries::new(),
            seen: Seen::new(config.seen_max),
            inbox: Inbox::new(config.inbox_max),
            owners: HashMap::new(),
            receivers: Vec::new(),
            // Starting from the time, ids do not come again after a restart.
            next_id: config.clock.now().micros(),
            next_connection: 0,
            next_reference: 0,
        };
        Self {
            config,
            state: Mutex::new(state),
        }
    }

    pub(super) const fn config(&self) -> &SimConfig {
        &self.config
    }

    pub(super) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stats(&self) -> Stats {
        let shared = self.lock();
        let waiting = u64::try_from(shared.deliveries.count()).unwrap_or(u64::MAX);
        Stats {
            waiting,
            ..shared.stats
        }
    }

    pub(super) fn inbox(&self) -> Vec<InboxMessage> {
        self.lock().inbox.messages()
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.lock().behaviour = behaviour;
    }

    pub(super) fn inject_mo(
        &self,
        from: &str,
        to: &str,
        text: &str,
    ) -> Result<usize, SegmentError> {
        let cut = segments(text, ReferenceWidth::Eight)?;
        let mut shared = self.lock();
        shared.next_reference = shared.next_reference.wrapping_add(1);
        let reference = shared.next_reference;
        let from = from.trim_start_matches('+').as_bytes();
        for segment in &cut.segments {
            let header = segment.header(reference, ReferenceWidth::Eight);
            let header = header.as_ref().map_or(&[][..], |header| header.as_octets());
            let part = MobileDue {
                handset: Address {
                    ton: 1,
                    npi: 1,
                    octets: Inline::new(from),
                },
                short_code: Address {
                    ton: 3,
                    npi: 0,
                    octets: Inline::new(to.as_bytes()),
                },
                esm_class: if header.is_empty() {
                    0
                } else {
                    esm_class::UDHI
                },
                data_coding: cut.encoding.data_coding(),
                octets: [header, segment.reveal()].concat(),
            };
            let payload = Box::new(Payload::Mobile(part));
            shared
                .deliveries
                .push(Owner::ANYONE, Instant::now(), payload);
        }
        shared.wake(Owner::ANYONE);
        Ok(cut.segments.len())
    }

    /// Who binds, or why not.
    pub(super) fn admit(&self, system_id: &[u8], password: &[u8]) -> Result<Owner, Status> {
        let accounts = &self.config.accounts;
        if !accounts.is_empty() {
            let account = accounts
                .iter()
                .find(|known| known.system_id.as_bytes() == system_id);
            let account = account.ok_or(Status::INVALID_SYSTEM_ID)?;
            if account.password.as_bytes() != password {
                return Err(Status::INVALID_PASSWORD);
            }
        }
        self.lock().owner(system_id).ok_or(Status::BIND_FAILED)
    }
}

impl Shared {
    fn owner(&mut self, system_id: &[u8]) -> Option<Owner> {
        if let Some(owner) = self.owners.get(system_id) {
            return Some(*owner);
        }
        if self.owners.len() >= ACCOUNTS_MAX {
            return None;
        }
        let owner = self.deliveries.add_owner();
        self.owners.insert(system_id.into(), owner);
        Some(owner)
    }

    /// A number that tells connections apart.
    pub(super) fn connection(&mut self) -> u64 {
        self.next_connection += 1;
        self.next_connection
    }

    /// Counts and keeps a submit that is taken; returns its id.
    pub(super) fn take(&mut self, message: &ShortMessage<'_>, now: Timestamp) -> u64 {
        self.stats.submits += 1;
        if self.seen.is_new(message) {
            self.stats.unique += 1;
        } else {
            self.stats.duplicates += 1;
        }
        self.inbox.take(message, now);
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn enter(&mut self, connection: u64, owner: Owner, wake: Arc<Notify>) {
        self.receivers.push(Receiver {
            connection,
            owner,
            wake,
        });
    }

    pub(super) fn leave(&mut self, connection: u64) {
        self.receivers
            .retain(|receiver| receiver.connection != connection);
    }

    /// Lets the receivers of this owner look for deliveries.
    pub(super) fn wake(&self, owner: Owner) {
        for receiver in &self.receivers {
            if owner == Owner::ANYONE || owner == receiver.owner {
                receiver.wake.notify_one();
            }
        }
    }
}
