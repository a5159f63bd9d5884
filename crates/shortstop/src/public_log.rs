//! The ledger of a data folder as a public log: its name and key, the guard of that key, its witnesses,
//! and the policy by which others may verify it. What may be signed is the engine's to decide.

pub mod export;
pub mod prove;
pub mod seals;
pub mod source;
pub mod span;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::ports::guard::GuardError;
use engine::ports::{Guard, Log, SecondKey};
use engine::{LedgerError, LedgerParts, Seat, WitnessPolicy};
use ledger::VerifierKey;
use store::{FileGuard, is_on_same_volume};
use web::witness::HttpWitness;

use crate::config::Checked;
use crate::config::checked::{GuardNeed, LedgerPlan, SecondLine, WitnessPlace};
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;
use crate::log_key::{self, LogKeyError, Wanted};
use crate::second_key::MlDsaKey;

/// What everybody may know of the log, and the log.
#[derive(Clone)]
pub struct PublicLog {
    /// The ledger.
    pub log: Arc<dyn Log>,
    /// The log's key; its name is the origin.
    pub vkey: VerifierKey,
    /// The policy by which the log wants to be judged (C2SP tlog-policy).
    pub policy: String,
    /// The file of its seals, which need not be there.
    pub seals: PathBuf,
}

impl PublicLog {
    /// The log of this key, and of a second one if it has one, with the witnesses that are configured.
    pub fn new(
        log: Arc<dyn Log>,
        (vkey, second): (VerifierKey, Option<VerifierKey>),
        (plan, seals): (&LedgerPlan, PathBuf),
    ) -> Self {
        let mut policy = policy(&vkey, plan);
        if let Some(second) = second {
            // A comment: with two lines either key would be enough, and not every reader knows its type.
            let _ = writeln!(policy, "# second key: log {second}");
        }
        Self {
            log,
            vkey,
            policy,
            seals,
        }
    }
}

/// Everything that signing takes, made or read. Blocks. It refuses a ledger that is smaller than what
/// was signed before anything is written to it.
pub fn parts(
    checked: &Checked,
    folder: &DataFolder,
    log: Arc<dyn Log>,
) -> Result<LedgerParts, Failure> {
    let plan = &checked.ledger;
    let wanted = Wanted {
        origin: plan.origin.as_ref(),
        key_file: plan.key_file.as_deref(),
        node: &checked.node,
        entries: log.size().map_err(|error| failure(&error.into()))?,
    };
    let signer = log_key::find(folder, wanted).map_err(key_failure)?;
    let second = second(plan, folder, signer.verifier_key())?;
    let guard = guard(plan, folder, log.as_ref())?;
    let witnesses = plan.witnesses.iter().map(seat).collect::<Result<_, _>>()?;
    Ok(LedgerParts {
        log,
        signer,
        second,
        guard: Arc::new(guard),
        witnesses,
        policy: plan.policy,
    })
}

/// A failure of the ledger: what needs a person ends with 1, what is not there with 3.
pub fn failure(error: &LedgerError) -> Failure {
    let exit = match error {
        LedgerError::Read(_) | LedgerError::Guard(GuardError::Failed(_)) => Exit::Unavailable,
        _ => Exit::CheckFailed,
    };
    let advice = match error {
        LedgerError::Guard(GuardError::RolledBack { .. } | GuardError::Forked { .. })
        | LedgerError::Ahead { .. } => {
            "; what to do is in docs/operations.md, \"When it does not start\""
        }
        _ => "",
    };
    let says = format!("the ledger must not be signed: {error}{advice}");
    Failure::new(exit, anyhow::anyhow!(says))
}

/// A failure of the log's key.
pub fn key_failure(error: LogKeyError) -> Failure {
    let exit = match &error {
        LogKeyError::OtherOrigin { .. } | LogKeyError::OtherKey(..) => Exit::CheckFailed,
        _ => Exit::Unavailable,
    };
    Failure::new(exit, error)
}

fn second(
    plan: &LedgerPlan,
    folder: &DataFolder,
    first: &VerifierKey,
) -> Result<Option<Arc<dyn SecondKey>>, Failure> {
    if plan.second_line == SecondLine::None {
        return Ok(None);
    }
    let key = MlDsaKey::find(folder, first.name()).map_err(key_failure)?;
    Ok(Some(Arc::new(key)))
}

fn guard(plan: &LedgerPlan, folder: &DataFolder, log: &dyn Log) -> Result<FileGuard, Failure> {
    let path: PathBuf = plan.guard_file.clone().unwrap_or_else(|| folder.guard());
    if is_on_same_volume(&path, folder.path()).unwrap_or(true) {
        tracing::warn!(
            path = %path.display(),
            "the guard of the log key lies on the data folder's volume: whoever puts an old copy of \
             that volume back is not found out; set ledger.guard_file to a path on another one"
        );
    }
    let guard = FileGuard::open(&path).map_err(|error| failure(&error.into()))?;
    let size = log.size().map_err(|error| failure(&error.into()))?;
    match guard.last().map_err(|error| failure(&error.into()))? {
        None if plan.guard == GuardNeed::Required && size > 0 => return Err(no_guard(&path)),
        Some(last) if last.size > size => {
            let signed = last.size;
            return Err(failure(&GuardError::RolledBack { signed, size }.into()));
        }
        None if log.latest().is_ok_and(|latest| latest.is_some()) => {
            tracing::warn!(
                path = %path.display(),
                "this ledger was signed before, but its guard is new: a ledger that was put back is \
                 not found out this time"
            );
        }
        _ => {}
    }
    Ok(guard)
}

fn no_guard(path: &Path) -> Failure {
    let says = format!(
        "the guard of the log key {} remembers nothing, but this ledger has entries, and \
         ledger.guard_required is true: put the guard back; if it is lost and you know that this is the \
         newest state, start once with guard_required = false",
        path.display()
    );
    Failure::new(Exit::CheckFailed, anyhow::anyhow!(says))
}

fn seat(place: &WitnessPlace) -> Result<Seat, Failure> {
    let witness = HttpWitness::new(&place.url, &place.roots);
    let witness = witness.map_err(|error| Failure::new(Exit::Unavailable, error))?;
    Ok(Seat {
        name: place.name.clone(),
        witness: Arc::new(witness),
        keys: vec![place.key.clone()],
    })
}

fn policy(vkey: &VerifierKey, plan: &LedgerPlan) -> String {
    let mut text = format!("log {vkey}\n");
    let mut names = String::new();
    for WitnessPlace { name, url, key, .. } in &plan.witnesses {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "witness {name} {key} {url}");
        let _ = write!(names, " {name}");
    }
    match plan.policy {
        WitnessPolicy::Required(least) => {
            let _ = writeln!(text, "group witnesses {least}{names}");
            text.push_str("quorum witnesses\n");
        }
        WitnessPolicy::BestEffort => text.push_str("quorum none\n"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::environment::Overlay;
    use ledger::note::signer::NoteSigner;
    use ledger::{KeyName, Policy};

    const WITNESS: &str = "[[witness]]\nname = 'w1'\nurl = 'http://127.0.0.1:1'\nvkey = 'witness.example/w1+aab2de37+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'\n";

    #[test]
    fn the_published_policy_is_one_and_asks_for_the_quorum() {
        let name = KeyName::parse("log.example").unwrap();
        let signer = NoteSigner::from_seed(name, &[7; 32]).unwrap();
        let of = |text: &str| {
            let config = Config::parse(text, Overlay::default()).unwrap();
            let checked = Checked::try_from(&config).unwrap();
            let text = policy(signer.verifier_key(), &checked.ledger);
            Policy::parse(text.as_bytes()).unwrap()
        };
        let none = of("");
        assert_eq!((none.logs().len(), none.needs_witness()), (1, false));
        let required = of(&format!("[ledger]\nwitness_policy = 'required'\n{WITNESS}"));
        assert_eq!(required.witnesses().len(), 1);
        assert!(required.needs_witness());
        assert!(!of(WITNESS).needs_witness(), "best effort asks nobody");
    }
}
