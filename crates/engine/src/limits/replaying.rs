//! A start counts what was accepted since the counts were kept. Two threads share the work, since it
//! keeps a gateway from serving: one reads messages, one opens their numbers and counts them.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, sync_channel};
use std::{mem, panic, thread};

use domain::limit::book::Book;
use domain::limit::country::Destination;
use domain::limit::facts::{Event, Facts};
use domain::time::Timestamp;

use super::recent::Recent;
use super::{Inside, Unkept};
use crate::gateway::Gateway;
use crate::recover::StartError;
use crate::rows::{MessageRow, VaultRow};
use crate::settings::Settings;
use crate::steady::{KeptTime, Replayed, SteadyTime};

/// A start counts no more messages than this, the newest, when there is nothing kept to begin from: within
/// ten seconds.
const MESSAGES_MAX: usize = 1_000_000;

/// Messages that go from one thread to the other at once.
const BATCH: usize = 500;

/// And how many batches may wait.
const BATCHES_MAX: usize = 8;

/// A message with its sealed number.
type Accepted = (MessageRow, Option<VaultRow>);

/// From where a start counts again.
pub(super) struct Since {
    /// Messages up to this sequence of an id are counted.
    pub(super) boundary: u64,
    /// And these above it.
    pub(super) counted: HashSet<u64>,
    /// Where steady time stood.
    pub(super) time: Option<KeptTime>,
}

impl Since {
    /// Whether a message is to be counted again.
    fn misses(&self, row: &MessageRow) -> bool {
        row.head.client.is_some() && !self.counted.contains(&row.id.sequence())
    }
}

impl Gateway {
    /// Counts the messages that the kept counts do not hold.
    pub(super) fn counted_since(
        &self,
        settings: &Settings,
        mut book: Book,
        since: &Since,
    ) -> Result<Inside, StartError> {
        let time = SteadyTime::begin(since.time, self.now(), self.uptime());
        let times = Replayed::new(since.time, &time);
        let counted = since.counted.iter().copied();
        let mut last = counted.fold(since.boundary, u64::max);
        let replayed = thread::scope(|scope| {
            let (send, batches) = sync_channel(BATCHES_MAX);
            let counts = &mut book;
            let counting = scope.spawn(move || self.replay_all(settings, counts, times, &batches));
            let mut batch = Vec::with_capacity(BATCH);
            let read = self
                .store
                .accepted(since.boundary, MESSAGES_MAX, &mut |row, number| {
                    last = last.max(row.id.sequence());
                    if since.misses(&row) {
                        batch.push((row, number));
                    }
                    if batch.len() == BATCH {
                        // Nobody takes it only when the counting ended badly, of which the join tells.
                        drop(send.send(mem::replace(&mut batch, Vec::with_capacity(BATCH))));
                    }
                });
            drop(send.send(batch));
            drop(send);
            let counted = counting.join();
            let replayed = counted.unwrap_or_else(|cause| panic::resume_unwind(cause));
            read.map(|()| replayed)
        })?;
        tracing::debug!(replayed, "messages were counted again");
        Ok(Inside {
            book,
            recent: Recent::from(last),
            time,
            unkept: Unkept {
                messages: replayed,
                ..Unkept::default()
            },
        })
    }

    /// Counts all that come; tells how many.
    fn replay_all(
        &self,
        settings: &Settings,
        book: &mut Book,
        mut times: Replayed,
        batches: &Receiver<Vec<Accepted>>,
    ) -> u64 {
        let mut replayed = 0;
        for (row, number) in batches.iter().flatten() {
            let at = times.at(row.created);
            self.replay(settings, (&mut *book, at), &row, number.as_slice());
            replayed += 1;
        }
        replayed
    }

    fn replay(
        &self,
        settings: &Settings,
        (book, at): (&mut Book, Timestamp),
        row: &MessageRow,
        number: &[VaultRow],
    ) {
        let segments = u32::try_from(row.segments.len()).unwrap_or(u32::MAX);
        let number = self.number(number);
        let cost = number.map(|number| settings.limits.prices.cost(number, segments));
        let facts = Facts {
            client: row.head.client,
            group: settings.limits.group_of(row.head.client),
            short_code: Some(row.head.from),
            class: Some(row.head.class),
            campaign: row.head.campaign.as_deref(),
            system_id: row.head.esme.as_ref().map(|esme| esme.system_id.as_str()),
            destination: number.map(Destination::of),
            segments,
            cost_micros: cost.unwrap_or_default(),
            ..Facts::new(Event::Message)
        };
        book.replay(&facts, at);
    }
}
