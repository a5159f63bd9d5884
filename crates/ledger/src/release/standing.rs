//! How a program stands with a list: whether it is the binary that was released, and what is newer.

use super::{Fix, Release, ReleaseList, ReleaseVersion, Severity};
use crate::leaf::Hash;

/// A clock may be behind that of whoever made the list by so much, in microseconds: an hour.
const CLOCK_SLACK: u64 = 3_600_000_000;

/// The program that asks.
#[derive(Clone, Copy, Debug)]
pub struct Running<'r> {
    /// Its version.
    pub version: ReleaseVersion,
    /// What it was built for, as rustc calls it.
    pub target: &'r str,
    /// SHA-256 of its file.
    pub sha256: Hash,
}

/// Why a list that is well signed says nothing today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StaleList {
    /// Its time is over: there may be newer releases that it does not know.
    #[error("the list has expired; get a newer one")]
    Expired,
    /// Its time has not come: the clock here is wrong, or the one there was.
    #[error("the list was issued in the future; is the clock right?")]
    Future,
    /// A newer list has been seen: somebody shows an old one, which hides what is newer.
    #[error("list {number} is older than list {seen}, which was seen before")]
    RolledBack {
        /// The number of this one.
        number: u64,
        /// The number of the newest that was seen.
        seen: u64,
    },
}

/// What a list says of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'l> {
    /// Whether it is what was released.
    pub standing: Standing,
    /// Why nobody should run it, if its release was taken back.
    pub withdrawn: Option<&'l str>,
    /// Newer releases that were not taken back, oldest first.
    pub newer: Vec<&'l Release>,
    /// The releases to install one after the other to come to the newest; empty when nothing is newer, or when
    /// no newer release may replace this version.
    pub steps: Vec<ReleaseVersion>,
}

/// Whether a program is what was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its file has the hash of its release.
    Released,
    /// Its file has another hash: it was altered, or somebody else built it.
    Altered {
        /// The hash of the release.
        expected: Hash,
    },
    /// Its version was released, though not for its target.
    OtherTargets,
    /// The list does not know its version.
    Unlisted,
}

impl Judgement<'_> {
    /// The worst that is mended by newer releases.
    pub fn worst(&self) -> Option<Severity> {
        let fixes = self.newer.iter().flat_map(|release| &release.fixes);
        fixes.map(|fix: &Fix| fix.severity).max()
    }

    /// Whether it is what was released and not taken back.
    pub fn is_sound(&self) -> bool {
        self.standing == Standing::Released && self.withdrawn.is_none()
    }
}

/// What the list says of a program. `seen` is the number of the newest list that the reader has seen;
/// `now` is in microseconds since 1970.
pub fn judge<'l>(
    list: &'l ReleaseList,
    running: &Running<'_>,
    seen: Option<u64>,
    now: u64,
) -> Result<Judgement<'l>, StaleList> {
    let number = list.number;
    if let Some(seen) = seen.filter(|seen| number < *seen) {
        return Err(StaleList::RolledBack { number, seen });
    }
    if list.issued > now.saturating_add(CLOCK_SLACK) {
        return Err(StaleList::Future);
    }
    if list.expires <= now {
        return Err(StaleList::Expired);
    }
    let mut releases = list.releases.iter();
    let own = releases.find(|release| release.version == running.version);
    let sound = list
        .releases
        .iter()
        .filter(|release| release.withdrawn.is_none());
    let newer: Vec<&Release> = sound
        .filter(|release| release.version > running.version)
        .collect();
    Ok(Judgement {
        standing: own.map_or(Standing::Unlisted, |own| standing(own, running)),
        withdrawn: own.and_then(|own| own.withdrawn.as_deref()),
        steps: steps(&newer, running.version),
        newer,
    })
}

fn standing(own: &Release, running: &Running<'_>) -> Standing {
    let mut binaries = own.binaries.iter();
    match binaries.find(|binary| binary.target == running.target) {
        None => Standing::OtherTargets,
        Some(binary) if binary.sha256 == running.sha256 => Standing::Released,
        Some(binary) => Standing::Altered {
            expected: binary.sha256,
        },
    }
}

/// Each step is as long as it may be. Versions rise, so it ends.
fn steps(newer: &[&Release], mut at: ReleaseVersion) -> Vec<ReleaseVersion> {
    let mut steps = Vec::new();
    let reachable = |at: ReleaseVersion| {
        let ahead = newer.iter().filter(move |release| release.version > at);
        let mut ahead = ahead.filter(move |release| release.upgrade_from <= at);
        ahead.next_back().map(|release| release.version)
    };
    while let Some(next) = reachable(at) {
        steps.push(next);
        at = next;
    }
    steps
}
