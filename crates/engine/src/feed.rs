//! Events out: what happened, told to those who want to hear of it. Nothing is written on the road of a
//! message for it: events are read from the durable ledger behind a bookmark of each destination, and only
//! that bookmark, what waits for another try and what was given up is kept. Whoever is told hears of
//! everything at least once, of one message in order; a destination that is away holds up nobody else, and
//! where there is none nothing is read.

mod event;
mod pages;
mod project;
mod queue;
mod receiver;

pub use event::{Event, EventId, Happening};
pub use queue::{DeadLetter, QueueBounds, Ready};
pub use receiver::{Addressee, DeadEvent, EventFilter, EventQueue};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use domain::id::ClientId;

use crate::gateway::Gateway;
use crate::metrics::{MetricKind, MetricRow, gauge};
use crate::ports::Log;
use crate::ports::store::ReadError;

use pages::Pages;

/// Why nobody can be told of events.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Nothing was attached that they could be read from.
    #[error("this gateway tells nobody of events")]
    Absent,
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Where events come from, and how far everybody is.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pages: OnceLock<Arc<Pages>>,
    /// Progress as it was kept last, also of those who are not told now.
    progress: Mutex<HashMap<Box<str>, Vec<u8>>>,
    /// Those who are told, for metrics.
    open: Mutex<Vec<Weak<EventQueue>>>,
}

impl Feed {
    /// Progress of this name, as it was kept last.
    pub(crate) fn progress_of(&self, name: &str) -> Option<Vec<u8>> {
        let progress = self.progress.lock();
        let progress = progress.unwrap_or_else(PoisonError::into_inner);
        progress.get(name).cloned()
    }

    /// Remembers progress of this name.
    pub(crate) fn remember(&self, name: &str, octets: Vec<u8>) {
        let progress = self.progress.lock();
        let mut progress = progress.unwrap_or_else(PoisonError::into_inner);
        progress.insert(name.into(), octets);
    }

    /// Forgets progress of this name.
    pub(crate) fn forget(&self, name: &str) {
        let progress = self.progress.lock();
        let mut progress = progress.unwrap_or_else(PoisonError::into_inner);
        progress.remove(name);
    }

    /// Progress of somebody who is told from now on, and the entry that is looked at first.
    pub(crate) fn beginning(&self, bounds: QueueBounds) -> Result<(u64, Vec<u8>), FeedError> {
        let pages = self.pages.get().ok_or(FeedError::Absent)?;
        let next = pages.size()?;
        let queue = queue::Queue::new(next, bounds);
        Ok((next, queue.store().to_octets()))
    }

    /// Whether progress of this name is kept.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let progress = self.progress.lock();
        let progress = progress.unwrap_or_else(PoisonError::into_inner);
        progress.contains_key(name)
    }

    /// The clients whose messages' URLs are told.
    pub(crate) fn called_back(&self) -> Vec<ClientId> {
        let progress = self.progress.lock();
        let progress = progress.unwrap_or_else(PoisonError::into_inner);
        let names = progress.keys();
        let mut clients: Vec<_> = names
            .filter_map(|name| Addressee::callbacks_of(name))
            .collect();
        clients.sort_unstable();
        clients
    }

    /// The queue of this name, if somebody has it open.
    pub(crate) fn queue(&self, name: &str) -> Option<Arc<EventQueue>> {
        let mut queues = self.open_queues().into_iter();
        queues.find(|queue| queue.who().name() == name)
    }

    fn open_queues(&self) -> Vec<Arc<EventQueue>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|queue| queue.strong_count() > 0);
        let queues = open.iter().filter_map(Weak::upgrade);
        queues.filter(|queue| !queue.is_retired()).collect()
    }

    /// What the metrics say of those who are told.
    pub(crate) fn rows(&self) -> Vec<MetricRow> {
        let queues = self.open_queues();
        let mut rows = Vec::new();
        let mut each = |name, help, value: &dyn Fn(&EventQueue) -> usize| {
            for queue in &queues {
                let labels = vec![("to", queue.who().name())];
                rows.push(gauge(name, help, labels, value(queue)));
            }
        };
        each(
            "shortstop_events_lag_entries",
            "Entries of the ledger that nobody has looked at yet for a receiver of events.",
            &|queue| usize::try_from(queue.lag()).unwrap_or(usize::MAX),
        );
        each(
            "shortstop_events_waiting",
            "Events that wait for a receiver: for their first try, another one, or their turn.",
            &|queue| queue.counts().0,
        );
        each(
            "shortstop_events_dead",
            "Events that were given up and can be told once more.",
            &|queue| queue.counts().1,
        );
        each(
            "shortstop_events_failures_in_a_row",
            "Tries in a row that a receiver of events did not take.",
            &|queue| usize::try_from(queue.trouble().0).unwrap_or(usize::MAX),
        );
        for queue in &queues {
            rows.push(MetricRow {
                name: "shortstop_events_told_total",
                help: "Events that a receiver took since the start.",
                kind: MetricKind::Counter,
                labels: vec![("to", queue.who().name())],
                value: queue.told(),
            });
        }
        rows
    }
}

impl Gateway {
    /// Lets events be read from a ledger. Call it once, after the start; a second call changes nothing.
    pub fn attach_events(&self, log: Arc<dyn Log>) {
        let _first = self.feed.pages.set(Arc::new(Pages::new(log)));
    }

    /// Begins to tell somebody of events, from where that stopped before; the first time from now on.
    /// While somebody has what is for this one open, it is that, unless another client was told: of what waits
    /// for that one nothing is handed out any more. Blocks.
    pub fn open_events(
        self: &Arc<Self>,
        who: Addressee,
        filter: EventFilter,
    ) -> Result<Arc<EventQueue>, FeedError> {
        let pages = self.feed.pages.get().ok_or(FeedError::Absent)?;
        let bounds = self.settings().events;
        // Held meanwhile: two of one name would tell everything twice.
        let mut open = self
            .feed
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut found = open.iter().filter_map(Weak::upgrade);
        if let Some(queue) = found.find(|queue| *queue.who() == who && !queue.is_retired()) {
            if queue.client() == filter.client {
                return Ok(queue);
            }
            queue.keep(self, self.now());
            queue.retire();
        }
        drop(found);
        let queue = EventQueue::open(self, Arc::clone(pages), (who, filter), bounds)?;
        let queue = Arc::new(queue);
        open.push(Arc::downgrade(&queue));
        Ok(queue)
    }
}
