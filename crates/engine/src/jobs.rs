//! The background jobs: the dispatcher, and the housekeeper that expires, matches, flushes, prunes
//! and brings a failed store back. Each job is idempotent and bounded, and takes no input.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use ledger::{Facts, Kind, Outcome, UtcMicros};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::batch::Batch;
use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::state::Keys;

/// How often the housekeeper looks.
const HOUSEKEEPING: Duration = Duration::from_millis(500);
/// How often the store is looked through for messages whose receipt never came.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// Coalesced entries flushed in one commit.
const FLUSH_MAX: usize = 1_000;
/// A clock that moves by more than this between two rounds has been set.
const CLOCK_STEP: Duration = Duration::from_secs(5);

/// The configuration that is in force from now on.
#[derive(Clone, Debug)]
pub struct ConfigChange {
    /// SHA-256 of the configuration, lower-case hex.
    pub hash_hex: String,
    /// The key paths that changed.
    pub changed_keys: Vec<String>,
}

/// Why no backup was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store could not copy itself.
    #[error(transparent)]
    Copy(#[from] crate::ports::store::ReadError),
    /// The backup is made, but could not be recorded.
    #[error("the backup was written but could not be recorded in the ledger")]
    NotRecorded,
}

impl Gateway {
    /// Runs the background jobs until told to stop.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let dispatcher = tokio::spawn(Arc::clone(&self).run_dispatcher(stop.clone()));
        let matcher = tokio::spawn(Arc::clone(&self).run_matcher(stop.clone()));
        let rotations = tokio::spawn(Arc::clone(&self).run_rotations(stop.clone()));
        let retention = tokio::spawn(Arc::clone(&self).run_retention(stop.clone()));
        let counts = tokio::spawn(Arc::clone(&self).run_counts(stop.clone()));
        let credentials = tokio::spawn(Arc::clone(&self).run_credentials(stop.clone()));
        self.run_housekeeper(stop).await;
        for job in [
            dispatcher,
            matcher,
            rotations,
            retention,
            counts,
            credentials,
        ] {
            if let Err(error) = job.await {
                tracing::error!(%error, "a background job ended badly");
            }
        }
    }

    async fn run_dispatcher(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = timeout(wait, self.wake.notified()) => {}
            }
            // A pause of a microsecond would only burn the processor.
            wait = self.dispatch().max(Duration::from_micros(200));
        }
    }

    async fn run_matcher(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut rounds = interval(FORGOTTEN);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_round = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.receipts_wake.notified() => false,
                _ = rounds.tick() => true,
            };
            if !is_round {
                self.match_receipts().await;
            } else if let Err(error) = self.end_forgotten().await {
                tracing::warn!(%error, "messages whose receipt never came could not be looked for");
            }
        }
    }

    async fn run_housekeeper(self: &Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(HOUSEKEEPING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut away_since = None;
        let mut last = self.now();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            if self.is_open() {
                away_since = None;
                let now = self.now();
                self.watch_clock(last, now);
                last = now;
                self.keep_house(now);
                continue;
            }
            let since = *away_since.get_or_insert_with(|| self.now());
            self.bring_back(since).await;
            last = self.now();
        }
    }

    /// One round of housekeeping.
    pub fn keep_house(&self, now: Timestamp) {
        self.expire();
        self.expire_parts();
        self.end_overdue(now);
        self.expire_verifications(now);
        self.watch_room(now);
        self.record_stragglers(now);
        self.keep_pumping(now);
        self.tell_crowd(now);
        self.flush_counts(now);
        self.prepare_keys(now);
        let keep = self.settings().bounds.unmatched_keep;
        let unmatched_before = now.saturating_sub(keep);
        // An id that a carrier uses again must not bring up a receipt of its former life.
        self.state().unmatched.forget_before(unmatched_before);
        self.store.prune(now, unmatched_before);
    }

    async fn bring_back(self: &Arc<Self>, since: Timestamp) {
        tracing::error!("the store has failed: everything is refused until it can be reopened");
        let gateway = Arc::clone(self);
        match spawn_blocking(move || gateway.reopen(since)).await {
            Ok(Ok(())) => tracing::warn!("the store is back; the gap is recorded in the ledger"),
            Ok(Err(error)) => tracing::error!(%error, "the store cannot be reopened yet"),
            Err(error) => tracing::error!(%error, "reopening the store ended badly"),
        }
    }

    /// Records that the clock was set.
    fn watch_clock(&self, last: Timestamp, now: Timestamp) {
        let step = now.since(last).max(last.since(now));
        let went_back = last > now;
        if step < CLOCK_STEP + HOUSEKEEPING {
            return;
        }
        let data = Facts::new()
            .put("after", UtcMicros(now.micros()))
            .put("before", UtcMicros(last.micros()))
            .put("direction", if went_back { "back" } else { "forward" });
        let entry = entries::process(Kind::ClockStep, Outcome::Done, data);
        let _state = self.state();
        self.commit(Changes::new(entry, now), |_, _| {});
    }

    /// Writes down what was only counted.
    pub fn flush_counts(&self, now: Timestamp) -> usize {
        let mut batch = Batch::new(now);
        let mut state = self.state();
        let drafts = state.coalescer.flush(now, FLUSH_MAX);
        for draft in &drafts {
            batch.entry(draft.clone());
        }
        let count = batch.len();
        if count > 0 {
            self.keep_whole(&mut batch);
        }
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_err() {
                    gateway.state().coalescer.give_back(drafts);
                }
            });
        }
        count
    }

    /// At the stop: writes down everything that was counted, without waiting for its hour.
    fn flush_all_counts(&self, now: Timestamp) {
        let mut state = self.state();
        let drafts = state.coalescer.flush_all();
        for part in drafts.chunks(FLUSH_MAX) {
            let mut batch = Batch::new(now);
            for draft in part {
                batch.entry(draft.clone());
            }
            if let Some(changes) = batch.finish() {
                self.commit(changes, |_, _| {});
            }
        }
    }

    /// Has the keys of this moment made when the clock has leapt past those that were made in time.
    /// They can be used once they are durable. Call it before the state is locked.
    pub(crate) fn ensure_keys(&self, now: Timestamp) {
        if !self.vault.is_prepared(now) {
            self.prepare_keys(now);
        }
    }

    /// Makes the keys of the week before anything needs them.
    fn prepare_keys(&self, now: Timestamp) {
        let soon = now.saturating_add(Duration::from_hours(1));
        let mut state = self.state();
        if state.keys == Keys::OnTheirWay {
            return;
        }
        let keks = self.vault.draw(&[now, soon], self.entropy.as_ref());
        let mut changes = Changes::new(entries::keks(&keks), now);
        for kek in &keks {
            changes.write(Write::Kek(kek.row.clone()));
        }
        if keks.is_empty() {
            return;
        }
        state.keys = Keys::OnTheirWay;
        self.commit(changes, move |gateway, result| {
            if result.is_ok() {
                gateway.vault.take_in(keks);
            }
            gateway.state().keys = Keys::AtHand;
        });
    }

    /// Puts new settings in force and records them.
    pub fn reconfigure(&self, settings: crate::settings::Settings, change: &ConfigChange) {
        let policies = settings.limits.policies.clone();
        let now = self.now();
        match self.limits.reload(policies, self.uptime()) {
            Ok(told) => tracing::debug!(?told, "limits were read again"),
            // The configuration was checked; this is for one that was not.
            Err(error) => tracing::error!(%error, "the limits stay as they were"),
        }
        let bounds = settings.bounds;
        *self
            .settings
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(settings);
        self.state().bound(&bounds);
        self.config_loaded_at(change, now);
        self.wake.notify_one();
    }

    /// Records which configuration is in force.
    pub fn config_loaded(&self, change: &ConfigChange) {
        self.config_loaded_at(change, self.now());
    }

    fn config_loaded_at(&self, change: &ConfigChange, now: Timestamp) {
        let data = Facts::new()
            .put("changed", change.changed_keys.clone())
            .put("hash", change.hash_hex.as_str());
        let entry = entries::process(Kind::ConfigLoaded, Outcome::Done, data);
        let _state = self.state();
        self.commit(Changes::new(entry, now), |_, _| {});
    }

    /// Makes a backup and records it.
    pub async fn backup(&self, actor: &str, to: PathBuf) -> Result<(), BackupError> {
        let copied = self.store.backup(to).await;
        if copied.is_err() && !self.is_open() {
            self.turned_away(1);
        }
        copied?;
        let entry = entries::by_os_user(Kind::BackupMade, actor, Facts::new(), None);
        self.record(entry)
            .await
            .then_some(())
            .ok_or(BackupError::NotRecorded)
    }

    /// Records a clean stop. The last act before the store is closed.
    pub async fn stop(&self) {
        let now = self.now();
        self.record_stragglers(now);
        self.record_low_gap(now);
        self.record_uses().await;
        self.tell_crowd(now);
        self.flush_all_counts(now);
        if let Err(error) = self.keep_counts(now) {
            tracing::warn!(%error, "the next start counts from the last time");
        }
        let entry = entries::process(Kind::LedgerStopped, Outcome::Done, Facts::new());
        if !self.record(entry).await {
            tracing::error!("the stop could not be recorded; the next start will say recovered");
        }
    }

    pub(crate) async fn record(&self, entry: ledger::Draft) -> bool {
        self.commit_durably(Changes::new(entry, self.now())).await
    }

    /// Commits and waits; whether it is durable.
    pub(crate) async fn commit_durably(&self, changes: Changes) -> bool {
        let (done, durable) = oneshot::channel();
        let state = self.state();
        self.commit(changes, move |gateway, result| {
            if result.is_err() {
                gateway.turned_away(1);
            }
            let _ = done.send(result.is_ok());
        });
        drop(state);
        if self.is_halted() {
            // Perhaps nobody tries to bring the store back any more.
            self.answer_held_back();
        }
        durable.await.unwrap_or(false)
    }
}
