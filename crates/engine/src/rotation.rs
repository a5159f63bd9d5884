//! Replacing keys: everything that lies under the wrapping key is wrapped anew under a salt, or a master
//! key, that did not exist before, and the old salt is destroyed. A copy of the store from before opens
//! nothing then. It happens each week by itself, and when somebody asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, mpsc};
use std::time::Duration;

use domain::time::Timestamp;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::keys::MasterKey;
use crate::ports::keyring::{KeyringError, Salt};
use crate::rows::Purpose;
use crate::state::Keys;
use crate::vault::wrapping::Wrapping;

/// How far the clock may have been set back since a key was made.
const CLOCK_SLACK: Duration = Duration::from_hours(24);
/// How often it is looked whether keys are due. Also the pause after a failure.
const LOOK: Duration = Duration::from_mins(1);

/// Why keys are replaced.
#[derive(Debug)]
pub enum Rotation<'a> {
    /// Their time is over.
    Due,
    /// A user of the machine asked.
    Asked(&'a str),
    /// A user of the machine brings a new master key.
    Master(&'a str, MasterKey),
}

impl Rotation<'_> {
    /// The reason in the entry.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Due => "weekly",
            Self::Asked(_) => "asked",
            Self::Master(..) => "master",
        }
    }

    /// Who asked; `None` for the gateway itself.
    pub(crate) const fn actor(&self) -> Option<&str> {
        match self {
            Self::Due => None,
            Self::Asked(actor) | Self::Master(actor, _) => Some(actor),
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// How many key-encryption keys are wrapped anew.
    pub keys: usize,
}

/// Why keys were not replaced, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// Keys are being made or replaced.
    #[error("keys are being made or replaced at this moment; try again in a second")]
    Busy,
    /// The new master key is the old one.
    #[error("the new master key is the one in use; make a new one of 32 random octets")]
    SameMaster,
    /// The salt's place was changed while the gateway ran.
    #[error(
        "the salt of the wrapping key is not the one that this gateway works with; put it back"
    )]
    Changed,
    /// The new salt cannot be kept. Nothing has changed.
    #[error("nothing has changed, the old keys stay: {0}")]
    Keyring(#[from] KeyringError),
    /// A key does not open any more. Nothing has changed.
    #[error("nothing has changed: a key in the store is damaged")]
    Damaged,
    /// It cannot be recorded. Nothing has changed.
    #[error("nothing has changed, the old keys stay: nothing can be recorded now; see the log")]
    Unavailable,
    /// The new keys are in force, the old salt is still there.
    #[error(
        "the new keys are in force, but the old salt is not destroyed yet: {0}; the next start or \
         re-wrap does it"
    )]
    Unfinished(KeyringError),
}

/// What is known of replacing keys.
#[derive(Debug, Default)]
pub(crate) struct Rotations {
    alone: Mutex<()>,
    /// Whether old octets may still lie in the store's files.
    purge_due: AtomicBool,
}

/// The keys of the vault, for a person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// When the wrapping key was made; `None` when it is that of a store from before there were salts.
    pub made: Option<Timestamp>,
    /// When it is replaced by itself; `None` when never.
    pub due: Option<Timestamp>,
    /// The key-encryption keys: what each is for, and its week (days since 1970 divided by 7).
    pub keks: Vec<(Purpose, u32)>,
}

impl Gateway {
    /// Wraps everything anew under a new salt, records it, and destroys the old salt. Blocks; the store
    /// is used meanwhile as ever.
    pub fn rotate_wrapping(&self, why: &Rotation<'_>) -> Result<Rotated, RotateError> {
        let _alone = self.alone()?;
        self.finish_last()?;
        let master = match why {
            Rotation::Master(_, new) if new.is_same(&self.vault.master()) => {
                return Err(RotateError::SameMaster);
            }
            Rotation::Master(_, new) => new.clone(),
            Rotation::Due | Rotation::Asked(_) => self.vault.master(),
        };
        let salt = self.draw_salt();
        self.keyring.propose(&salt)?;
        let keys = self.commit_rewrap(why, Wrapping::new(&master, Some(&salt)), salt.made())?;
        self.rotations.purge_due.store(true, Ordering::Relaxed);
        self.keyring.adopt(&salt).map_err(RotateError::Unfinished)?;
        tracing::warn!(
            keys,
            reason = why.reason(),
            "the keys were wrapped anew: back up the keys folder again and destroy its older copies; \
             backups of the store from before open with those alone"
        );
        Ok(Rotated { keys })
    }

    fn alone(&self) -> Result<MutexGuard<'_, ()>, RotateError> {
        match self.rotations.alone.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(RotateError::Busy),
        }
    }

    /// Ends a replacement whose old salt could not be destroyed: the next one would take its place.
    fn finish_last(&self) -> Result<(), RotateError> {
        let salts = self.keyring.read()?;
        let live = self.vault.salt();
        let is_live = |salt: &Option<Salt>| salt.is_some() && *salt == live;
        if live.is_none() || is_live(&salts.current) {
            return Ok(());
        }
        let next = salts.next.filter(|next| live.as_ref() == Some(next));
        let next = next.ok_or(RotateError::Changed)?;
        Ok(self.keyring.adopt(&next)?)
    }

    /// One commit for all of it. The vault goes on under the new keys before anybody can make another.
    fn commit_rewrap(
        &self,
        why: &Rotation<'_>,
        to: Wrapping,
        now: Timestamp,
    ) -> Result<usize, RotateError> {
        let mut state = self.state();
        if state.keys == Keys::OnTheirWay {
            return Err(RotateError::Busy);
        }
        let turned = self.vault.rewrap(to, self.entropy.as_ref());
        let turned = turned.map_err(|_| RotateError::Damaged)?;
        let count = turned.stored.keks.len();
        let mut changes = Changes::new(entries::key_rotated(why, count), now);
        for kek in &turned.stored.keks {
            changes.write(Write::Rewrap(kek.clone()));
        }
        for secret in &turned.stored.secrets {
            changes.write(Write::Secret(secret.clone()));
        }
        state.keys = Keys::OnTheirWay;
        let (done, durable) = mpsc::channel();
        self.commit(changes, move |gateway, result| {
            if result.is_ok() {
                gateway.vault.turn(turned);
            }
            gateway.state().keys = Keys::AtHand;
            let _ = done.send(result.is_ok());
        });
        drop(state);
        if self.is_halted() {
            // Perhaps nobody tries to bring the store back any more.
            self.answer_held_back();
        }
        let is_durable = durable.recv().unwrap_or(false);
        is_durable.then_some(count).ok_or(RotateError::Unavailable)
    }

    /// Has the store's files cleared within a minute: something was destroyed.
    pub(crate) fn purge_soon(&self) {
        self.rotations.purge_due.store(true, Ordering::Relaxed);
    }

    /// Clears the store's files of the old wrapped keys and of removed secrets, if there may be any. What a reader or a backup
    /// holds up is done by a later call.
    pub async fn clear_old_keys(&self) {
        if !self.rotations.purge_due.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.store.purge().await {
            self.rotations.purge_due.store(true, Ordering::Relaxed);
            tracing::info!(%error, "the store's files are cleared of old keys later");
        }
    }

    /// One look at whether keys are due, and what it leads to. Blocks.
    pub fn keep_keys(&self) {
        let is_due = self.key_status().due.is_some_and(|due| due <= self.now());
        if !is_due {
            return;
        }
        if let Err(error) = self.rotate_wrapping(&Rotation::Due) {
            tracing::error!(%error, "the keys that are due were not wrapped anew; tried again in a minute");
        }
    }

    /// The keys of the vault.
    pub fn key_status(&self) -> KeyStatus {
        let made = self.vault.salt().map(|salt| salt.made());
        let every = self.settings().rewrap_every;
        KeyStatus {
            made,
            due: every.map(|every| {
                // A time to come is no time at which it was made.
                let made = made.filter(|at| *at <= self.now().saturating_add(CLOCK_SLACK));
                made.map_or(Timestamp::from_seconds(0), |at| at.saturating_add(every))
            }),
            keks: self.vault.kek_places(),
        }
    }

    /// Replaces keys when they are due, until told to stop.
    pub(crate) async fn run_rotations(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            if !self.is_open() {
                continue;
            }
            self.clear_old_keys().await;
            let gateway = Arc::clone(&self);
            if let Err(error) = spawn_blocking(move || gateway.keep_keys()).await {
                tracing::error!(%error, "looking after the keys ended badly");
            }
            self.clear_old_keys().await;
        }
    }
}
