//! Retention: private values are kept for a time by purpose, and then destroyed. The numbers of opt-outs
//! are part of their evidence and live as long as that does. Nothing is destroyed of a message that
//! still moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::erasure::{Holders, OldValue, OldValues, PurgeError};
use crate::ports::store::ReadError;
use crate::rows::Purpose;
use crate::settings::Retention;

/// How often it is looked for values whose time is over.
const ROUND: Duration = Duration::from_hours(1);
/// Values looked at in one read and destroyed in one commit.
const BATCH: u16 = 500;

/// What is kept for one time: whose values, and what for.
type Estate = (Holders, Purpose);

/// Every estate.
const ESTATES: [Estate; 5] = [
    (Holders::Traffic, Purpose::Text),
    (Holders::Traffic, Purpose::Network),
    (Holders::Traffic, Purpose::Number),
    (Holders::OptOuts, Purpose::Consent),
    (Holders::OptOuts, Purpose::Number),
];

/// How far destruction went.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Up to which owner each estate holds nothing any more whose time is over.
    estates: BTreeMap<Estate, u64>,
    /// Until when no counts are kept for the sake of a young message.
    counts_rest: Duration,
}

impl Reached {
    /// How long it takes until counts may be kept for a young message again, when that is not now.
    pub(crate) fn wait_for_counts(&self, uptime: Duration) -> Option<Duration> {
        let wait = self.counts_rest.saturating_sub(uptime);
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts were kept; until then they are not again.
    pub(crate) const fn counts_kept(&mut self, until: Duration) {
        self.counts_rest = until;
    }
}

/// Why a round ended early. The next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing can be recorded now.
    #[error("the end of the values could not be recorded")]
    NotRecorded,
    /// The values are destroyed, but octets of them may be left.
    #[error(transparent)]
    Purge(#[from] PurgeError),
}

impl Retention {
    const fn of(&self, (holders, purpose): Estate) -> Duration {
        match (holders, purpose) {
            (Holders::OptOuts, _) | (_, Purpose::Consent) => self.consent,
            (Holders::Traffic, Purpose::Number) => self.number,
            (Holders::Traffic, Purpose::Text) => self.text,
            (Holders::Traffic, Purpose::Network) => self.network,
        }
    }
}

impl Gateway {
    /// Looks at the start and each hour, until told to stop.
    pub(crate) async fn run_retention(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = rounds.tick() => {}
            }
            let round = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                round = self.expire_values() => round,
            };
            if let Err(error) = self.expire_factors().await {
                tracing::error!(%error, "factors that nobody confirmed are not all removed; the next round goes on");
            }
            if let Err(error) = round {
                self.state().counters.add(Counter::RetentionFailed, 1);
                tracing::error!(%error, "values whose time is over are not all destroyed; the next round goes on");
            }
        }
    }

    /// Destroys every value whose time is over. Gives how many.
    pub async fn expire_values(&self) -> Result<u64, RetentionError> {
        let mut reached = self.destruction.lock().await;
        let (now, retention) = (self.now(), self.settings().retention);
        let mut expired = 0;
        for estate in ESTATES {
            let below = sequence_of(now.saturating_sub(retention.of(estate)));
            expired += self.expire_estate(&mut reached, estate, below).await?;
        }
        if expired > 0 {
            self.store.purge().await?;
        }
        Ok(expired)
    }

    async fn expire_estate(
        &self,
        reached: &mut Reached,
        estate: Estate,
        below: u64,
    ) -> Result<u64, RetentionError> {
        let mut from = reached.estates.get(&estate).copied().unwrap_or(0);
        let (mut expired, mut left) = (0, None);
        loop {
            let page = self.store.old_values(query(estate, from, below)).await?;
            let (moving, due): (Vec<OldValue>, Vec<OldValue>) =
                page.rows.into_iter().partition(OldValue::moves);
            left = left.or(moving.first().map(|value| value.owner));
            expired += self.expire_batch(estate, &due).await?;
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        reached.estates.insert(estate, left.unwrap_or(below));
        Ok(expired)
    }

    async fn expire_batch(
        &self,
        (holders, purpose): Estate,
        due: &[OldValue],
    ) -> Result<u64, RetentionError> {
        let Some(last) = due.last() else { return Ok(0) };
        let count = u64::try_from(due.len()).unwrap_or(u64::MAX);
        let before = after_owner(last.owner);
        let entry = entries::retention_expired(purpose, before, count);
        let mut changes = Changes::new(entry, self.now());
        for value in due {
            let owner = value.owner;
            changes.write(Write::Expire { owner, purpose });
            let blank = value.bearer().filter(|_| purpose == Purpose::Number);
            if let Some(bearer) = blank {
                changes.write(Write::ForgetSubject(bearer));
            }
        }
        if !self.commit_durably(changes).await {
            return Err(RetentionError::NotRecorded);
        }
        tracing::info!(
            purpose = purpose.as_str(),
            ?holders,
            count,
            "values whose time is over are destroyed"
        );
        let counter = Counter::Expired(purpose.as_str());
        self.state().counters.add(counter, count);
        Ok(count)
    }
}

const fn query((holders, purpose): Estate, from: u64, below: u64) -> OldValues {
    OldValues {
        holders,
        purpose,
        from,
        below,
        limit: BATCH,
    }
}

/// The first sequence of a moment.
const fn sequence_of(moment: Timestamp) -> u64 {
    moment.millis() << 12
}

/// How much later than its owner an entry may have been recorded: it waits its turn.
const RECORDED_WITHIN: Duration = Duration::from_mins(1);

/// A moment after which nothing of this owner was recorded.
fn after_owner(owner: u64) -> Timestamp {
    Timestamp::from_micros((owner >> 12) * 1_000).saturating_add(RECORDED_WITHIN)
}
