//! Redaction: a client has what is kept of one of its messages destroyed, its text or all of it. The entries and
//! their proofs stay as they are; what opened them goes, and the entry says how many values went with it.

use std::time::Duration;

use domain::id::MessageId;
use domain::message::MessageState;
use domain::time::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::changes::{Changes, Write};
use crate::client::Caller;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::queries::{LookupError, MessageView};
use crate::retention::Reached;
use crate::rows::{Bearer, MessageRow, Purpose, VaultRow};

/// A message older than this is in the counts that were kept of the limits: they are every minute.
const COUNTED_AFTER: Duration = Duration::from_mins(2);

/// The part of the time that may be spent on keeping counts for younger ones.
const SHARE: u32 = 20;

/// How much of a message is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// Its text.
    Text,
    /// Its text, its number and what was told of its risk.
    Whole,
}

impl Redaction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "whole",
        }
    }

    fn takes(self, row: &VaultRow) -> bool {
        let is_meant = self == Self::Whole || row.purpose == Purpose::Text;
        is_meant && row.erased_by().is_none()
    }
}

/// Why nothing is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// This client has no such message, or nothing is kept of it.
    #[error("no such message")]
    NotFound,
    /// It still moves: what is kept of it is needed to send it.
    #[error("the message is only {0} yet")]
    Moving(MessageState),
    /// It is young, and the limits must first be kept without it.
    #[error("the limits still need the message for {0:?}")]
    TooYoung(Duration),
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl From<LookupError> for RedactError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotFound => Self::NotFound,
            LookupError::Unavailable => Self::Unavailable,
        }
    }
}

impl Gateway {
    /// Destroys what is kept of a message of the caller's. Answers with the message as it then is.
    pub async fn redact(
        &self,
        caller: &Caller,
        id: MessageId,
        what: Redaction,
    ) -> Result<MessageView, RedactError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(RedactError::Unavailable);
        }
        // Kept until the commit has ended, also when whoever asked has gone: no two destroy the same.
        let mut alone = std::sync::Arc::clone(&self.destruction).lock_owned().await;
        let (row, vault) = self.own_message(caller, id).await?;
        if !row.state.is_final() {
            return Err(RedactError::Moving(row.state));
        }
        if vault.iter().all(|row| row.erased_by().is_some()) {
            return Err(RedactError::NotFound);
        }
        if what == Redaction::Whole {
            self.keep_count_of(&row, &mut alone)?;
        }
        self.destroy(caller, (&row, &vault), what, alone).await?;
        Ok(self.look_at(caller, id).await?)
    }

    /// A start counts for the limits what was accepted since the counts were kept, and finds no number for what is
    /// gone.
    fn keep_count_of(&self, row: &MessageRow, alone: &mut Reached) -> Result<(), RedactError> {
        let now = self.now();
        if now.since(row.created) >= COUNTED_AFTER {
            return Ok(());
        }
        let begun = self.uptime();
        if let Some(wait) = alone.wait_for_counts(begun) {
            return Err(RedactError::TooYoung(wait));
        }
        if let Err(error) = self.keep_counts(now) {
            tracing::warn!(%error, "a crash in this moment gives the number its limits back");
        }
        let took = self.uptime().saturating_sub(begun);
        alone.counts_kept(begun + took.saturating_mul(SHARE));
        Ok(())
    }

    async fn destroy(
        &self,
        caller: &Caller,
        (row, vault): (&MessageRow, &[VaultRow]),
        what: Redaction,
        alone: OwnedMutexGuard<Reached>,
    ) -> Result<(), RedactError> {
        let now: Timestamp = self.now();
        let gone: Vec<Purpose> = vault
            .iter()
            .filter(|row| what.takes(row))
            .map(|row| row.purpose)
            .collect();
        let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        let entry = entries::redacted(caller, &row.id, (what.as_str(), count));
        let mut changes = Changes::new(entry, now);
        let owner = row.id.sequence();
        for purpose in &gone {
            let purpose = *purpose;
            changes.write(Write::Tombstone { owner, purpose });
        }
        if what == Redaction::Whole {
            changes.write(Write::ForgetSubject(Bearer::Message(owner)));
        }
        let told = move |gateway: &Self| {
            let mut state = gateway.state();
            for purpose in gone {
                state.counters.add(Counter::Erased(purpose.as_str()), 1);
            }
            drop(alone);
        };
        if !self.commit_then(changes, told).await {
            return Err(RedactError::Unavailable);
        }
        self.purge_soon();
        Ok(())
    }
}
