//! Pruning of the ledger, done or only told.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Pruning;
use engine::{Gateway, Least, Prune, PruneError, Pruned};
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::control::message::{Answer, Insistence, Manner};

const DAY: u64 = 86_400;

/// What is asked of the engine.
pub fn asked(keep_days: u32, below_a_year: Insistence) -> Prune {
    Prune {
        keep: Duration::from_secs(u64::from(keep_days) * DAY),
        least: match below_a_year {
            Insistence::None => Least::Year,
            Insistence::Insists => Least::ThreeMonths,
        },
    }
}

/// Prunes, or tells what would go.
pub async fn prune(
    (gateway, store): (&Arc<Gateway>, Arc<dyn Pruning>),
    actor: &str,
    asked: Prune,
    manner: Manner,
) -> Answer {
    let done = match manner {
        Manner::Real => gateway.prune_ledger(actor, store, asked).await,
        Manner::DryRun => {
            let gateway = Arc::clone(gateway);
            let planned = spawn_blocking(move || gateway.plan_pruning(store.as_ref(), asked)).await;
            match planned {
                Ok(planned) => planned,
                Err(error) => return Answer::unavailable(error),
            }
        }
    };
    match done {
        Ok(pruned) => answer(&pruned, manner),
        Err(error @ (PruneError::ThreeMonths | PruneError::Year)) => Answer::refused(error),
        Err(error) => Answer::unavailable(error),
    }
}

fn answer(pruned: &Pruned, manner: Manner) -> Answer {
    Answer::done(&json!({
        "minimum_index": pruned.minimum,
        "entries": pruned.entries,
        "snapshot": pruned.snapshot,
        "manner": manner,
    }))
}
