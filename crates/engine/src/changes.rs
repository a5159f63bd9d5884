//! What one command commits: new state and ledger entries, together or not at all.

use domain::time::Timestamp;
use ledger::Draft;

use crate::rows::{
    Bearer, BudgetRow, ClientRow, FactorRow, IdempotencyRow, InboundRow, KekRow, MessageRow,
    MessageUpdate, OptOutRow, PartRow, ProgressRow, PumpingRow, Purpose, SecretRow, UnmatchedRow,
    VaultRow, VerificationRow, VerificationUpdate, WebhookRow,
};

/// One write of a commit.
#[derive(Debug)]
pub enum Write {
    /// A new message. Its key must be absent.
    Message(Box<MessageRow>),
    /// New facts of a message. Its row must stand one version below.
    Update(Box<MessageUpdate>),
    /// A new inbound message.
    Inbound(Box<InboundRow>),
    /// Sealed personal data.
    Vault(VaultRow),
    /// A tombstone in place of sealed personal data; it names the first entry of this commit. The row
    /// must be there and not erased yet.
    Tombstone {
        /// The sequence of the owner's id.
        owner: u64,
        /// What it was for.
        purpose: Purpose,
    },
    /// Sealed personal data whose time is over; nothing stays in its place. The row must be there and not
    /// erased yet.
    Expire {
        /// The sequence of the owner's id.
        owner: u64,
        /// What it was for.
        purpose: Purpose,
    },
    /// Blanks the blind index of a row, wherever it is kept. A row that is gone or blank stays as it is.
    ForgetSubject(Bearer),
    /// The minimum index from now on: entries below it are pruned. It never goes down.
    Minimum(u64),
    /// A new key-encryption key.
    Kek(KekRow),
    /// A key-encryption key wrapped anew. Its row must be there.
    Rewrap(KekRow),
    /// A secret of the gateway, wrapped; in place of the one of its name.
    Secret(SecretRow),
    /// An opt-out or its removal, appended.
    OptOut(OptOutRow),
    /// A new verification. Its key must be absent.
    Verification(Box<VerificationRow>),
    /// New facts of a verification. Its row must stand one version below.
    VerificationUpdate(Box<VerificationUpdate>),
    /// What a number has used up at a client; in place of the row of this key.
    Budget(Box<BudgetRow>),
    /// Nothing of the budgets of this key matters any more; forget them.
    ForgetBudget(u64),
    /// A factor, new or changed. Its row must stand one version below; at version 1 it must be absent.
    Factor(Box<FactorRow>),
    /// A client, new or changed.
    Client(Box<ClientRow>),
    /// The record of an idempotency key.
    Idempotency(IdempotencyRow),
    /// A receipt that matches nothing yet.
    Unmatched(UnmatchedRow),
    /// That receipt found its segment; forget the row of this key.
    ForgetUnmatched(u64),
    /// A record of the pumping guard.
    Pumping(PumpingRow),
    /// Records of the pumping guard below this key stand in a later one; forget them.
    ForgetPumping {
        /// The key.
        before: u64,
    },
    /// A webhook, new or changed.
    Webhook(Box<WebhookRow>),
    /// A webhook is gone, and its secrets with it; forget the row of this key.
    ForgetWebhook(u64),
    /// How far somebody has been told of events; in place of the row of its name.
    Progress(ProgressRow),
    /// Nobody is told any more; forget the row of this name.
    ForgetProgress(Box<str>),
    /// A part of a long inbound message; its vault rows come as writes of their own.
    Part(PartRow),
    /// The whole message is committed; forget this part and its vault rows.
    ForgetPart(u64),
}

/// Whether somebody waits for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Somebody waits for the answer, or for what leaves after it.
    Now,
    /// Nobody does: it may wait some milliseconds to share the sync of another. Its place in the order
    /// stays.
    Soon,
}

/// One atomic commit. It cannot be made without a ledger entry: if it is not in the ledger, it did
/// not happen.
#[derive(Debug)]
pub struct Changes {
    at: Timestamp,
    haste: Haste,
    entries: Vec<Draft>,
    writes: Vec<Write>,
}

impl Changes {
    /// Begins with the entry that tells what happens. `at` is the command's one reading of the clock.
    pub fn new(entry: Draft, at: Timestamp) -> Self {
        Self {
            at,
            haste: Haste::Now,
            entries: vec![entry],
            writes: Vec::new(),
        }
    }

    /// Adds a write.
    pub fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Adds a further entry.
    pub fn entry(&mut self, entry: Draft) {
        self.entries.push(entry);
    }

    /// Lets it wait a little to share the sync of another commit.
    #[must_use]
    pub fn soon(mut self) -> Self {
        self.haste = Haste::Soon;
        self
    }

    /// Whether somebody waits for it.
    pub const fn haste(&self) -> Haste {
        self.haste
    }

    /// When the command read the clock.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The entries, in order; at least one.
    pub fn entries(&self) -> &[Draft] {
        &self.entries
    }

    /// The writes, in order. Updates and new messages carry their own expectation: the version below,
    /// or absence.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }
}
