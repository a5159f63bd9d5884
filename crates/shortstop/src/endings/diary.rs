//! What was said of certificates that end soon, so that each step is said once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use tls::Ending;

use super::Row;

/// So many days ahead it is said.
const STEPS: [u64; 5] = [1, 3, 7, 14, 30];
/// What is left then is urgent.
const URGENT: u64 = 1;

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No more than so many days are left.
    Within(u64),
    /// It was so many whole days ago.
    Over(u64),
}

impl Step {
    /// How near it is. `None` while it is far: more than a month away, or more than half of its life.
    pub fn of(ending: &Ending, now: Timestamp) -> Option<Self> {
        let until = ending.until;
        if until < now {
            return Some(Self::Over(now.since(until).as_secs() / 86_400));
        }
        let (left, half) = (until.since(now), until.since(ending.from) / 2);
        let within = STEPS.into_iter().find(|step| {
            let step = days(*step);
            left <= step && step <= half
        });
        within.map(Self::Within)
    }

    /// Whether it is said as an error.
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::Within(days) => days <= URGENT,
            Self::Over(_) => true,
        }
    }
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

/// By what one is known.
type Key = (&'static str, Option<Arc<str>>);

/// The last step that was said of each.
#[derive(Debug, Default)]
pub struct Diary(BTreeMap<Key, (Timestamp, Step)>);

impl Diary {
    /// Those of which there is something new to say: a step that was not said yet, or a day more that it is over.
    pub fn news<'r>(&mut self, rows: &'r [Row], now: Timestamp) -> Vec<(&'r Row, Step)> {
        let mut said = BTreeMap::new();
        let mut news = Vec::new();
        for row in rows {
            let Some(step) = Step::of(&row.ending, now) else {
                continue;
            };
            let key = (row.ending.of, row.ending.name.clone());
            let told = (row.ending.until, step);
            if self.0.get(&key) != Some(&told) {
                news.push((row, step));
            }
            said.insert(key, told);
        }
        self.0 = said;
        news
    }

    /// Lets everything be said again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cure;
    use super::*;

    const FROM: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn row(life: u64) -> Row {
        Row {
            ending: Ending::new("server", (FROM, FROM.saturating_add(days(life)))),
            file: None,
            cure: Cure::Reload,
        }
    }

    /// The days before the end on which something is said of what lives so long, looked at each hour.
    fn said(life: u64) -> Vec<i64> {
        let (rows, mut diary) = ([row(life)], Diary::default());
        let mut said = Vec::new();
        for hour in 0..(life + 3) * 24 {
            let now = FROM.saturating_add(Duration::from_hours(hour));
            for (row, step) in diary.news(&rows, now) {
                assert_eq!(
                    row.says(now).is_some(),
                    Step::of(&row.ending, now) == Some(step)
                );
                let left = i64::try_from(life).unwrap() - i64::try_from(hour / 24).unwrap();
                assert_eq!(step.is_urgent(), left <= 1);
                said.push(left);
            }
        }
        said
    }

    #[test]
    fn each_step_is_said_once_and_what_is_over_once_a_day() {
        assert_eq!(said(397), [30, 14, 7, 3, 1, 0, -1, -2]);
        assert_eq!(said(90), [30, 14, 7, 3, 1, 0, -1, -2]);
    }

    #[test]
    fn what_lives_for_a_short_time_is_not_said_to_end_soon_all_its_life() {
        assert_eq!(said(7), [3, 1, 0, -1, -2]);
        assert_eq!(said(1), [0, -1, -2]);
    }

    #[test]
    fn the_next_one_is_told_apart_from_the_one_before() {
        let mut diary = Diary::default();
        let now = FROM.saturating_add(days(390));
        assert_eq!(diary.news(&[row(397)], now).len(), 1);
        assert_eq!(diary.news(&[row(397)], now).len(), 0);
        assert_eq!(diary.news(&[row(396)], now).len(), 1);
        diary.forget();
        assert_eq!(diary.news(&[row(396)], now).len(), 1);
    }
}
