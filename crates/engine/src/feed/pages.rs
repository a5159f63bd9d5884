//! The ledger as events, page by page. Destinations that are as far as each other share a page, so that
//! each entry is read about once, however many they are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::event::EventTypes;

use super::event::Event;
use super::project::project;
use crate::ports::Log;
use crate::ports::store::ReadError;

/// Entries of a page: those of a tile, so that pruning takes whole pages.
const PAGE: u64 = 256;
/// Pages kept: those at the end of the ledger, and of some who are behind.
const KEPT: usize = 8;

/// What was read of a page.
#[derive(Clone)]
struct Page {
    number: u64,
    /// The index behind the last entry that was read.
    end: u64,
    events: Vec<Arc<Event>>,
}

/// Reads events.
pub(crate) struct Pages {
    log: Arc<dyn Log>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    kept: VecDeque<Page>,
    /// What anybody ever wanted to hear of.
    wanted: EventTypes,
}

/// Events in order, and where to go on.
pub(crate) struct Read {
    pub(crate) events: Vec<Arc<Event>>,
    /// The index that is next.
    pub(crate) end: u64,
    /// Whether entries were pruned before they were read.
    pub(crate) is_torn: bool,
}

impl Pages {
    pub(crate) fn new(log: Arc<dyn Log>) -> Self {
        Self {
            log,
            held: Mutex::default(),
        }
    }

    /// Has these told as well from now on.
    pub(crate) fn widen(&self, events: EventTypes) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = held.wanted.and(events);
        if wanted != held.wanted {
            held.kept.clear();
            held.wanted = wanted;
        }
    }

    /// The index behind the last durable entry.
    pub(crate) fn size(&self) -> Result<u64, ReadError> {
        self.log.size()
    }

    /// The events from an index on, to the end of its page or of the ledger. Blocks.
    pub(crate) fn read(&self, from: u64) -> Result<Read, ReadError> {
        let minimum = self.log.minimum()?;
        let start = from.max(minimum);
        let is_torn = start > from;
        let size = self.log.size()?;
        if size <= start {
            return Ok(Read {
                events: Vec::new(),
                end: start,
                is_torn,
            });
        }
        let page = self.page(start / PAGE, size)?;
        let wanted = |event: &&Arc<Event>| event.index >= start;
        Ok(Read {
            events: page.events.iter().filter(wanted).cloned().collect(),
            end: page.end.max(start),
            is_torn,
        })
    }

    /// The event of one entry; `None` when that is pruned or tells none. Blocks.
    pub(crate) fn event(&self, index: u64) -> Result<Option<Arc<Event>>, ReadError> {
        let read = self.read(index)?;
        Ok(read.events.into_iter().find(|event| event.index == index))
    }

    fn page(&self, number: u64, size: u64) -> Result<Page, ReadError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Held { kept, wanted } = &mut *held;
        let found = kept.iter().position(|page| page.number == number);
        let found = found.and_then(|place| kept.remove(place));
        let mut page = found.unwrap_or(Page {
            number,
            end: number * PAGE,
            events: Vec::new(),
        });
        let end = size.min((number + 1) * PAGE);
        if page.end < end {
            let most = usize::try_from(end - page.end).unwrap_or(usize::MAX);
            let entries = self.log.entries(page.end, most)?;
            for entry in entries {
                page.events
                    .extend(project(page.end, &entry, *wanted).map(Arc::new));
                page.end += 1;
            }
        }
        if kept.len() >= KEPT {
            kept.pop_back();
        }
        kept.push_front(page.clone());
        Ok(page)
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages")
    }
}
