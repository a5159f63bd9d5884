//! Every commitment of the ledger against the vault, by the gateway's own keys. What is opened is shown to
//! nobody.

use std::sync::Arc;

use engine::ports::Workshop;
use engine::ports::store::ReadError;
use engine::rebuild::Judge;
use engine::{Gateway, OpeningsChecked, check_openings};
use ledger::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::rebuild::load;
use crate::control::message::Answer;

/// Faults told one by one; the others are counted. An answer is one line of the socket.
const FAULTS_MAX: usize = 1_000;

/// What was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Openings {
    /// Entries looked at.
    pub entries: u64,
    /// Commitments among them.
    pub commitments: u64,
    /// How many faults there are.
    pub faults: u64,
    /// The first of them, by index.
    pub told: Vec<FaultTold>,
    /// Why nothing was looked at, where no keys are.
    pub unchecked: Option<String>,
}

impl Openings {
    /// The vault is there and says nothing, because of this.
    pub fn unreadable(detail: &dyn std::fmt::Display) -> Self {
        let told = FaultTold {
            index: None,
            kind: FaultKind::VaultUnreadable.to_string(),
            detail: detail.to_string(),
        };
        Self {
            faults: 1,
            told: vec![told],
            ..Self::default()
        }
    }

    /// Nobody can look at the vault here.
    pub fn unchecked(says: &str) -> Self {
        Self {
            unchecked: Some(says.to_owned()),
            ..Self::default()
        }
    }

    /// Whether the vault could not be read at all.
    pub fn is_unreadable(&self) -> bool {
        let kind = FaultKind::VaultUnreadable.to_string();
        self.told.iter().any(|fault| fault.kind == kind)
    }
}

/// A fault on its way over the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultTold {
    /// The index of the entry that it is about.
    pub index: Option<u64>,
    /// Its kind.
    pub kind: String,
    /// Particulars.
    pub detail: String,
}

impl From<Fault> for FaultTold {
    fn from(fault: Fault) -> Self {
        Self {
            index: fault.index,
            kind: fault.kind.to_string(),
            detail: fault.detail,
        }
    }
}

/// On a running gateway.
pub async fn live(gateway: &Gateway, workshop: Arc<dyn Workshop>) -> Answer {
    let judge = gateway.judge();
    match spawn_blocking(move || check(workshop.as_ref(), &judge)).await {
        Ok(done) => answer(done),
        Err(error) => Answer::unavailable(error),
    }
}

/// On the data folder of one that does not run. Blocks.
pub fn offline(workshop: &dyn Workshop, judge: &Judge) -> Answer {
    match load(workshop, judge) {
        Ok(()) => answer(check(workshop, judge)),
        Err(ReadError::Failed(says)) => Answer::done(&Openings::unreadable(&says)),
        Err(error) => Answer::unavailable(error),
    }
}

fn answer(done: Result<Openings, ReadError>) -> Answer {
    match done {
        Ok(openings) => Answer::done(&openings),
        Err(error) => Answer::unavailable(error),
    }
}

fn check(workshop: &dyn Workshop, judge: &Judge) -> Result<Openings, ReadError> {
    let (mut checked, mut told) = (OpeningsChecked::default(), Vec::new());
    workshop.with_view(&mut |view, _| {
        let mut tell = |fault: Fault| {
            if told.len() < FAULTS_MAX {
                told.push(FaultTold::from(fault));
            }
        };
        checked = check_openings(view, judge, &mut tell)?;
        Ok(())
    })?;
    told.sort_by_key(|fault| fault.index);
    Ok(Openings {
        entries: checked.entries,
        commitments: checked.commitments,
        faults: checked.faults,
        told,
        unchecked: None,
    })
}
