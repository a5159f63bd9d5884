//! Reads of the published ledger, which a verifier does by the thousand: the first of a reader is
//! told within a second, those after it together, an hour later at the latest.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::Timestamp;
use ledger::Draft;

use super::{Count, Key, Who, draft};

/// How long further reads of one reader are counted together.
const SPAN: Duration = Duration::from_hours(1);

/// What is counted for one reader.
#[derive(Debug)]
struct Reader {
    count: Count,
    /// When an entry told of this reader last.
    told: Option<Timestamp>,
}

/// Counts by reader.
#[derive(Debug)]
pub(super) struct Hourly(BTreeMap<Key, Reader>);

impl Hourly {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Counts one more.
    pub(super) fn count(&mut self, mut key: Key, fresh: Count, keys_max: usize) {
        if self.0.len() >= keys_max && !self.0.contains_key(&key) {
            key.who = Who::Rest;
        }
        let now = fresh.first;
        let reader = self.0.entry(key).or_insert(Reader {
            count: fresh,
            told: None,
        });
        if reader.count.times == 0 {
            reader.count.first = now;
        }
        reader.count.add(now);
    }

    /// Takes what is due, or everything without a time; at most `most`. Readers of whom nothing came for
    /// an hour are forgotten.
    pub(super) fn take(&mut self, now: Option<Timestamp>, most: usize) -> Vec<Draft> {
        let is_over = |told: Option<Timestamp>| {
            now.zip(told)
                .is_none_or(|(now, told)| now.since(told) >= SPAN || told > now)
        };
        let mut drafts = Vec::new();
        for (key, reader) in &mut self.0 {
            if drafts.len() >= most {
                break;
            }
            if reader.count.times > 0 && is_over(reader.told) {
                drafts.push(draft(key, &reader.count));
                reader.count.times = 0;
                reader.told = Some(now.unwrap_or(reader.count.last));
            }
        }
        self.0
            .retain(|_, reader| reader.count.times > 0 || !is_over(reader.told));
        drafts
    }
}
