//! The streams of the configuration: each with the way to its receiver and its bookmark in the data folder.

use std::sync::Arc;

use engine::StreamParts;
use engine::ports::Log;
use ledger::siem::Producer;
use store::FileBookmark;
use web::siem::SyslogCollector;

use crate::config::Checked;
use crate::config::checked::StreamPlan;
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;

/// Every stream, for a log of this origin.
pub fn parts(
    checked: &Checked,
    folder: &DataFolder,
    log: &Arc<dyn Log>,
    origin: &str,
) -> Result<Vec<StreamParts>, Failure> {
    let plans = checked.streams.iter();
    plans
        .map(|plan| part(plan, folder, Arc::clone(log), origin))
        .collect()
}

fn part(
    plan: &StreamPlan,
    folder: &DataFolder,
    log: Arc<dyn Log>,
    origin: &str,
) -> Result<StreamParts, Failure> {
    let unusable = |error: anyhow::Error| {
        let says = format!("the stream `{}`", plan.name);
        Failure::new(Exit::Unavailable, error.context(says))
    };
    let collector = SyslogCollector::new(plan.place.clone(), &plan.way);
    let bookmark = FileBookmark::new(folder.bookmark(&plan.name));
    Ok(StreamParts {
        name: plan.name.clone(),
        log,
        collector: Arc::new(collector.map_err(|error| unusable(error.into()))?),
        bookmark: Arc::new(bookmark.map_err(|error| unusable(error.into()))?),
        format: plan.format,
        producer: Producer {
            log: origin.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        from: plan.from,
        limits: plan.limits,
    })
}
