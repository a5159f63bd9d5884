//! What a store in memory holds durably: rows and entries, changed by whole commits only.

use std::collections::{BTreeMap, BTreeSet};

use domain::sender::ShortCode;
use domain::time::Timestamp;
use engine::changes::{Changes, Write};
use engine::ports::log::Published;
use engine::ports::store::{CommitError, Committed, LedgerHead, Shutdown};
use engine::rows::{
    Bearer, BudgetRow, ClientRow, FactorRow, IdempotencyRow, InboundRow, KekRow, MessageRow,
    MessageUpdate, NO_SUBJECT, OptOutRow, PartRow, ProgressRow, PumpingRow, Purpose, SecretRow,
    UnmatchedRow, VaultRow, VerificationRow, VerificationUpdate, WebhookRow,
};
use ledger::{Hash, Kind, NodeName, Stamp, leaf_hash};

/// One entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The number of the commit that brought it, from 1.
    pub commit: u64,
}

/// Everything that survives a crash. A copy shares nothing with its original.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) messages: BTreeMap<u64, MessageRow>,
    pub(super) vault: BTreeMap<(u64, Purpose), VaultRow>,
    pub(super) inbound: BTreeMap<u64, InboundRow>,
    pub(super) keks: BTreeMap<(u32, Purpose), KekRow>,
    pub(super) secrets: BTreeMap<Box<str>, SecretRow>,
    pub(super) opt_outs: BTreeMap<u64, OptOutRow>,
    pub(super) factors: BTreeMap<u64, FactorRow>,
    pub(super) clients: BTreeMap<u64, ClientRow>,
    pub(super) idempotency: BTreeMap<u64, IdempotencyRow>,
    pub(super) unmatched: BTreeMap<u64, UnmatchedRow>,
    pub(super) pumping: BTreeMap<u64, PumpingRow>,
    pub(super) webhooks: BTreeMap<u64, WebhookRow>,
    pub(super) progress: BTreeMap<Box<str>, ProgressRow>,
    pub(super) parts: BTreeMap<u64, PartRow>,
    pub(super) verifications: BTreeMap<u64, VerificationRow>,
    pub(super) budgets: BTreeMap<u64, BudgetRow>,
    pub(super) minimum: u64,
    pub(super) snapshots: BTreeMap<(u64, u32), Vec<u8>>,
    entries: Vec<Logged>,
    changed: Vec<(u64, u64)>,
    /// The index of the first entry of the commit that brought a message or inbound message.
    pub(super) accepted: BTreeMap<u64, u64>,
    pub(super) published: Option<Published>,
    /// Whether the index by number lost every row.
    pub(super) is_index_empty: bool,
    node: NodeName,
    commits: u64,
    epoch: u64,
    last_time: u64,
    last_kind: Option<Kind>,
    last_sequence: u64,
    clean: Shutdown,
}

impl Image {
    /// An empty one.
    pub fn new(node: &NodeName) -> Self {
        Self {
            messages: BTreeMap::new(),
            vault: BTreeMap::new(),
            inbound: BTreeMap::new(),
            keks: BTreeMap::new(),
            secrets: BTreeMap::new(),
            opt_outs: BTreeMap::new(),
            factors: BTreeMap::new(),
            clients: BTreeMap::new(),
            idempotency: BTreeMap::new(),
            unmatched: BTreeMap::new(),
            pumping: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            progress: BTreeMap::new(),
            parts: BTreeMap::new(),
            verifications: BTreeMap::new(),
            budgets: BTreeMap::new(),
            minimum: 0,
            snapshots: BTreeMap::new(),
            entries: Vec::new(),
            changed: Vec::new(),
            accepted: BTreeMap::new(),
            published: None,
            is_index_empty: false,
            node: node.clone(),
            commits: 0,
            epoch: 0,
            last_time: 0,
            last_kind: None,
            last_sequence: 0,
            clean: Shutdown::First,
        }
    }

    /// A process takes the image over.
    pub(super) fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.clean = match self.last_kind {
            None => Shutdown::First,
            Some(Kind::LedgerStopped) => Shutdown::Clean,
            Some(_) => Shutdown::Crash,
        };
    }

    /// Applies one commit whole, or not at all when an expectation does not hold.
    pub(super) fn commit(&mut self, changes: &Changes) -> Result<Committed, CommitError> {
        if !self.expectations_hold(changes.writes()) {
            return Err(CommitError::Conflict);
        }
        self.commits += 1;
        let first_index = self.size();
        // Times of a node never go back, whatever the clock does.
        self.last_time = self.last_time.max(changes.at().micros());
        for draft in changes.entries() {
            let stamp = Stamp {
                node: &self.node,
                epoch: self.epoch,
                node_seq: self.size(),
                time_micros: self.last_time,
            };
            let bytes = draft.finish(&stamp);
            let leaf = leaf_hash(&bytes);
            self.last_kind = Some(draft.kind());
            self.entries.push(Logged {
                bytes,
                leaf,
                commit: self.commits,
            });
        }
        for write in changes.writes() {
            if let Some(sequence) = accepted_by(write) {
                self.accepted.insert(sequence, first_index);
            }
            self.apply(write, first_index);
        }
        Ok(Committed { first_index })
    }

    fn expectations_hold(&self, writes: &[Write]) -> bool {
        let mut versions: BTreeMap<u64, u32> = BTreeMap::new();
        let mut verified: BTreeMap<u64, u32> = BTreeMap::new();
        let mut factors: BTreeMap<u64, u32> = BTreeMap::new();
        let mut destroyed: BTreeSet<(u64, Purpose)> = BTreeSet::new();
        for write in writes {
            let (sequence, expected, becomes) = match write {
                Write::Message(row) => (row.id.sequence(), 0, row.version),
                Write::Update(row) => (row.sequence, row.version - 1, row.version),
                Write::Inbound(row) if self.inbound.contains_key(&row.id.sequence()) => {
                    return false;
                }
                Write::Tombstone { owner, purpose } | Write::Expire { owner, purpose } => {
                    let place = (*owner, *purpose);
                    let row = self.vault.get(&place);
                    let is_live = row.is_some_and(|row| row.erased_by().is_none());
                    if !is_live || !destroyed.insert(place) {
                        return false;
                    }
                    continue;
                }
                Write::Verification(row) => {
                    let sequence = row.id.sequence();
                    if self.verifications.contains_key(&sequence)
                        || verified.insert(sequence, row.version).is_some()
                    {
                        return false;
                    }
                    continue;
                }
                Write::VerificationUpdate(row) => {
                    let stored = self.verifications.get(&row.sequence);
                    let stored = stored.map_or(0, |row| row.version);
                    let known = verified.insert(row.sequence, row.version);
                    if known.unwrap_or(stored) != row.version - 1 {
                        return false;
                    }
                    continue;
                }
                Write::Factor(row) => {
                    let sequence = row.id.sequence();
                    let stored = self.factors.get(&sequence).map_or(0, |row| row.version);
                    let stands = factors.insert(sequence, row.version).unwrap_or(stored);
                    if stands != row.version - 1 {
                        return false;
                    }
                    continue;
                }
                Write::Kek(row) if self.keks.contains_key(&(row.week, row.purpose)) => {
                    return false;
                }
                Write::Rewrap(row) if !self.keks.contains_key(&(row.week, row.purpose)) => {
                    return false;
                }
                _ => continue,
            };
            let stored = self.messages.get(&sequence).map_or(0, |row| row.version);
            if versions.get(&sequence).copied().unwrap_or(stored) != expected {
                return false;
            }
            versions.insert(sequence, becomes);
        }
        true
    }

    fn apply(&mut self, write: &Write, first_index: u64) {
        match write {
            Write::Message(row) => {
                self.changed.push((self.commits, row.id.sequence()));
                self.messages.insert(row.id.sequence(), (**row).clone());
            }
            Write::Update(update) => self.update(update),
            Write::Inbound(row) => drop(self.inbound.insert(row.id.sequence(), (**row).clone())),
            Write::Vault(row) => drop(self.vault.insert((row.owner, row.purpose), row.clone())),
            Write::Tombstone { owner, purpose } => {
                let row = VaultRow::tombstone(*owner, *purpose, first_index);
                self.vault.insert((*owner, *purpose), row);
            }
            Write::Expire { owner, purpose } => drop(self.vault.remove(&(*owner, *purpose))),
            Write::ForgetSubject(bearer) => self.forget_subject(*bearer),
            Write::Minimum(index) => self.minimum = self.minimum.max(*index),
            Write::Secret(row) => drop(self.secrets.insert(row.name.clone(), row.clone())),
            Write::Kek(row) | Write::Rewrap(row) => {
                drop(self.keks.insert((row.week, row.purpose), row.clone()));
            }
            Write::OptOut(row) => drop(self.opt_outs.insert(row.sequence, row.clone())),
            Write::Verification(row) => {
                self.verifications
                    .insert(row.id.sequence(), (**row).clone());
            }
            Write::VerificationUpdate(update) => self.verification_update(update),
            Write::Budget(row) => drop(self.budgets.insert(row.sequence, (**row).clone())),
            Write::ForgetBudget(sequence) => drop(self.budgets.remove(sequence)),
            Write::Factor(row) => drop(self.factors.insert(row.id.sequence(), (**row).clone())),
            Write::Client(row) => drop(self.clients.insert(row.id.sequence(), (**row).clone())),
            Write::Idempotency(row) => {
                self.idempotency.insert(row.message.sequence(), row.clone());
            }
            Write::Unmatched(row) => drop(self.unmatched.insert(row.sequence, row.clone())),
            Write::Pumping(row) => drop(self.pumping.insert(row.sequence, row.clone())),
            Write::ForgetPumping { before } => self.pumping = self.pumping.split_off(before),
            Write::Webhook(row) => drop(self.webhooks.insert(row.id.sequence(), (**row).clone())),
            Write::ForgetWebhook(sequence) => drop(self.webhooks.remove(sequence)),
            Write::Progress(row) => drop(self.progress.insert(row.name.clone(), row.clone())),
            Write::ForgetProgress(name) => drop(self.progress.remove(name)),
            Write::ForgetUnmatched(sequence) => drop(self.unmatched.remove(sequence)),
            Write::Part(row) => drop(self.parts.insert(row.sequence, row.clone())),
            Write::ForgetPart(sequence) => {
                self.parts.remove(sequence);
                for purpose in Purpose::ALL {
                    self.vault.remove(&(*sequence, purpose));
                }
            }
        }
        self.last_sequence = self.last_sequence.max(sequence_of(write));
    }

    fn update(&mut self, update: &MessageUpdate) {
        let row = self.messages.get_mut(&update.sequence).unwrap();
        row.version = update.version;
        row.state = update.state;
        row.updated = update.updated;
        row.segments.clone_from(&update.segments);
        self.changed.push((self.commits, update.sequence));
    }

    fn verification_update(&mut self, update: &VerificationUpdate) {
        let row = self.verifications.get_mut(&update.sequence).unwrap();
        row.version = update.version;
        row.facts = update.facts.clone();
        if row.facts.ended.is_some() {
            row.secret = None;
        }
    }

    fn forget_subject(&mut self, bearer: Bearer) {
        match bearer {
            Bearer::Message(sequence) => {
                if let Some(row) = self.messages.get_mut(&sequence) {
                    row.subject = NO_SUBJECT;
                }
            }
            Bearer::Inbound(sequence) => {
                if let Some(row) = self.inbound.get_mut(&sequence) {
                    row.subject = NO_SUBJECT;
                }
            }
            Bearer::Verification(sequence) => {
                if let Some(row) = self.verifications.get_mut(&sequence) {
                    row.subject = NO_SUBJECT;
                }
            }
            Bearer::Factor(sequence) => {
                if let Some(row) = self.factors.get_mut(&sequence) {
                    row.subject = NO_SUBJECT;
                }
            }
            Bearer::Unmatched(sequence) => {
                if let Some(row) = self.unmatched.get_mut(&sequence) {
                    row.subject = None;
                }
            }
        }
    }

    /// Forgets what is of no more use.
    pub(super) fn prune(&mut self, now: Timestamp, unmatched_before: Timestamp) {
        self.idempotency.retain(|_, row| row.expires > now);
        self.unmatched.retain(|_, row| row.at >= unmatched_before);
    }

    /// Drops the bytes of the next 256 entries below the minimum. Gives how many are left.
    pub(super) fn drop_tile(&mut self) -> u64 {
        let below = usize::try_from(self.minimum).unwrap();
        let pruned = &mut self.entries[..below];
        let left = pruned.iter_mut().filter(|entry| !entry.bytes.is_empty());
        let dropped = left.take(256).map(|entry| entry.bytes.clear()).count();
        let left = self.entries[..below]
            .iter()
            .filter(|entry| !entry.bytes.is_empty());
        if dropped > 0 {
            let minimum = self.minimum;
            self.snapshots.retain(|(other, _), _| *other >= minimum);
        }
        u64::try_from(left.count()).unwrap()
    }

    fn size(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }

    pub(super) fn head(&self) -> LedgerHead {
        LedgerHead {
            size: self.size(),
            epoch: self.epoch,
            clean: self.clean,
            last_sequence: self.last_sequence,
        }
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> &[Logged] {
        &self.entries
    }

    /// Puts an entry and a leaf hash in a place, or behind the last, as whoever works on the files can.
    ///
    /// # Panics
    /// If the place lies further behind.
    pub fn put_entry(&mut self, index: usize, bytes: Vec<u8>, leaf: Hash) {
        let commit = self.commits;
        let entry = Logged {
            bytes,
            leaf,
            commit,
        };
        if index == self.entries.len() {
            self.entries.push(entry);
        } else {
            self.entries[index] = entry;
        }
    }

    /// Sets the minimum index without an entry, as whoever works on the files can.
    pub fn put_minimum(&mut self, minimum: u64) {
        self.minimum = minimum;
    }

    /// Loses the published checkpoints, as when their file is lost.
    pub fn lose_checkpoints(&mut self) {
        self.published = None;
    }

    /// Each change of a message: the number of its commit, and the message's sequence.
    pub fn changed(&self) -> &[(u64, u64)] {
        &self.changed
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &MessageRow> {
        self.messages.values()
    }

    /// A message by the sequence of its id.
    pub fn message_row(&self, sequence: u64) -> Option<&MessageRow> {
        self.messages.get(&sequence)
    }

    /// Every inbound message, oldest first.
    pub fn inbounds(&self) -> impl Iterator<Item = &InboundRow> {
        self.inbound.values()
    }

    /// Every row of sealed data.
    pub fn vault(&self) -> impl Iterator<Item = &VaultRow> {
        self.vault.values()
    }

    /// Takes a sealed row away, as erasing a person does.
    pub fn erase(&mut self, owner: u64, purpose: Purpose) {
        self.vault.remove(&(owner, purpose));
    }

    /// Puts a sealed row in the place of the one that is there, as whoever works on the files can.
    pub fn put_sealed(&mut self, row: VaultRow) {
        self.vault.insert((row.owner, row.purpose), row);
    }

    /// Every record of an idempotency key.
    pub fn idempotency(&self) -> impl Iterator<Item = &IdempotencyRow> {
        self.idempotency.values()
    }

    /// The records of the pumping guard.
    pub fn pumping(&self) -> impl Iterator<Item = &PumpingRow> {
        self.pumping.values()
    }

    /// Every receipt without a segment.
    pub fn unmatched(&self) -> impl Iterator<Item = &UnmatchedRow> {
        self.unmatched.values()
    }

    /// Every waiting part of a long inbound message.
    pub fn parts(&self) -> impl Iterator<Item = &PartRow> {
        self.parts.values()
    }

    /// Every verification, oldest first.
    pub fn verifications(&self) -> impl Iterator<Item = &VerificationRow> {
        self.verifications.values()
    }

    /// What numbers have used up.
    pub fn budgets(&self) -> impl Iterator<Item = &BudgetRow> {
        self.budgets.values()
    }

    /// Every factor, oldest first.
    pub fn factors(&self) -> impl Iterator<Item = &FactorRow> {
        self.factors.values()
    }

    /// Puts another row in the place of a factor, as whoever works on the files can.
    pub fn put_factor(&mut self, row: FactorRow) {
        self.factors.insert(row.id.sequence(), row);
    }

    /// Every client.
    pub fn clients(&self) -> impl Iterator<Item = &ClientRow> {
        self.clients.values()
    }

    /// Every key-encryption key.
    pub fn keks(&self) -> impl Iterator<Item = &KekRow> {
        self.keks.values()
    }

    /// Puts another row in the place of a key-encryption key.
    pub fn replace_kek(&mut self, row: KekRow) {
        self.keks.insert((row.week, row.purpose), row);
    }

    /// Deletes every secret, as somebody with a database tool does.
    pub fn delete_secrets(&mut self) {
        self.secrets.clear();
    }

    /// Every row of the record of opt-outs, oldest first.
    pub fn opt_outs(&self) -> impl Iterator<Item = &OptOutRow> {
        self.opt_outs.values()
    }

    /// The opt-outs that stand: the latest row of each short code and number.
    pub fn standing_opt_outs(&self) -> Vec<OptOutRow> {
        let mut latest: BTreeMap<(ShortCode, [u8; 16]), &OptOutRow> = BTreeMap::new();
        for row in self.opt_outs.values() {
            latest.insert((row.short_code, row.subject), row);
        }
        let stands = |row: &&&OptOutRow| row.standing == engine::rows::OptOutStanding::Out;
        latest
            .values()
            .filter(stands)
            .map(|row| (*row).clone())
            .collect()
    }
}

/// The sequence of a new message or inbound message.
fn accepted_by(write: &Write) -> Option<u64> {
    match write {
        Write::Message(row) => Some(row.id.sequence()),
        Write::Inbound(row) => Some(row.id.sequence()),
        _ => None,
    }
}

fn sequence_of(write: &Write) -> u64 {
    match write {
        Write::Message(row) => row.id.sequence(),
        Write::Inbound(row) => row.id.sequence(),
        Write::Vault(row) => row.owner,
        Write::OptOut(row) => row.sequence,
        Write::Factor(row) => row.id.sequence(),
        Write::Client(row) => row.id.sequence(),
        Write::Unmatched(row) => row.sequence,
        Write::Pumping(row) => row.sequence,
        Write::Webhook(row) => row.id.sequence(),
        Write::Part(row) => row.sequence,
        Write::Verification(row) => row.id.sequence(),
        Write::Budget(row) => row.sequence,
        Write::VerificationUpdate(_)
        | Write::ForgetBudget(_)
        | Write::Update(_)
        | Write::Kek(_)
        | Write::Rewrap(_)
        | Write::Secret(_)
        | Write::Minimum(_)
        | Write::Idempotency(_)
        | Write::Tombstone { .. }
        | Write::Expire { .. }
        | Write::ForgetSubject(_)
        | Write::ForgetUnmatched(_)
        | Write::ForgetPumping { .. }
        | Write::ForgetWebhook(_)
        | Write::Progress(_)
        | Write::ForgetProgress(_)
        | Write::ForgetPart(_) => 0,
    }
}
