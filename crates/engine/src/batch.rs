//! Gathers the changes of one command or one batch of events, and what is to happen once they are
//! durable.

use domain::time::Timestamp;
use ledger::{Draft, EntryError};

use crate::changes::{Changes, Write};
use crate::rows::MessageUpdate;
use crate::state::Open;

/// Changes under construction; none until the first entry.
#[derive(Debug)]
pub(crate) struct Batch {
    at: Timestamp,
    changes: Option<Changes>,
}

impl Batch {
    /// `at` is the command's one reading of the clock.
    pub(crate) const fn new(at: Timestamp) -> Self {
        Self { at, changes: None }
    }

    /// The command's one reading of the clock.
    pub(crate) const fn at(&self) -> Timestamp {
        self.at
    }

    /// Adds an entry.
    pub(crate) fn entry(&mut self, draft: Draft) {
        match &mut self.changes {
            Some(changes) => changes.entry(draft),
            None => self.changes = Some(Changes::new(draft, self.at)),
        }
    }

    /// Adds an entry and the present facts of the message that it is about.
    pub(crate) fn fact(&mut self, draft: Draft, open: &mut Open) {
        let update: MessageUpdate = open.update(self.at);
        self.entry(draft);
        self.write(Write::Update(Box::new(update)));
    }

    /// Adds a write to the entry before it. Without one there is nothing to write for.
    pub(crate) fn write(&mut self, write: Write) {
        debug_assert!(self.changes.is_some(), "a write without an entry");
        if let Some(changes) = &mut self.changes {
            changes.write(write);
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.changes
            .as_ref()
            .map_or(0, |changes| changes.entries().len())
    }

    /// The changes, if anything happened.
    pub(crate) fn finish(self) -> Option<Changes> {
        self.changes
    }
}

/// A draft whose field names are constants and whose values are bounded cannot be malformed.
#[expect(
    clippy::expect_used,
    reason = "field names are constants and values are bounded"
)]
pub(crate) fn sound(draft: Result<Draft, EntryError>) -> Draft {
    draft.expect("entries of the engine are well-formed")
}
