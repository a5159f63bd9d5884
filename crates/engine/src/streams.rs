//! Streams: the ledger told to collectors of others as it grows. Each stream reads the durable entries
//! behind its bookmark, in order, at its own speed, and never holds a commit up. What may not have arrived
//! is sent again: a collector gets every entry at least once, and knows a repeated one by its index.

mod pause;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ledger::siem::{Format, Producer};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::exports::NotRecorded;
use crate::gateway::Gateway;
use crate::metrics::{MetricKind, MetricRow, gauge};
use crate::ports::bookmark::{Bookmark, BookmarkError};
use crate::ports::store::ReadError;
use crate::ports::stream::LineBroken;
use crate::ports::{Collector, Log};

use pause::Failures;

/// At a stop each stream has so long to tell what is left; the next start goes on from there.
const LAST: Duration = Duration::from_secs(5);

/// Where a stream begins that has no bookmark yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFrom {
    /// With the first entry of the ledger that is not pruned.
    Start,
    /// With what is new.
    Now,
}

/// What one stream takes at once, and how patient it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Entries read and sent at once.
    pub batch_entries: usize,
    /// Octets after which a batch is full; it has at least one entry.
    pub batch_octets: usize,
    /// The pause after the first failure; it doubles.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

/// What a stream is made of.
pub struct StreamParts {
    /// Its name in metrics, the log and the ledger.
    pub name: String,
    /// The ledger.
    pub log: Arc<dyn Log>,
    /// The way to whoever collects.
    pub collector: Arc<dyn Collector>,
    /// How far it has come.
    pub bookmark: Arc<dyn Bookmark>,
    /// As what entries are told.
    pub format: Format,
    /// Who tells them.
    pub producer: Producer,
    /// Where it begins the first time.
    pub from: StreamFrom,
    /// Its bounds.
    pub limits: StreamLimits,
}

/// A stream, and how far it is.
pub(crate) struct Stream {
    parts: StreamParts,
    /// The index that is sent next. It goes back when a line breaks.
    next: AtomicU64,
    /// The index behind what has certainly arrived.
    arrived: AtomicU64,
    /// The index that is in the bookmark.
    kept: AtomicU64,
    /// Entries sent since the start, repeated ones too.
    sent: AtomicU64,
    is_up: AtomicBool,
    /// Whether the trouble of now has been told.
    is_told: AtomicBool,
}

/// Why a stream stands still.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error(transparent)]
    Line(#[from] LineBroken),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    #[error("entry {0} cannot be read: run `shortstop ledger verify`")]
    Entry(u64),
    #[error(
        "entry {0} is not in the ledger any more: it was pruned before it was told; to go on without it, remove the \
         stream's bookmark and restart"
    )]
    Pruned(u64),
    #[error("the work was cut off")]
    CutOff,
}

impl Stream {
    fn open(parts: StreamParts) -> Result<Self, BookmarkError> {
        let size = parts.log.size();
        let size = size.map_err(|error| BookmarkError(error.to_string()))?;
        let minimum = parts.log.minimum();
        let minimum = minimum.map_err(|error| BookmarkError(error.to_string()))?;
        let kept = parts.bookmark.next()?;
        let next = match (kept, parts.from) {
            (Some(next), _) if next > size => {
                tracing::error!(
                    stream = parts.name,
                    next,
                    size,
                    "the ledger is shorter than what a stream has told of it; it goes on at its end"
                );
                size
            }
            (Some(next), _) => next,
            (None, StreamFrom::Start) => minimum,
            (None, StreamFrom::Now) => size,
        };
        // From now on it is decided, even if nothing can be told before the next start.
        parts.bookmark.keep(next)?;
        Ok(Self {
            parts,
            next: AtomicU64::new(next),
            arrived: AtomicU64::new(next),
            kept: AtomicU64::new(next),
            sent: AtomicU64::new(0),
            is_up: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
        })
    }

    /// Tells the ledger until told to stop, over one line after the other.
    async fn run(self: Arc<Self>, gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
        let mut failures = Failures::default();
        loop {
            let began = Instant::now();
            let ended = self.session(&gateway, &mut stop).await;
            self.is_up.store(false, Ordering::Relaxed);
            let Err(error) = ended else { return };
            self.tell_trouble(&error);
            failures.count(began.elapsed(), self.parts.limits);
            let pause = failures.pause(self.parts.limits, gateway.entropy.as_ref());
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Says once that it stands still.
    fn tell_trouble(&self, error: &StreamError) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            let (stream, lag) = (&self.parts.name, self.lag());
            tracing::warn!(%stream, lag, %error, "a stream of the ledger stands still; it is tried again");
        }
    }

    fn tell_recovery(&self, first: u64) {
        let stream = &self.parts.name;
        self.is_told.store(false, Ordering::Relaxed);
        tracing::info!(%stream, first, "a stream of the ledger runs");
    }

    /// Entries that are durable and not sent.
    fn lag(&self) -> u64 {
        let next = self.next.load(Ordering::Relaxed);
        let size = self.parts.log.size();
        size.map_or(0, |size| size.saturating_sub(next))
    }

    fn labels(&self) -> Vec<(&'static str, String)> {
        vec![("stream", self.parts.name.clone())]
    }
}

impl Gateway {
    /// Sets the streams up. Blocks; call it once, before [`Gateway::run_streams`]. An error means that
    /// nobody can tell where a stream has to go on.
    pub fn attach_streams(&self, parts: Vec<StreamParts>) -> Result<(), BookmarkError> {
        let opened = parts
            .into_iter()
            .map(|parts| Stream::open(parts).map(Arc::new));
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        // A second call changes nothing.
        let _ = self.streams.set(opened);
        Ok(())
    }

    /// Runs the streams until told to stop; then each has a few seconds to tell what is left.
    pub async fn run_streams(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        for stream in self.streams.get().into_iter().flatten() {
            running.spawn(Arc::clone(stream).run(Arc::clone(&self), stop.clone()));
        }
        let _ = stop.wait_for(|stop| *stop).await;
        let all = async { while running.join_next().await.is_some() {} };
        if timeout(LAST, all).await.is_err() {
            tracing::warn!("a stream did not end in time; the next start goes on with it");
        }
    }

    /// What the metrics say of the streams.
    pub(crate) fn stream_rows(&self) -> Vec<MetricRow> {
        let streams = || self.streams.get().into_iter().flatten();
        let mut rows = Vec::new();
        for stream in streams() {
            let help = "Entries of the ledger that are durable and not yet sent to a SIEM.";
            let lag = usize::try_from(stream.lag()).unwrap_or(usize::MAX);
            rows.push(gauge(
                "shortstop_siem_lag_entries",
                help,
                stream.labels(),
                lag,
            ));
        }
        for stream in streams() {
            let help = "Whether a stream to a SIEM is connected (1) or not (0).";
            let up = usize::from(stream.is_up.load(Ordering::Relaxed));
            rows.push(gauge("shortstop_siem_up", help, stream.labels(), up));
        }
        for stream in streams() {
            rows.push(MetricRow {
                name: "shortstop_siem_entries_sent_total",
                help: "Entries sent to a SIEM, repeated ones too.",
                kind: MetricKind::Counter,
                labels: stream.labels(),
                value: stream.sent.load(Ordering::Relaxed),
            });
        }
        rows
    }
}
