//! Counts over a restart: they are kept sealed every minute and at the stop, and a start counts what was
//! accepted since. So neither a restart nor a crash gives anybody a limit back.

use std::collections::HashSet;
use std::time::Duration;

use domain::limit::book::Book;
use domain::limit::book::snapshot::Snapshot;
use domain::limit::country::Destination;
use domain::limit::facts::{Event, Facts};
use domain::limit::key::Secret;
use domain::limit::policy::{Policy, Rule};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::Inside;
use super::recent::Recent;
use crate::gateway::Gateway;
use crate::ports::counts::CountsError;
use crate::recover::StartError;
use crate::rows::{MessageRow, VaultRow};
use crate::settings::Settings;
use crate::vault::{aead_key, open, seal};

/// How often it is looked whether counts are to be kept.
const LOOK: Duration = Duration::from_secs(1);

/// Counts are kept this often at least, when there is anything new.
const EVERY: Duration = Duration::from_mins(1);

/// And when so many requests were counted since: a start counts those of them that were accepted again,
/// within a second.
const REQUESTS_MAX: u64 = 100_000;

/// A start counts no more messages than this, the newest, when there is nothing kept to begin from: within
/// ten seconds.
const MESSAGES_MAX: usize = 1_000_000;

/// What the seal is bound to.
const CONTEXT: &[u8] = b"shortstop/limits/1";

/// Counts as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    counts: Snapshot,
    /// Messages up to this sequence of an id are in them.
    boundary: u64,
    /// And these above it.
    counted: Vec<u64>,
}

impl Gateway {
    /// Puts the limits in force that the settings name, with what was used up before. Blocks.
    pub(crate) fn begin_limits(&self) -> Result<(), StartError> {
        let (settings, now) = (self.settings(), self.now());
        let policies = settings.limits.policies.clone();
        let secret = || Secret::new(self.blind().counted());
        let kept = self.kept_counts();
        let restored = kept.as_ref().and_then(|kept| {
            let restored = Book::restore(policies.clone(), secret(), &kept.counts);
            let says = "the counts of the limits cannot be used: what was accepted is counted anew";
            restored
                .map_err(|error| tracing::warn!(%error, "{says}"))
                .ok()
        });
        let (book, boundary, counted) = if let (Some(book), Some(kept)) = (restored, kept) {
            (book, kept.boundary, kept.counted)
        } else {
            let horizon = now.saturating_sub(horizon(&policies));
            let book = Book::new(policies, secret())?;
            (book, horizon.millis() << 12, Vec::new())
        };
        let inside = self.counted_since(&settings, book, (boundary, counted))?;
        self.limits.begin(inside);
        Ok(())
    }

    /// Counts the messages that the kept counts do not hold.
    fn counted_since(
        &self,
        settings: &Settings,
        mut book: Book,
        (boundary, counted): (u64, Vec<u64>),
    ) -> Result<Inside, StartError> {
        let counted: HashSet<u64> = counted.into_iter().collect();
        let mut last = counted.iter().copied().fold(boundary, u64::max);
        let mut replayed = 0_u64;
        self.store
            .accepted(boundary, MESSAGES_MAX, &mut |row, number| {
                let sequence = row.id.sequence();
                if row.head.client.is_some() && !counted.contains(&sequence) {
                    self.replay(settings, &mut book, &row, number.as_slice());
                    replayed += 1;
                }
                last = last.max(sequence);
            })?;
        tracing::debug!(replayed, "messages were counted again");
        Ok(Inside {
            book,
            recent: Recent::from(last),
            unkept: replayed,
        })
    }

    fn replay(&self, settings: &Settings, book: &mut Book, row: &MessageRow, number: &[VaultRow]) {
        let segments = u32::try_from(row.segments.len()).unwrap_or(u32::MAX);
        let number = self.number(number);
        let cost = number.map(|number| settings.limits.prices.cost(number, segments));
        let facts = Facts {
            client: row.head.client,
            group: settings.limits.group_of(row.head.client),
            short_code: Some(row.head.from),
            class: Some(row.head.class),
            campaign: row.head.campaign.as_deref(),
            destination: number.map(Destination::of),
            segments,
            cost_micros: cost.unwrap_or_default(),
            ..Facts::new(Event::Message)
        };
        book.replay(&facts, row.created);
    }

    /// What was kept; nothing when it cannot be read, of which the log tells.
    fn kept_counts(&self) -> Option<Kept> {
        let sealed = match self.counts.kept() {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(%error, "what was accepted is counted anew");
                return None;
            }
        };
        let key = aead_key(self.blind().counts())?;
        let opened = open(&key, CONTEXT, &sealed).ok();
        let kept = opened.and_then(|octets| serde_json::from_slice(&octets).ok());
        if kept.is_none() {
            tracing::warn!(
                "the kept counts of the limits do not open: what was accepted is counted anew"
            );
        }
        kept
    }

    /// Keeps all counts, sealed. Blocks.
    pub(crate) fn keep_counts(&self, now: Timestamp) -> Result<(), CountsError> {
        let kept = {
            let mut inside = self.limits.inside();
            let counts = inside.book.snapshot(now);
            let (boundary, counted) = inside.recent.told();
            inside.unkept = 0;
            Kept {
                counts,
                boundary,
                counted,
            }
        };
        let failed = |says: &str| CountsError(says.to_owned());
        let octets = zeroize::Zeroizing::new(
            serde_json::to_vec(&kept).map_err(|error| failed(&error.to_string()))?,
        );
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let sealed = aead_key(self.blind().counts())
            .and_then(|key| seal(&key, nonce, CONTEXT, &octets))
            .ok_or_else(|| failed("they cannot be sealed"))?;
        self.counts.keep(&sealed)
    }

    /// Keeps them every minute, and earlier when much was counted.
    pub(crate) async fn run_counts(self: std::sync::Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            let unkept = self.limits.inside().unkept;
            let is_time = unkept > 0 && last.elapsed() >= EVERY;
            if !is_time && unkept < REQUESTS_MAX {
                continue;
            }
            last = tokio::time::Instant::now();
            let gateway = std::sync::Arc::clone(&self);
            let now = self.now();
            match spawn_blocking(move || gateway.keep_counts(now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a restart would count from the last time");
                }
                Err(error) => tracing::error!(%error, "keeping counts ended badly"),
            }
        }
    }
}

/// How far back a message counts: the longest window of any limit.
fn horizon(policies: &[Policy]) -> Duration {
    let windows = policies.iter().map(|policy| match policy.draft().rule {
        Rule::Quota { window, .. } => window,
        Rule::Rate {
            count,
            period,
            burst,
        } => period.saturating_mul(burst.div_ceil(count.max(1))),
        Rule::Held { .. } => Duration::ZERO,
    });
    windows.max().unwrap_or_default()
}
