//! The state as the ledger tells it against the state of the store. On a running gateway the look at its
//! ledger is recorded first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::ports::store::ReadError;
use engine::ports::{Shelf, View, Workshop};
use engine::rebuild::{Compared, Difference, Judge, compare, complete};
use engine::{Gateway, OpenError, StartError};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::control::message::Answer;

/// Differences told one by one; the others are counted. An answer is one line of the socket.
const DIFFERENCES_MAX: usize = 1_000;

/// What a rebuilding found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Entries folded.
    pub entries: u64,
    /// Rows of the store that were looked at.
    pub rows: u64,
    /// How many differences there are.
    pub differences: u64,
    /// The first of them, as [`Difference`].
    pub told: Vec<serde_json::Value>,
    /// The data folder that was made.
    pub folder: Option<PathBuf>,
}

/// On a running gateway.
pub async fn live(
    gateway: &Gateway,
    workshop: Arc<dyn Workshop>,
    actor: &str,
    to: Option<PathBuf>,
) -> Answer {
    if let Err(error) = gateway.begin_rebuild(actor).await {
        return Answer::unavailable(error);
    }
    let judge = gateway.judge();
    let work = move || rebuild(workshop.as_ref(), &judge, to.as_deref());
    match spawn_blocking(work).await {
        Ok(done) => answer(done),
        Err(error) => Answer::unavailable(error),
    }
}

/// On the data folder of one that does not run. Blocks.
pub fn offline(workshop: &dyn Workshop, judge: &Judge, to: Option<&Path>) -> Answer {
    answer(load(workshop, judge).and_then(|()| rebuild(workshop, judge, to)))
}

fn answer(done: Result<Rebuilt, ReadError>) -> Answer {
    match done {
        Ok(rebuilt) => Answer::done(&rebuilt),
        Err(error @ ReadError::Place(_)) => Answer::refused(error),
        Err(error) => Answer::unavailable(error),
    }
}

pub(super) fn load(workshop: &dyn Workshop, judge: &Judge) -> Result<(), ReadError> {
    workshop.with_view(&mut |view, _| {
        let loaded = judge.load(view.secrets()?, view.keks()?);
        let says = "the master key or the salt of the wrapping key does not belong to this data folder, or \
                    the folder is damaged";
        let says = |error| match error {
            OpenError::NoRoot => StartError::NoBlindRoot.to_string(),
            OpenError::NoKey | OpenError::Damaged => says.to_owned(),
        };
        loaded.map_err(|error| ReadError::Failed(says(error)))
    })
}

fn rebuild(
    workshop: &dyn Workshop,
    judge: &Judge,
    to: Option<&Path>,
) -> Result<Rebuilt, ReadError> {
    let mut rebuilt = Rebuilt::default();
    let mut look = |view: &dyn View, shelf: &mut dyn Shelf| {
        let mut told: Vec<serde_json::Value> = Vec::new();
        let mut tell = |difference: Difference| {
            if told.len() < DIFFERENCES_MAX {
                told.extend(serde_json::to_value(difference).ok());
            }
        };
        let compared = compare(view, shelf, judge, &mut tell)?;
        rebuilt = found(&compared, told);
        match to {
            Some(_) => complete(view, shelf, judge),
            None => Ok(()),
        }
    };
    match to {
        Some(to) => workshop.write_copy(to, &mut look)?,
        None => workshop.with_view(&mut look)?,
    }
    rebuilt.folder = to.map(Path::to_path_buf);
    Ok(rebuilt)
}

fn found(compared: &Compared, told: Vec<serde_json::Value>) -> Rebuilt {
    let rows = [
        compared.messages,
        compared.inbound,
        compared.opt_outs,
        compared.factors,
        compared.clients,
        compared.keys,
        compared.sealed,
    ];
    Rebuilt {
        entries: compared.entries,
        rows: rows.iter().sum(),
        differences: compared.differences,
        told,
        folder: None,
    }
}
