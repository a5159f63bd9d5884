//! The third part of `ledger verify`, for whoever holds the first key of the seals: every epoch from the
//! start to now, each against its entries. A missing seal is a fault.

mod place;

use std::collections::VecDeque;
use std::path::Path;

use domain::time::Timestamp;
use engine::ports::Clock as _;
use ledger::entry::skim::skim;
use ledger::seal::check::{Epoch, SealChecker, SealFault};
use ledger::seal::{Seal, SealKey, SealStart};
use ledger::verify::Report;
use ledger::{Fault, FaultKind, Hash, Watcher as _, leaf_hash};
use serde_json::{Value, json};

use crate::cli::VerifyArgs;
use crate::clock::SystemClock;
use crate::exit::Failure;
use crate::output::Output;

use super::progress::Progress;
pub use place::{OfFolder, OfStore, OverSocket, Sealed};

/// How much later than its epoch an entry may be sealed, and a seal may come, in microseconds: a minute,
/// many times what a slow disk takes.
const SLACK_MICROS: u64 = 60_000_000;
/// No line is longer.
const LINE_MAX: usize = 2_048;

/// What is asked of the seals.
pub enum Asked {
    /// Nothing: there is no key.
    Nothing,
    /// That they are there up to this time, under this key.
    All(SealKey, Timestamp),
}

/// What came of it.
pub enum Seals {
    /// There was no key.
    Unchecked,
    /// So many epochs were checked, and the entries below this index.
    Sound(u64, u64),
    /// Something is wrong, which is told.
    Faulty,
}

/// A fault, or that the place could not be read.
type Checked<T> = Result<T, Fault>;

impl Asked {
    /// By the command line.
    pub fn of(args: &VerifyArgs) -> Result<Self, Failure> {
        let Some(file) = &args.seal_key else {
            return Ok(Self::Nothing);
        };
        let until = match &args.sealed_until {
            None => SystemClock.now(),
            Some(text) => text.parse().map_err(|_| {
                Failure::usage(format!("`{text}` is no time such as 2026-11-25T00:00:00Z"))
            })?,
        };
        Ok(Self::All(key(file)?, until))
    }

    /// Checks the seals of a place and tells what is wrong. After a fault the rest proves nothing more.
    /// Entries below the minimum index are pruned: their leaf hashes stand for them.
    pub fn check(
        &self,
        place: &dyn Sealed,
        (report, minimum): (&Report, u64),
        output: Output,
    ) -> Seals {
        let Self::All(key, until) = self else {
            return Seals::Unchecked;
        };
        let origin = report
            .checkpoint
            .as_ref()
            .map(|(origin, _)| origin.as_str());
        match check((place, minimum), origin, (key, *until)) {
            Ok((epochs, entries)) => Seals::Sound(epochs, entries),
            Err(fault) => {
                Progress::new(output).fault(fault);
                Seals::Faulty
            }
        }
    }
}

impl Seals {
    /// How many faults were told.
    pub const fn faults(&self) -> u64 {
        match self {
            Self::Faulty => 1,
            Self::Unchecked | Self::Sound(..) => 0,
        }
    }

    /// What the summary says of them.
    pub fn summary(&self) -> Value {
        match self {
            Self::Unchecked => json!({"checked": false}),
            Self::Sound(epochs, entries) => {
                json!({"checked": true, "epochs": epochs, "entries": entries, "faults": 0})
            }
            Self::Faulty => json!({"checked": true, "faults": 1}),
        }
    }

    /// A line for people.
    pub fn line(&self) -> Option<String> {
        match self {
            Self::Sound(epochs, entries) => Some(format!(
                "seals      {epochs} epochs, over the entries below {entries}"
            )),
            Self::Unchecked | Self::Faulty => None,
        }
    }
}

fn check(
    (place, minimum): (&dyn Sealed, u64),
    origin: Option<&str>,
    (key, until): (&SealKey, Timestamp),
) -> Checked<(u64, u64)> {
    let mut lines = Lines::of(place);
    let Some(first) = lines.next()? else {
        return Err(fault(None, FaultKind::SealMissing, "there are no seals"));
    };
    let start = SealStart::parse(&first);
    let start = start.ok_or_else(|| malformed(None, "their first line is no start"))?;
    if origin.is_some_and(|origin| origin != start.origin) {
        let says = format!("they are those of the log {}", start.origin);
        return Err(malformed(None, &says));
    }
    let mut entries = Entries::of((place, minimum), start.first);
    let mut checker = SealChecker::begin(start, key.clone(), SLACK_MICROS);
    let mut epochs = 0_u64;
    while let Some(line) = lines.next()? {
        let at = Some(checker.next_index());
        let seal = Seal::parse(&line);
        let seal = seal.ok_or_else(|| malformed(at, &format!("epoch {epochs}: it is no seal")))?;
        let own = entries.take(seal.count)?;
        let leaves: Vec<Hash> = own.iter().map(|(_, leaf)| *leaf).collect();
        let times = own.iter().filter_map(|(time, _)| *time);
        let epoch = Epoch {
            leaves: &leaves,
            times: times.clone().min().zip(times.max()),
        };
        checker
            .check(&seal, epoch)
            .map_err(|wrong| named(at, &wrong))?;
        epochs += 1;
    }
    let at = Some(checker.next_index());
    let covered = checker.finish(until.micros());
    Ok((epochs, covered.map_err(|wrong| named(at, &wrong))?))
}

fn named(index: Option<u64>, wrong: &SealFault) -> Fault {
    let kind = match wrong {
        SealFault::Epoch { .. } => FaultKind::SealMissing,
        SealFault::First { .. } | SealFault::Leaves { .. } => FaultKind::SealMismatch,
        SealFault::Tag { .. } => FaultKind::SealForged,
        SealFault::Time { .. } => FaultKind::SealTime,
        SealFault::Ends { .. } => FaultKind::SealsEnd,
    };
    fault(index, kind, &wrong.to_string())
}

fn malformed(index: Option<u64>, says: &str) -> Fault {
    fault(index, FaultKind::SealMalformed, says)
}

fn fault(index: Option<u64>, kind: FaultKind, says: &str) -> Fault {
    let detail = says.to_owned();
    Fault {
        index,
        kind,
        detail,
    }
}

fn unread(error: &anyhow::Error) -> Fault {
    let says = format!("the seals cannot be checked: {error:#}");
    fault(None, FaultKind::SourceFailed, &says)
}

/// 32 octets or their hex.
fn key(file: &Path) -> Result<SealKey, Failure> {
    let name = file.display();
    let octets = std::fs::read(file)
        .map_err(|error| Failure::unavailable(format!("the key {name}: {error}")))?;
    if let Ok(octets) = <[u8; 32]>::try_from(octets.as_slice()) {
        return Ok(SealKey::from_bytes(octets));
    }
    let hex = String::from_utf8_lossy(&octets);
    let key = Hash::from_hex(hex.trim());
    let key = key.ok_or_else(|| {
        Failure::usage(format!(
            "the key {name}: it is neither 32 octets nor their hex"
        ))
    })?;
    Ok(SealKey::from_bytes(*key.as_bytes()))
}

/// The lines of the file, one after the other. An end that is not whole is none: it is being written, or
/// was not written to its end.
struct Lines<'p> {
    place: &'p dyn Sealed,
    next: u64,
    waiting: VecDeque<u8>,
}

impl<'p> Lines<'p> {
    fn of(place: &'p dyn Sealed) -> Self {
        Self {
            place,
            next: 0,
            waiting: VecDeque::new(),
        }
    }

    fn next(&mut self) -> Checked<Option<String>> {
        loop {
            let end = self
                .waiting
                .iter()
                .take(LINE_MAX)
                .position(|octet| *octet == b'\n');
            if let Some(end) = end {
                let line: Vec<u8> = self.waiting.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(Some(line.trim_end_matches('\n').to_owned()));
            }
            if self.waiting.len() > LINE_MAX {
                return Err(malformed(None, "a line is longer than any seal"));
            }
            let more = self
                .place
                .octets(self.next)
                .map_err(|error| unread(&error))?;
            if more.is_empty() {
                return Ok(None);
            }
            self.next = self
                .next
                .saturating_add(u64::try_from(more.len()).unwrap_or(0));
            self.waiting.extend(more);
        }
    }
}

/// The entries of the place, one after the other.
struct Entries<'p> {
    place: &'p dyn Sealed,
    /// Those below it are pruned.
    minimum: u64,
    next: u64,
    waiting: VecDeque<(Option<u64>, Hash)>,
}

impl<'p> Entries<'p> {
    fn of((place, minimum): (&'p dyn Sealed, u64), next: u64) -> Self {
        Self {
            place,
            minimum,
            next,
            waiting: VecDeque::new(),
        }
    }

    /// Times and leaf hashes of so many, or of fewer when there are not as many.
    fn take(&mut self, count: u64) -> Checked<Vec<(Option<u64>, Hash)>> {
        let mut taken = Vec::new();
        for _ in 0..count {
            if self.waiting.is_empty() {
                self.read()?;
            }
            let Some(entry) = self.waiting.pop_front() else {
                break;
            };
            taken.push(entry);
        }
        Ok(taken)
    }

    fn read(&mut self) -> Checked<()> {
        let (place, from) = (self.place, self.next);
        let page: Vec<(Option<u64>, Hash)> = if from < self.minimum {
            let leaves = place::leaves(place.source(), from).map_err(|error| unread(&error))?;
            leaves.into_iter().map(|leaf| (None, leaf)).collect()
        } else {
            let entries = place.entries(from).map_err(|error| unread(&error))?;
            let time = |entry: &[u8]| skim(entry).ok().map(|skimmed| skimmed.time_micros);
            let seen = entries.iter().map(|entry| (time(entry), leaf_hash(entry)));
            seen.collect()
        };
        self.next = from.saturating_add(u64::try_from(page.len()).unwrap_or(0));
        self.waiting.extend(page);
        Ok(())
    }
}
