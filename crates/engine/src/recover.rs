//! Start and recovery: rebuilds the state from the store, decides on the segments of unknown fate,
//! and records what happened. The same road is taken at every start and after every failure of the
//! store.

use std::sync::{Arc, PoisonError, mpsc};
use std::time::Duration;

use domain::message::{Segment, SegmentState};
use domain::reassembly::{Assembled, Part, Reassembled};
use domain::text::segment::{self, ReferenceWidth};
use domain::text::udh::Concatenation;
use domain::time::Timestamp;
use domain::verification::budget::DAY;
use ledger::{Facts, Kind};

use crate::answers::Doubt;
use crate::batch::Batch;
use crate::changes::{Changes, Write};
use crate::checkpoints::{Ledger, LedgerError, LedgerParts};
use crate::dispatch::ticket;
use crate::entries;
use crate::gateway::{Gateway, Parts};
use crate::ports::carrier::{Token, Verdict};
use crate::ports::keyring::KeyringError;
use crate::ports::store::{CarrierIdRow, LedgerHead, Loaded, ReadError, Shutdown};
use crate::pumping::{Desk, record};
use crate::rows::{KekRow, MessageRow, PartRow, Purpose, SecretRow, VaultRow};
use crate::settings::{Fairness, Settings};
use crate::state::carrier_ids::SegmentRef;
use crate::state::queue::{Place, Ticket};
use crate::state::{Open, State};
use crate::vault::wrapping::Stored;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Read(#[from] ReadError),
    /// A key of the store does not open under this master key.
    #[error(
        "the master key or the salt of the wrapping key (keys/wrap.salt) does not belong to this data \
         folder, or the folder is damaged; after a `keys rotate --master` that was cut off the new \
         master key may be the right one"
    )]
    WrongMaster,
    /// The keys are wrapped under a salt that is not there.
    #[error(
        "the salt of the wrapping key (keys/wrap.salt) is missing; restore it from the copy that was \
         made when this store, or its backup, was the newest: without it nobody can read the numbers \
         and texts in it"
    )]
    NoSalt,
    /// The blind root is not there, although the store has been under another master key.
    #[error(
        "the blind root is missing from the store (table secret, row blind), although the master key was \
         replaced: without it no opt-out would be found, and messages would go to people who opted out; \
         restore the store from a backup made after the last `keys rotate --master`"
    )]
    NoBlindRoot,
    /// The salt cannot be read or kept.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The ledger is not the one that was signed before, or cannot be signed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The limits are none.
    #[error(transparent)]
    Limits(#[from] domain::limit::policy::PolicyError),
    /// The first entry cannot be written.
    #[error("the store does not take the first entry; is the disk full or read-only?")]
    Commit,
}

/// How far a clock is set back at most for the last id to count as the end of the life before: two windows of
/// signatures. One that was further ahead let in no client whose own clock was right.
const SET_BACK_MAX: Duration = Duration::from_mins(10);

/// Messages decided on in one commit.
const DOUBT_BATCH: usize = 500;

/// What was found at start.
#[derive(Debug, Default)]
struct Found {
    open: u64,
    in_doubt: Vec<u64>,
    /// Long messages from handsets for which there is no more room.
    given_up: Vec<Assembled>,
    /// Segments for whose ids there is no more room.
    spilled: Vec<CarrierIdRow>,
    /// The pumping guard as it was.
    pumping: Desk,
    /// Records of it that do not open.
    unopened: u64,
}

/// The stored keys on their way into the vault.
enum Keys {
    Coming(Stored),
    Here,
    Wrong(StartError),
}

impl Keys {
    fn kek(&mut self, row: KekRow) {
        if let Self::Coming(stored) = self {
            stored.keks.push(row);
        }
    }

    fn secret(&mut self, row: SecretRow) {
        if let Self::Coming(stored) = self {
            stored.secrets.push(row);
        }
    }

    /// Puts those that came into the vault, once. Gives whether they open.
    fn complete(&mut self, gateway: &Gateway) -> bool {
        if let Self::Coming(stored) = self {
            *self = match gateway.unlock(stored) {
                Ok(()) => Self::Here,
                Err(error) => Self::Wrong(error),
            };
            gateway.next_generation();
        }
        matches!(self, Self::Here)
    }

    fn ended(self) -> Result<(), StartError> {
        match self {
            Self::Wrong(error) => Err(error),
            Self::Here | Self::Coming(_) => Ok(()),
        }
    }
}

impl Gateway {
    /// Loads everything, records the start and decides on what may have left. Blocks.
    pub fn start(parts: Parts) -> Result<Arc<Self>, StartError> {
        Self::assemble(parts).begin()
    }

    /// The same with a ledger that is signed. It is first made sure that this is the history that was
    /// signed before: another one must not grow further, not even by an entry that says so.
    pub fn start_signed(parts: Parts, ledger: LedgerParts) -> Result<Arc<Self>, StartError> {
        let ledger = Ledger::open(ledger, parts.clock.now())?;
        let gateway = Self::assemble(parts);
        let _first = gateway.ledger.set(Arc::new(ledger));
        gateway.begin()
    }

    fn begin(self: Arc<Self>) -> Result<Arc<Self>, StartError> {
        let gateway = self;
        let head = gateway.store.head()?;
        gateway.restore(&head)?;
        gateway.forget_nonces(&head);
        gateway.begin_limits()?;
        Ok(gateway)
    }

    /// Nobody knows which nonces were taken in the life before; in a new store there was none. It ended before now. Where
    /// the clock was set back since, its last id tells how late it was at least: what came later and drew no id, a
    /// read or a cancel, may come again. A clock that was far ahead must not shut everybody out until that time
    /// comes, and need not: only a client whose own clock was just as wrong was let in by it.
    fn forget_nonces(&self, head: &LedgerHead) {
        if head.clean == Shutdown::First {
            return;
        }
        let now = self.now();
        let last_id = Timestamp::from_micros((head.last_sequence >> 12).saturating_mul(1_000));
        let was_ahead = last_id > now.saturating_add(SET_BACK_MAX);
        if was_ahead {
            tracing::warn!(
                %last_id,
                "the clock was once more than ten minutes ahead of now; signatures of clients whose clocks were just \
                 as wrong could be taken again when that time comes: give those clients new keys"
            );
        }
        self.begin_nonces(if was_ahead { now } else { now.max(last_id) });
    }

    /// Rebuilds the state and records how.
    fn restore(&self, head: &LedgerHead) -> Result<(), StartError> {
        let now = self.now();
        let settings = self.settings();
        self.ids.raise(head.last_sequence);
        let mut fresh = State::new(&settings.bounds);
        let mut found = self.load(&mut fresh, &settings, now)?;
        self.record_start(head, &mut found, now)?;
        let mut state = self.state();
        // Binds and paces outlive a reopening of the store: the sockets are still there. So do counts
        // that are in no commit yet.
        fresh.binds = std::mem::take(&mut state.binds);
        fresh.codes = std::mem::take(&mut state.codes);
        std::mem::swap(&mut fresh.coalescer, &mut state.coalescer);
        fresh.counters.absorb(std::mem::take(&mut state.counters));
        let crowd = std::mem::take(&mut state.crowd);
        *state = fresh;
        *self.pumping() = std::mem::take(&mut found.pumping);
        self.look_for_blocks();
        self.resume();
        self.is_back();
        self.decide_doubts(&mut state, &found, &settings, now);
        state.line_up(&settings.fairness);
        self.give_up(&mut state, &settings, &found.given_up, now);
        drop(state);
        crowd.judge(Verdict::Again);
        self.answer_held_back();
        self.wake.notify_one();
        Ok(())
    }

    fn load(
        &self,
        state: &mut State,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Found, StartError> {
        let mut found = Found::default();
        let mut keys = Keys::Coming(Stored::default());
        self.store.load(&mut |loaded| match loaded {
            Loaded::Kek(row) => keys.kek(row),
            Loaded::Secret(row) => keys.secret(row),
            // What they seal comes behind them, and is opened as it comes: it is most of what there is.
            loaded => {
                if keys.complete(self) {
                    self.take_loaded(state, settings, loaded, &mut found, now);
                }
            }
        })?;
        keys.complete(self);
        keys.ended()?;
        found.pumping.go_on(self.steady());
        let spilled = std::mem::take(&mut found.spilled);
        if !spilled.is_empty() {
            self.store.index_carrier_ids(spilled);
        }
        Ok(found)
    }

    fn take_loaded(
        &self,
        state: &mut State,
        settings: &Settings,
        loaded: Loaded,
        found: &mut Found,
        now: Timestamp,
    ) {
        match loaded {
            Loaded::OptOut(row) => {
                state.opt_outs.insert((row.short_code, row.subject), row);
            }
            Loaded::Client(row) => {
                let mut directory = self
                    .directory
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                directory.put(*row);
            }
            Loaded::Idempotency(row) => state.idempotency.settle(&row),
            Loaded::Unmatched(row) => drop(state.unmatched.insert(row)),
            Loaded::Open(row, vault) => {
                found.open += 1;
                let spilled = self.load_open(state, settings, *row, &vault, found);
                found.spilled.extend(spilled);
            }
            Loaded::Verification(row, vault) => {
                self.load_verification(state, settings, &row, &vault);
            }
            Loaded::Budget(mut row) => {
                let steady = self.steady();
                row.budgets = row.budgets.none_ahead(steady);
                // Looked at again at once: the process was away for part of its day, or for all of it.
                state.budgets.put(*row, steady.saturating_sub(DAY));
            }
            Loaded::Part(row, vault) => {
                let given_up = self.load_part(state, &row, &vault, now);
                found.given_up.extend(given_up);
            }
            Loaded::Pumping(row) => match record::open(self.blind(), &row) {
                Some(record) => found.pumping.take(record),
                None => found.unopened += 1,
            },
            Loaded::Webhook(row) => drop(self.webhooks.rows().insert(row.id, *row)),
            Loaded::Progress(row) => self.feed.remember(&row.name, row.octets),
            // A key behind what it could have sealed: the store breaks its promise.
            Loaded::Kek(_) | Loaded::Secret(_) => {}
        }
    }

    fn load_open(
        &self,
        state: &mut State,
        settings: &Settings,
        row: MessageRow,
        vault: &[VaultRow],
        found: &mut Found,
    ) -> Vec<CarrierIdRow> {
        let sequence = row.id.sequence();
        let mut open = self.reopen_message(row, vault);
        if open.to.is_some() && open.segments.iter().any(|s| s.carrier_id().is_none()) {
            // Where there is none it may lie with a verification, which comes later.
            if let Some(text) = self.opened(vault, Purpose::Text) {
                self.give_body(settings, &mut open, &text);
            }
        }
        if open
            .segments
            .iter()
            .any(|s| s.state() == SegmentState::Dispatched)
        {
            found.in_doubt.push(sequence);
        }
        let ids: Vec<_> = (0_u8..)
            .zip(&open.segments)
            .filter_map(|(place, s)| Some((place, s.carrier()?.clone(), s.carrier_id()?.clone())))
            .collect();
        state.messages.insert(sequence, open);
        let mut spilled = Vec::new();
        for (segment, carrier, id) in ids {
            let target = SegmentRef {
                message: sequence,
                segment,
            };
            for evicted in state.carrier_ids.insert(&carrier, &id, target) {
                spilled.extend(state.spill(evicted, None));
            }
        }
        spilled
    }

    /// A stored message as it moves in memory, without its text.
    pub(crate) fn reopen_message(&self, row: MessageRow, vault: &[VaultRow]) -> Open {
        Open {
            id: row.id,
            client: row.head.client,
            class: row.head.class,
            from: row.head.from,
            to: self.number(vault),
            expires: row.expires,
            version: row.version,
            state: row.state,
            segments: row.segments,
            body: None,
            width: ReferenceWidth::default(),
            queue_full: 0,
            spilled: false,
        }
    }

    /// Cuts a stored text again as it was cut when it was accepted. The setting may have changed since:
    /// only a cut with as many segments can be the same one.
    #[expect(clippy::unused_self, reason = "it belongs to the steps of a start")]
    pub(crate) fn give_body(&self, settings: &Settings, open: &mut Open, text: &str) {
        let code = settings.short_codes.get(&open.from);
        let set = code.map_or(ReferenceWidth::default(), |code| code.reference_width);
        for width in [set, ReferenceWidth::Eight, ReferenceWidth::Sixteen] {
            let body = segment::segments(text, width).ok();
            let body = body.filter(|body| body.segments.len() == open.segments.len());
            if body.is_some() {
                (open.body, open.width) = (body, width);
                return;
            }
        }
    }

    /// Gives back the long messages for which there is no more room.
    fn load_part(
        &self,
        state: &mut State,
        row: &PartRow,
        vault: &[VaultRow],
        now: Timestamp,
    ) -> Vec<Assembled> {
        let concatenation = Concatenation::new(row.reference, row.width, row.total, row.ordinal);
        let octets = vault.iter().find(|sealed| sealed.purpose == Purpose::Text);
        let octets = octets.and_then(|sealed| self.vault.open(sealed).ok());
        let (Some(sender), Some(concatenation), Some(octets)) =
            (self.number(vault), concatenation, octets)
        else {
            return Vec::new();
        };
        let part = Part {
            sender,
            short_code: row.to,
            concatenation,
            data_coding: row.data_coding,
            octets: octets.as_slice().into(),
            row: row.sequence,
        };
        let mut insertion = state.parts.insert(part, row.at.min(now));
        match insertion.outcome {
            Reassembled::Incomplete | Reassembled::Duplicate => {}
            Reassembled::Complete(whole) | Reassembled::Alone(whole) => {
                insertion.evicted.push(whole);
            }
        }
        insertion.evicted
    }

    fn record_start(
        &self,
        head: &LedgerHead,
        found: &mut Found,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let in_doubt = found.in_doubt.len();
        let data = Facts::new()
            .put("entries", head.size)
            .put("in_doubt", in_doubt)
            .put("open", found.open);
        let kind = match head.clean {
            Shutdown::First | Shutdown::Clean => Kind::LedgerStarted,
            Shutdown::Crash => Kind::LedgerRecovered,
        };
        let mut batch = Batch::new(now);
        let is_guard_empty = self.ledger.get().is_some_and(|it| it.is_guard_empty);
        batch.entry(entries::started(
            kind,
            data,
            is_guard_empty.then_some("guard-empty"),
        ));
        let keks = self.vault.draw(&[now], self.entropy.as_ref());
        if !keks.is_empty() {
            batch.entry(entries::keks(&keks));
        }
        for kek in &keks {
            batch.write(Write::Kek(kek.row.clone()));
        }
        self.keep_loaded(&mut batch, found);
        self.commit_and_wait(batch.finish())?;
        self.vault.take_in(keks);
        Ok(())
    }

    /// Keeps the pumping guard as a whole, so that what one start had to put together the next has not.
    fn keep_loaded(&self, batch: &mut Batch, found: &mut Found) {
        if found.unopened > 0 {
            let records = found.unopened;
            tracing::error!(
                records,
                "records of the pumping guard do not open and are left out"
            );
        }
        if !found.pumping.has_records() {
            return;
        }
        let whole = found.pumping.whole();
        let before = self.ids.sequence(batch.at());
        let row = record::seal(self.blind(), before, &whole, self.entropy.as_ref());
        if let Some(row) = row {
            batch.write(Write::Pumping(row));
            batch.write(Write::ForgetPumping { before });
        }
    }

    /// Decides on the segments that may have left and that nobody will answer any more. Those whose
    /// bind outlived the failure are still answered.
    fn decide_doubts(&self, state: &mut State, found: &Found, settings: &Settings, now: Timestamp) {
        for sequences in found.in_doubt.chunks(DOUBT_BATCH) {
            let mut batch = Batch::new(now);
            for sequence in sequences {
                let Some(mut open) = state.messages.remove(sequence) else {
                    continue;
                };
                let doubt = Doubt {
                    policy: settings.ambiguity(open.class),
                    reason: "restart",
                };
                for place in open.unanswered(state) {
                    doubt.settle(state, &mut open, place, &mut batch);
                }
                state.messages.insert(*sequence, open);
                state.settle(*sequence);
            }
            if let Some(changes) = batch.finish() {
                self.commit(changes, |_, _| {});
            }
        }
    }

    /// Commits and blocks until it is durable. Only for a start and a rebuilding, while nothing else
    /// is committed.
    fn commit_and_wait(&self, changes: Option<Changes>) -> Result<(), StartError> {
        let Some(changes) = changes else {
            return Ok(());
        };
        let (done, durable) = mpsc::channel();
        let done = Box::new(move |result: Result<_, _>| {
            let _ = done.send(result.is_ok());
        });
        self.store.commit(changes, done);
        match durable.recv() {
            Ok(true) => Ok(()),
            _ => Err(StartError::Commit),
        }
    }

    /// After a commit that failed: opens the store again if it is away, records the gap and rebuilds
    /// the state. Blocks; called by the housekeeper until it succeeds.
    pub fn reopen(&self, away_since: Timestamp) -> Result<(), StartError> {
        let state = self.state();
        self.halt();
        drop(state);
        let reopened = self.try_reopen(away_since);
        // Whether or not it went well: nobody waits longer than one try.
        self.answer_held_back();
        reopened
    }

    fn try_reopen(&self, away_since: Timestamp) -> Result<(), StartError> {
        // While the store is away it knows why.
        let gap = self.gap(away_since);
        if !self.store.is_available() {
            self.store.reopen()?;
        }
        let now = self.now();
        let (changes, refused) = self.gap_entry(gap, now);
        // Once this is durable every commit before it has been answered, so that what is loaded next
        // is all there is.
        if let Err(error) = self.commit_and_wait(Some(changes)) {
            self.gap_goes_on(refused);
            return Err(error);
        }
        self.gap_recorded(gap, now);
        let head = self.store.head()?;
        self.restore(&LedgerHead {
            clean: Shutdown::Crash,
            ..head
        })
    }
}

impl Open {
    /// The places of the segments that may have left and that nobody will answer.
    fn unanswered(&self, state: &State) -> Vec<u8> {
        let is_lost = |(place, segment): &(u8, &Segment)| {
            let token = Token {
                message: self.id.sequence(),
                segment: *place,
                attempt: segment.attempts(),
            };
            segment.state() == SegmentState::Dispatched && !state.is_unanswered(token)
        };
        let lost = (0_u8..).zip(&self.segments).filter(is_lost);
        lost.map(|(place, _)| place).collect()
    }
}

impl State {
    /// Puts every message with segments that wait into its line, in order of age.
    fn line_up(&mut self, fairness: &Fairness) {
        let waiting = self.messages.values().filter(|open| open.has_pending());
        let mut tickets: Vec<Ticket> = waiting.map(ticket).collect();
        tickets.sort_unstable_by_key(|ticket| ticket.sequence);
        for ticket in tickets {
            self.queue.push(ticket, Place::Back, fairness);
        }
    }
}
