//! Checks of `[ledger]` and `[[witness]]`: names, keys, and a quorum that can be met.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use engine::WitnessPolicy;
use ledger::note::key::KeyType;
use ledger::{KeyName, VerifierKey};
use web::witness::Roots;

use super::super::ledger::Witnessing;
use super::super::witness::WitnessSection;
use super::super::{Config, Problems};
use super::resolved;

/// The longest epoch of seals: what was recorded in it is not sealed before its end.
const SEAL_SECONDS_MAX: u64 = 3_600;

/// How the ledger is signed.
#[derive(Clone, Debug)]
pub struct LedgerPlan {
    /// The log's name, if it is given.
    pub origin: Option<KeyName>,
    /// Where its key lies, if not at its usual place.
    pub key_file: Option<PathBuf>,
    /// Whether a second key signs too.
    pub second_line: SecondLine,
    /// Where its guard lies, if not in the data folder.
    pub guard_file: Option<PathBuf>,
    /// Whether a ledger without its guard is refused.
    pub guard: GuardNeed,
    /// How long an epoch of its seals is; `None` makes none.
    pub seal_epoch: Option<Duration>,
    /// What happens when witnesses do not cosign.
    pub policy: WitnessPolicy,
    /// Who cosigns, in the order of the file.
    pub witnesses: Vec<WitnessPlace>,
}

/// Whether a ledger that has entries must have a guard that remembers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardNeed {
    /// It may start without; that is told.
    Told,
    /// It must not start without.
    Required,
}

/// Whether checkpoints have a second line of the log itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondLine {
    /// No.
    None,
    /// Of ML-DSA-44.
    MlDsa,
}

/// One witness.
#[derive(Clone, Debug)]
pub struct WitnessPlace {
    /// Its name.
    pub name: String,
    /// Its submission prefix.
    pub url: String,
    /// Its key.
    pub key: VerifierKey,
    /// Who may sign its certificate.
    pub roots: Roots,
}

/// The plan of a configuration.
pub fn plan(config: &Config, problems: &mut Problems) -> LedgerPlan {
    let section = &config.ledger;
    let origin = section.origin.as_deref().map(KeyName::parse);
    let origin = origin.and_then(|origin| problems.keep("ledger.origin", origin));
    let witnesses = witnesses(config, problems);
    LedgerPlan {
        origin,
        key_file: resolved(&config.base, section.key_file.as_ref()),
        second_line: if section.mldsa {
            SecondLine::MlDsa
        } else {
            SecondLine::None
        },
        guard_file: resolved(&config.base, section.guard_file.as_ref()),
        guard: if section.guard_required {
            GuardNeed::Required
        } else {
            GuardNeed::Told
        },
        seal_epoch: seal_epoch(section.seal_seconds, problems),
        policy: policy(config, problems),
        witnesses,
    }
}

fn seal_epoch(seconds: u64, problems: &mut Problems) -> Option<Duration> {
    if seconds > SEAL_SECONDS_MAX {
        let says = format!("must lie between 0 and {SEAL_SECONDS_MAX}");
        problems.add("ledger.seal_seconds", says);
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn policy(config: &Config, problems: &mut Problems) -> WitnessPolicy {
    let (quorum, witnesses) = (config.ledger.witness_quorum, config.witnesses.len());
    if config.ledger.witness_policy == Witnessing::BestEffort {
        return WitnessPolicy::BestEffort;
    }
    if quorum == 0 || quorum > witnesses {
        let says = format!(
            "must lie between 1 and the number of [[witness]] entries, which is {witnesses}, when \
             witnesses are required"
        );
        problems.add("ledger.witness_quorum", says);
    }
    WitnessPolicy::Required(quorum)
}

fn witnesses(config: &Config, problems: &mut Problems) -> Vec<WitnessPlace> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut places = Vec::new();
    for (place, section) in config.witnesses.iter().enumerate() {
        let at = format!("witness[{place}]");
        let Some(witness) = witness(config, section, (&at, &mut *problems)) else {
            continue;
        };
        if !names.insert(witness.name.clone()) {
            let says = "stands in another entry too; every witness has a name of its own";
            problems.add(format!("{at}.name"), says);
        }
        if !keys.insert(witness.key.public().to_vec()) {
            let says = "stands in another entry too; one witness must not count twice";
            problems.add(format!("{at}.vkey"), says);
        }
        places.push(witness);
    }
    places
}

fn witness(
    config: &Config,
    section: &WitnessSection,
    (at, problems): (&str, &mut Problems),
) -> Option<WitnessPlace> {
    let name = problems.need(&format!("{at}.name"), section.name.clone());
    let name = name.filter(|name| {
        if !is_name(name) {
            let says = "must be 1 to 32 of a-z, 0-9 and `-`, and not `none` or `witnesses`";
            problems.add(format!("{at}.name"), says);
        }
        is_name(name)
    });
    let url = problems.need(&format!("{at}.url"), section.url.clone());
    let key = problems.need(&format!("{at}.vkey"), section.vkey.as_deref());
    let key = problems.keep(&format!("{at}.vkey"), VerifierKey::parse(key?))?;
    if key.kind() == KeyType::Ed25519 {
        let says = "is the key of a log; a witness publishes one that says so";
        problems.add(format!("{at}.vkey"), says);
    }
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    Some(WitnessPlace {
        name: name?,
        url: url?,
        key,
        roots: ca_file.map_or(Roots::System, Roots::File),
    })
}

/// A name that a policy can hold; `witnesses` is the group in ours.
fn is_name(name: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    (1..=32).contains(&name.len())
        && name.bytes().all(fits)
        && !["none", "witnesses"].contains(&name)
}
