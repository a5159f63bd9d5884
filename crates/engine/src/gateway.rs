//! The gateway: the ports, the keys and the state that every command works on. The commands are in
//! files of their own; this one only holds them together.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use domain::time::Timestamp;
use ledger::NodeName;
use tokio::sync::Notify;

use crate::changes::Changes;
use crate::checkpoints::Ledger;
use crate::client::Directory;
use crate::doors::Doors;
use crate::esmes::Esmes;
use crate::feed::Feed;
use crate::halt::Halt;
use crate::ids::IdSource;
use crate::keys::{BlindKeys, MasterKey};
use crate::limits::Limits;
use crate::metrics::{Counter, Metrics};
use crate::nonces::Nonces;
use crate::ports::store::{CommitError, Committed};
use crate::ports::{Carriers, Clock, Counts, Entropy, Keyring, Store};
use crate::pumping::Desk;
use crate::retention::Reached;
use crate::rotation::Rotations;
use crate::sealing::Sealing;
use crate::settings::Settings;
use crate::shortage::Shortage;
use crate::sim_swap::RiskParts;
use crate::state::State;
use crate::steady::SteadyTime;
use crate::streams::Stream;
use crate::turns::Turns;
use crate::vault::Vault;
use crate::verifications::NumberLocks;
use crate::webhooks::Webhooks;

/// What a gateway is made of.
pub struct Parts {
    /// Where everything durable lies.
    pub store: Arc<dyn Store>,
    /// The way out to carriers.
    pub carriers: Arc<dyn Carriers>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of chance.
    pub entropy: Arc<dyn Entropy>,
    /// The master key of the data folder.
    pub master: MasterKey,
    /// Where the salt of the wrapping key lies.
    pub keyring: Arc<dyn Keyring>,
    /// Where the counts of the limits lie.
    pub counts: Arc<dyn Counts>,
    /// The name of this node, as the store writes it into entries.
    pub node: NodeName,
    /// What it is told to do.
    pub settings: Settings,
}

/// The gateway. Always used through an `Arc`.
pub struct Gateway {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) carriers: Arc<dyn Carriers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keyring: Arc<dyn Keyring>,
    pub(crate) counts: Arc<dyn Counts>,
    /// Set once the stored keys are open.
    pub(crate) blind: OnceLock<Arc<BlindKeys>>,
    pub(crate) rotations: Rotations,
    pub(crate) vault: Arc<Vault>,
    pub(crate) ids: IdSource,
    pub(crate) settings: RwLock<Arc<Settings>>,
    pub(crate) directory: RwLock<Directory>,
    /// What signed requests were known by. Its lock is held for a moment and with no other.
    pub(crate) nonces: Mutex<Nonces>,
    /// Held by whoever destroys sealed values or counts them, so that no two destroy the same.
    pub(crate) destruction: Arc<tokio::sync::Mutex<Reached>>,
    /// Held by whoever changes a factor, from reading it to its commit.
    pub(crate) factor_turns: Turns,
    /// Held from reading a client to the commit of its change, so that no change undoes another.
    pub(crate) client_change: Arc<tokio::sync::Mutex<()>>,
    /// Held open before the state, so that no client's flood stands before another's commit.
    pub(crate) doors: Doors,
    pub(crate) state: Mutex<State>,
    /// One for each client and number whose verifications change.
    pub(crate) number_locks: NumberLocks,
    /// The counts of the limits. Its lock is taken last, also while the state is locked.
    pub(crate) limits: Limits,
    /// Wakes the dispatcher.
    pub(crate) wake: Notify,
    /// Wakes whoever looks for the segments of unmatched receipts.
    pub(crate) receipts_wake: Notify,
    /// Whether the state in memory is ahead of the durable one.
    pub(crate) halt: Halt,
    /// The ledger's key, guard and witnesses, where it is signed.
    pub(crate) ledger: OnceLock<Arc<Ledger>>,
    /// What is turned away, for the `ledger.gap` entry.
    pub(crate) shortage: Shortage,
    /// The streams to collectors.
    pub(crate) streams: OnceLock<Vec<Arc<Stream>>>,
    /// Held by whoever brings a message back since a carrier names its hand-over, until that is durable.
    pub(crate) hand_overs: tokio::sync::Mutex<()>,
    /// Who is told of events, and how far.
    pub(crate) feed: Feed,
    /// The webhooks of clients.
    pub(crate) webhooks: Webhooks,
    /// The seals of the ledger, where it is sealed.
    pub(crate) sealing: OnceLock<Arc<Sealing>>,
    /// Who is asked about SIMs, where somebody is.
    pub(crate) risk: OnceLock<RiskParts>,
    /// The pumping guard; see [`crate::pumping`] for the order of locks.
    pub(crate) pumping: Mutex<Desk>,
    /// Whether a prefix may be blocked: messages ask the guard only then. Set when a block begins, and every round
    /// of the housekeeper.
    pub(crate) blocks_stand: AtomicBool,
    /// Who is bound, and who failed to. Its lock is taken last.
    pub(crate) esmes: Esmes,
    /// The clock that nobody sets, from its first reading on.
    pub(crate) steady: OnceLock<SteadyTime>,
    me: Weak<Gateway>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// Puts the parts together, with nothing loaded yet.
    pub(crate) fn assemble(parts: Parts) -> Arc<Self> {
        let state = State::new(&parts.settings.bounds);
        Arc::new_cyclic(|me| Self {
            store: parts.store,
            carriers: parts.carriers,
            clock: parts.clock,
            entropy: parts.entropy,
            keyring: parts.keyring,
            counts: parts.counts,
            blind: OnceLock::new(),
            rotations: Rotations::default(),
            vault: Arc::new(Vault::new(&parts.master)),
            ids: IdSource::default(),
            settings: RwLock::new(Arc::new(parts.settings)),
            directory: RwLock::default(),
            nonces: Mutex::default(),
            destruction: Arc::default(),
            factor_turns: Turns::new(),
            client_change: Arc::default(),
            doors: Doors::default(),
            state: Mutex::new(state),
            number_locks: NumberLocks::default(),
            limits: Limits::default(),
            wake: Notify::new(),
            receipts_wake: Notify::new(),
            halt: Halt::default(),
            ledger: OnceLock::new(),
            shortage: Shortage::default(),
            streams: OnceLock::new(),
            hand_overs: tokio::sync::Mutex::default(),
            feed: Feed::default(),
            webhooks: Webhooks::default(),
            sealing: OnceLock::new(),
            risk: OnceLock::new(),
            pumping: Mutex::default(),
            blocks_stand: AtomicBool::new(false),
            esmes: Esmes::default(),
            steady: OnceLock::new(),
            me: me.clone(),
        })
    }

    /// The keyed hashes of the store.
    pub(crate) fn blind(&self) -> &Arc<BlindKeys> {
        self.blind.get_or_init(|| Arc::new(self.vault.blind_keys()))
    }

    /// The settings of this moment.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state, locked. A panic elsewhere does not make it unusable: every change to it is queued
    /// for commit before the lock is given back.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This gateway, for callbacks that outlive the call.
    pub(crate) fn myself(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Queues changes for commit. Call it while the state is locked, so that commits are queued in
    /// the order in which the state moved. After one has failed, none is queued until the state is
    /// rebuilt: the state in memory is ahead of the durable one.
    pub(crate) fn commit(
        &self,
        changes: Changes,
        then: impl FnOnce(&Arc<Self>, Result<Committed, CommitError>) + Send + 'static,
    ) {
        let Some(me) = self.myself() else { return };
        let at = changes.at();
        if !self.take_off() {
            self.is_away_since(at);
            return self.hold_back(Box::new(then));
        }
        let done = Box::new(move |result: Result<Committed, CommitError>| {
            me.land();
            if result.is_err() {
                me.is_away_since(at);
                let mut state = me.state();
                state.counters.add(Counter::CommitsFailed, 1);
                me.halt();
            }
            then(&me, result);
        });
        self.store.commit(changes, done);
    }

    /// A metrics snapshot.
    pub fn metrics(&self) -> Metrics {
        let mut metrics = crate::metrics::collect(&self.state());
        let numbers_max = self.settings().bounds.guess_budgets_max;
        let full = crate::metrics::full_of_numbers(&self.state(), numbers_max);
        metrics.rows.push(full);
        let (is_open, refused) = (self.is_open(), self.shortage.refused_ever());
        let storage = crate::metrics::of_storage(is_open, refused, self.store.room());
        metrics.rows.extend(storage);
        if let Some(ledger) = self.ledger.get() {
            metrics.rows.extend(ledger.witnesses.rows(self.now()));
        }
        metrics.rows.extend(self.stream_rows());
        metrics.rows.extend(self.feed.rows());
        metrics.rows.extend(self.webhooks.metrics());
        metrics.rows.extend(self.pumping_rows());
        metrics.rows.extend(self.esme_rows());
        if let Some(sealing) = self.sealing.get() {
            metrics.rows.extend(sealing.rows());
        }
        metrics.rows.extend(self.limits.rows());
        metrics.rows.extend(self.credential_rows());
        metrics.add_keys(&self.key_status());
        if let Some(ledger) = self.ledger.get() {
            let guard = crate::metrics::of_guard(ledger.is_guard_empty);
            metrics.rows.push(guard);
        }
        metrics
    }

    /// The one reading of the clock of a command.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock that nobody sets, which limits go by.
    pub(crate) fn uptime(&self) -> std::time::Duration {
        self.clock.uptime()
    }
}
