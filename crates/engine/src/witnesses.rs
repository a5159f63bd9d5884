//! How the witnesses stand: who cosigns, who has stopped, and since when. A witness that is lost or comes
//! back is an entry, once; a shortfall of them is told at once and then each minute.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome};

use crate::batch::sound;
use crate::changes::Changes;
use crate::checkpoints::{Ledger, WitnessPolicy};
use crate::gateway::Gateway;
use crate::metrics::{MetricRow, gauge};

/// A witness is lost after so many checkpoints in a row that it did not cosign,
const ROUNDS_MAX: u32 = 3;
/// or so long after the first of them.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a shortfall that lasts is told.
const REMIND: Duration = Duration::from_mins(1);

/// Why a witness did not cosign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It gave no answer.
    NoAnswer,
    /// It answered otherwise than with a cosignature that holds.
    NotCosigned,
}

impl Missing {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::NotCosigned => "not-cosigned",
        }
    }
}

/// What a witness made of one checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Which witness, by its place.
    pub(crate) place: usize,
    /// Whether it cosigned, and what it said if not.
    pub(crate) cosigned: Result<(), (Missing, String)>,
}

/// Every witness.
#[derive(Debug)]
pub(crate) struct Witnesses(Mutex<Standings>);

#[derive(Debug)]
struct Standings {
    seats: Vec<Standing>,
    /// When a shortfall that lasts was told last.
    told: Option<Timestamp>,
}

#[derive(Debug)]
struct Standing {
    name: String,
    /// When it cosigned last; at first when the ledger was attached.
    cosigned: Timestamp,
    failing: Option<Failing>,
    is_lost: bool,
}

/// Checkpoints in a row that it did not cosign.
#[derive(Clone, Copy, Debug)]
struct Failing {
    since: Timestamp,
    rounds: u32,
    missing: Missing,
}

/// What is news about a witness.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Lost(Missing),
    Regained,
}

impl Standing {
    /// Takes one round in.
    fn take(&mut self, round: &Round, now: Timestamp) -> Option<News> {
        let (missing, says) = match &round.cosigned {
            Ok(()) => {
                self.cosigned = now;
                self.failing = None;
                return std::mem::take(&mut self.is_lost).then_some(News::Regained);
            }
            Err((missing, says)) => (*missing, says),
        };
        let before = self.failing;
        if before.is_none() {
            let reason = missing.as_str();
            tracing::warn!(
                witness = self.name,
                reason,
                error = says,
                "a witness did not cosign"
            );
        }
        self.failing = Some(Failing {
            since: before.map_or(now, |failing| failing.since),
            rounds: before.map_or(1, |failing| failing.rounds.saturating_add(1)),
            missing,
        });
        self.review(now)
    }

    /// Whether it is lost by now.
    fn review(&mut self, now: Timestamp) -> Option<News> {
        let failing = self.failing?;
        let is_over = failing.rounds >= ROUNDS_MAX || now.since(failing.since) >= PATIENCE;
        if self.is_lost || !is_over {
            return None;
        }
        self.is_lost = true;
        Some(News::Lost(failing.missing))
    }
}

impl Witnesses {
    /// Witnesses of these names, none of which has been asked.
    pub(crate) fn new(names: impl Iterator<Item = String>, now: Timestamp) -> Self {
        let standing = |name| Standing {
            name,
            cosigned: now,
            failing: None,
            is_lost: false,
        };
        Self(Mutex::new(Standings {
            seats: names.map(standing).collect(),
            told: None,
        }))
    }

    fn standings(&self) -> MutexGuard<'_, Standings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a round in. Gives what is news, with the names.
    fn take(&self, rounds: &[Round], now: Timestamp) -> Vec<(String, News)> {
        let mut standings = self.standings();
        let mut news = Vec::new();
        for (place, standing) in standings.seats.iter_mut().enumerate() {
            let round = rounds.iter().find(|round| round.place == place);
            let found = match round {
                Some(round) => standing.take(round, now),
                None => standing.review(now),
            };
            news.extend(found.map(|found| (standing.name.clone(), found)));
        }
        news
    }

    /// Whether a shortfall is to be told now.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut standings = self.standings();
        let is_due = standings.told.is_none_or(|told| now.since(told) >= REMIND);
        if is_due {
            standings.told = Some(now);
        }
        is_due
    }

    fn is_well(&self) {
        self.standings().told = None;
    }

    /// What the metrics say of them.
    pub(crate) fn rows(&self, now: Timestamp) -> Vec<MetricRow> {
        let standings = self.standings();
        let labels = |standing: &Standing| vec![("witness", standing.name.clone())];
        let mut rows = Vec::new();
        for standing in &standings.seats {
            let help = "Seconds since a witness cosigned last, or since the start.";
            let age = usize::try_from(now.since(standing.cosigned).as_secs()).unwrap_or(usize::MAX);
            let name = "shortstop_witness_cosigned_age_seconds";
            rows.push(gauge(name, help, labels(standing), age));
        }
        for standing in &standings.seats {
            let help = "Whether a witness cosigns (1) or is lost (0).";
            let up = usize::from(!standing.is_lost);
            rows.push(gauge("shortstop_witness_up", help, labels(standing), up));
        }
        rows
    }
}

impl Gateway {
    /// Takes in what the witnesses made of a checkpoint, and records who was lost or came back. Without a
    /// checkpoint it is only looked at how long they have been failing.
    pub(crate) fn watch_witnesses(&self, ledger: &Ledger, rounds: &[Round], now: Timestamp) {
        for (name, news) in ledger.witnesses.take(rounds, now) {
            match &news {
                News::Lost(missing) => {
                    let reason = missing.as_str();
                    tracing::error!(witness = name, reason, "a witness is lost");
                }
                News::Regained => tracing::info!(witness = name, "a witness cosigns again"),
            }
            let _state = self.state();
            self.commit(Changes::new(draft(&name, &news), now), |_, _| {});
        }
    }
}

/// `witness.lost` and `witness.regained`.
fn draft(name: &str, news: &News) -> Draft {
    let (kind, outcome) = match news {
        News::Lost(_) => (Kind::WitnessLost, Outcome::Failed),
        News::Regained => (Kind::WitnessRegained, Outcome::Done),
    };
    let mut builder = Draft::of(kind, Actor::system(&"gateway"), outcome)
        .origin(OriginType::Process, &"self")
        .data(Facts::new().put("witness", name));
    if let News::Lost(missing) = news {
        builder = builder.reason(missing.as_str());
    }
    sound(builder.build())
}

/// Whether so many cosignatures are enough to publish.
pub(crate) fn is_enough(ledger: &Ledger, cosigned: usize, now: Timestamp) -> bool {
    let asked = ledger.parts.witnesses.len();
    match ledger.parts.policy {
        WitnessPolicy::Required(least) if cosigned < least => {
            if ledger.witnesses.is_due(now) {
                tracing::error!(
                    cosigned,
                    least,
                    "too few witnesses cosigned: no checkpoint is published"
                );
            }
            false
        }
        WitnessPolicy::BestEffort if cosigned < asked => {
            if ledger.witnesses.is_due(now) {
                let missing = asked - cosigned;
                tracing::warn!(missing, "checkpoints are published without every witness");
            }
            true
        }
        WitnessPolicy::Required(_) | WitnessPolicy::BestEffort => {
            ledger.witnesses.is_well();
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn at(seconds: u64) -> Timestamp {
        START.saturating_add(Duration::from_secs(seconds))
    }

    fn one() -> Witnesses {
        Witnesses::new(["w1".to_owned()].into_iter(), START)
    }

    fn round(missing: Option<Missing>) -> [Round; 1] {
        let cosigned = missing.map_or(Ok(()), |missing| Err((missing, "why".to_owned())));
        [Round { place: 0, cosigned }]
    }

    fn silent(witnesses: &Witnesses, seconds: u64) -> Vec<(String, News)> {
        witnesses.take(&round(Some(Missing::NoAnswer)), at(seconds))
    }

    fn lost() -> Vec<(String, News)> {
        vec![("w1".to_owned(), News::Lost(Missing::NoAnswer))]
    }

    #[test]
    fn a_witness_is_lost_once_after_three_rounds_and_regained_once() {
        let witnesses = one();
        assert_eq!(silent(&witnesses, 1), []);
        assert_eq!(silent(&witnesses, 2), []);
        assert_eq!(silent(&witnesses, 3), lost());
        assert_eq!(silent(&witnesses, 4), []);
        let regained = witnesses.take(&round(None), at(5));
        assert_eq!(regained, [("w1".to_owned(), News::Regained)]);
        assert_eq!(witnesses.take(&round(None), at(6)), []);
    }

    #[test]
    fn a_witness_is_lost_after_a_minute_without_another_round() {
        let witnesses = one();
        assert_eq!(silent(&witnesses, 10), []);
        assert_eq!(witnesses.take(&[], at(69)), []);
        assert_eq!(witnesses.take(&[], at(70)), lost());
        assert_eq!(witnesses.take(&[], at(71)), []);
    }

    #[test]
    fn a_witness_that_is_not_asked_is_not_lost() {
        let witnesses = one();
        assert_eq!(witnesses.take(&[], at(3_600)), []);
        assert_eq!(silent(&witnesses, 3_601), []);
        assert_eq!(witnesses.take(&round(None), at(3_602)), []);
        assert_eq!(witnesses.take(&[], at(9_000)), []);
    }

    #[test]
    fn a_shortfall_is_told_at_once_and_then_each_minute() {
        let witnesses = one();
        let told: Vec<u64> = (0..200)
            .filter(|second| witnesses.is_due(at(*second)))
            .collect();
        assert_eq!(told, [0, 60, 120, 180]);
        witnesses.is_well();
        assert!(witnesses.is_due(at(201)));
    }

    #[test]
    fn the_age_counts_from_the_last_cosignature() {
        let witnesses = one();
        witnesses.take(&round(None), at(30));
        let rows = witnesses.rows(at(100));
        assert_eq!((rows[0].value, rows[1].value), (70, 1));
        for second in 101..104 {
            silent(&witnesses, second);
        }
        let rows = witnesses.rows(at(104));
        assert_eq!((rows[0].value, rows[1].value), (74, 0));
    }
}
