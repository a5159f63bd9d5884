//! Counts over a restart: they are kept sealed every minute and at the stop, and a start counts what was
//! accepted since. So neither a restart nor a crash gives anybody a limit back.

use std::collections::HashSet;
use std::time::Duration;

use domain::limit::book::Book;
use domain::limit::book::snapshot::Snapshot;
use domain::limit::key::Secret;
use domain::limit::policy::{Policy, Rule};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::replaying::Since;
use super::{Refused, Unkept};
use crate::gateway::Gateway;
use crate::ports::counts::CountsError;
use crate::recover::StartError;
use crate::steady::KeptTime;
use crate::vault::{aead_key, open, seal};

/// How often it is looked whether counts are to be kept.
const LOOK: Duration = Duration::from_secs(1);

/// Counts are kept this often at least, when there is anything new.
const EVERY: Duration = Duration::from_mins(1);

/// And so often when anything but messages was counted (keys that are not good), of which the store knows
/// nothing: with the look that is 5 s at most that a crash forgives.
const SOON: Duration = Duration::from_secs(4);

/// With the next look, once one of those others was refused: the count that is full is what a crash would
/// give back. Only as long as a copy is this quick, since refusals may come for hours.
const AT_ONCE_COPY_MAX: Duration = Duration::from_millis(1);

/// As long as a copy holds up whoever is counted no longer than this.
const COPY_MAX: Duration = Duration::from_millis(10);

/// And when so many requests were counted since: a start counts those of them that were accepted again,
/// within a second. Unless that is so often that more than a [`SHARE`]th of the time is spent on it: a
/// million keys are 60 MB.
const REQUESTS_MAX: u64 = 100_000;

/// The least part of the time that is not spent on keeping counts, the time it takes being one.
const SHARE: u32 = 20;

/// What the seal is bound to.
const CONTEXT: &[u8] = b"shortstop/limits/1";

/// Counts as they are kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    counts: Snapshot,
    /// Messages up to this sequence of an id are in them.
    boundary: u64,
    /// And these above it.
    counted: Vec<u64>,
    /// Where steady time stood.
    time: Option<KeptTime>,
}

impl Kept {
    /// Where steady time stood.
    pub(crate) const fn time(&self) -> Option<KeptTime> {
        self.time
    }
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
        let (book, since) = if let (Some(book), Some(kept)) = (restored, kept) {
            let since = Since {
                boundary: kept.boundary,
                counted: kept.counted.into_iter().collect(),
                time: kept.time,
            };
            (book, since)
        } else {
            let horizon = now.saturating_sub(horizon(&policies));
            let since = Since {
                boundary: horizon.millis() << 12,
                counted: HashSet::new(),
                time: None,
            };
            (Book::new(policies, secret())?, since)
        };
        let inside = self.counted_since(&settings, book, &since)?;
        self.limits.begin(inside);
        Ok(())
    }

    /// What was kept; nothing when it cannot be read, of which the log tells.
    pub(crate) fn kept_counts(&self) -> Option<Kept> {
        let sealed = match self.counts.kept() {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(%error, "what was accepted is counted anew");
                return None;
            }
        };
        let key = aead_key(self.blind().counts())?;
        let opened = open(&key, CONTEXT, &sealed).ok();
        let kept = opened.and_then(|octets| postcard::from_bytes(&octets).ok());
        if kept.is_none() {
            tracing::warn!(
                "the kept counts of the limits do not open: what was accepted is counted anew"
            );
        }
        kept
    }

    /// Keeps all counts, sealed. Blocks.
    pub(crate) fn keep_counts(&self, now: Timestamp) -> Result<(), CountsError> {
        let _alone = self.limits.keeping();
        let (kept, unkept) = self.copy_counts(now);
        let result = self.keep_copy(&kept);
        if result.is_err() {
            let mut inside = self.limits.inside();
            inside.unkept.messages += unkept.messages;
            inside.unkept.others += unkept.others;
            if unkept.refused == Refused::Something {
                inside.unkept.refused = Refused::Something;
            }
        }
        result
    }

    /// All counts as they are, and what of them was not kept yet. The lock is held meanwhile.
    fn copy_counts(&self, now: Timestamp) -> (Kept, Unkept) {
        let room = self.limits.inside().book.room().make();
        let mut inside = self.limits.inside();
        let begun = self.uptime();
        let steady = inside.time.at(begun);
        let counts = inside.book.snapshot(steady, room);
        let (boundary, counted) = inside.recent.told();
        let kept = Kept {
            counts,
            boundary,
            counted,
            time: Some(inside.time.kept(now, begun)),
        };
        let fresh = Unkept {
            copy: self.uptime().saturating_sub(begun),
            ..Unkept::default()
        };
        (kept, std::mem::replace(&mut inside.unkept, fresh))
    }

    fn keep_copy(&self, kept: &Kept) -> Result<(), CountsError> {
        let failed = |says: &str| CountsError(says.to_owned());
        let octets = zeroize::Zeroizing::new(
            postcard::to_allocvec(kept).map_err(|error| failed(&error.to_string()))?,
        );
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let sealed = aead_key(self.blind().counts())
            .and_then(|key| seal(&key, nonce, CONTEXT, &octets))
            .ok_or_else(|| failed("they cannot be sealed"))?;
        self.counts.keep(&sealed)
    }

    /// Keeps them every minute, and earlier when much was counted or what nothing else remembers.
    pub(crate) async fn run_counts(self: std::sync::Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut took) = (tokio::time::Instant::now(), Duration::ZERO);
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            let unkept = self.limits.inside().unkept;
            if !unkept.is_due(last.elapsed(), took) {
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
            took = last.elapsed();
        }
    }
}

impl Unkept {
    /// Whether to keep counts, so long after the last time began, which took so long.
    fn is_due(&self, since: Duration, took: Duration) -> bool {
        let any = self.messages + self.others;
        let soon = self.others > 0 && self.copy <= COPY_MAX;
        let at_once = self.refused == Refused::Something && self.copy <= AT_ONCE_COPY_MAX;
        let many = any >= REQUESTS_MAX && since >= took.saturating_mul(SHARE).min(EVERY);
        many || (any > 0 && since >= EVERY) || (soon && (at_once || since >= SOON))
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

#[cfg(test)]
mod tests {
    use domain::limit::book::Verdict;
    use domain::limit::book::snapshot::Laid;
    use domain::limit::country::Destination;
    use domain::limit::facts::{Event, Facts};
    use domain::limit::policy::defaults;

    use super::*;
    use crate::steady::SteadyTime;

    #[test]
    fn what_only_these_counts_know_is_kept_within_seconds_and_messages_within_a_minute() {
        let (soon, minute, none) = (
            Duration::from_secs(4),
            Duration::from_mins(1),
            Duration::ZERO,
        );
        let of = |messages, others, copy| Unkept {
            messages,
            others,
            copy: Duration::from_millis(copy),
            refused: Refused::Nothing,
        };
        assert!(of(0, 1, 1).is_due(soon, none));
        assert!(
            !of(0, 1, 11).is_due(soon, none),
            "the copy holds up too much"
        );
        assert!(!of(1, 0, 1).is_due(soon, none), "the store has the message");
        assert!(of(0, 1, 11).is_due(minute, none) && of(1, 0, 11).is_due(minute, none));
        assert!(!of(0, 0, 1).is_due(minute, none), "nothing new");
        assert!(of(REQUESTS_MAX, 0, 11).is_due(none, none));
        let second = Duration::from_secs(1);
        assert!(
            !of(REQUESTS_MAX, 0, 11).is_due(second * 19, second),
            "it takes too long"
        );
        assert!(of(REQUESTS_MAX, 0, 11).is_due(second * 20, second));
    }

    #[test]
    fn counts_are_read_back_as_they_were_written() {
        let now = Timestamp::from_seconds(1_764_064_800);
        let mut book = Book::new(defaults(), Secret::new([7; 16])).unwrap();
        let number = domain::msisdn::Msisdn::parse("+447700900123").unwrap();
        let facts = Facts {
            client: Some("cli_aaaaaaaaaaoaaiaaaaaaaaaaaa".parse().unwrap()),
            destination: Some(Destination::of(number)),
            segments: 1,
            ..Facts::new(Event::Message)
        };
        let decision = book.check_and_take(&facts, now);
        assert_eq!(decision.verdict, Verdict::Granted);
        let kept = Kept {
            counts: book.snapshot(now, Laid::default()),
            boundary: 5,
            counted: vec![7, u64::MAX],
            time: Some(
                SteadyTime::begin(None, now, Duration::from_secs(9))
                    .kept(now, Duration::from_secs(9)),
            ),
        };
        let octets = postcard::to_allocvec(&kept).unwrap();
        let again: Kept = postcard::from_bytes(&octets).unwrap();
        assert!(again.counts == kept.counts && kept.counts.rows() > 0);
        assert_eq!((again.boundary, again.counted), (5, vec![7, u64::MAX]));
    }

    #[test]
    fn a_count_that_became_full_is_kept_with_the_next_look_while_a_copy_is_quick() {
        let of = |others, copy, refused| Unkept {
            messages: 0,
            others,
            refused,
            copy: Duration::from_millis(copy),
        };
        let look = LOOK;
        assert!(of(1, 1, Refused::Something).is_due(look, Duration::ZERO));
        assert!(
            !of(1, 1, Refused::Nothing).is_due(look, Duration::ZERO),
            "not full"
        );
        assert!(
            !of(0, 1, Refused::Something).is_due(look, Duration::ZERO),
            "nothing new"
        );
        assert!(
            !of(1, 2, Refused::Something).is_due(look, Duration::ZERO),
            "a slow copy"
        );
        assert!(of(1, 2, Refused::Something).is_due(SOON, Duration::ZERO));
    }
}
