//! One request to a gateway: over its socket when it runs, on its data folder when it does not. Both
//! ways take the same request and give the same answer.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::Place;
use crate::config::environment::Overlay;
use crate::config::{self, Checked};
use crate::control::{Answer, Request, act::act, client};
use crate::exit::Failure;
use crate::folder::DataFolder;
use crate::process;
use crate::wiring;

/// Asks, and gives the result.
pub fn call(place: &Place, request: Request) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(ask(place, request))?;
    match answer {
        Answer::Done { result } => Ok(result),
        Answer::Refused { says } => Err(Failure::usage(says)),
        Answer::Unavailable { says } => Err(Failure::unavailable(says)),
    }
}

async fn ask(place: &Place, request: Request) -> Result<Answer, Failure> {
    let (folder, checked) = located(place)?;
    if let Some(answer) = client::ask(&folder.join("control.sock"), &request).await? {
        return Ok(answer);
    }
    match checked {
        Some(checked) => offline(&checked, request).await,
        None => Err(not_running(&folder)),
    }
}

fn not_running(folder: &Path) -> Failure {
    let folder = folder.display();
    Failure::unavailable(format!(
        "no gateway runs on {folder}; start it, or give --config FILE to work on its data folder"
    ))
}

fn located(place: &Place) -> Result<(PathBuf, Option<Checked>), Failure> {
    match (&place.config, &place.data) {
        (Some(file), _) => {
            let (_, checked) = config::load(file, Overlay::from_process())?;
            Ok((checked.data_folder.clone(), Some(checked)))
        }
        (None, Some(folder)) => Ok((folder.clone(), None)),
        (None, None) => Err(Failure::usage("give --config FILE or --data DIR")),
    }
}

/// Opens the store as a gateway without listeners and links, under its lock.
async fn offline(checked: &Checked, request: Request) -> Result<Answer, Failure> {
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    let opened = wiring::open(checked, &folder, wiring::no_carriers())?;
    let actor = process::user_name(process::own_uid());
    let answer = act(opened.gateway.clone(), actor, request).await;
    opened.gateway.stop().await;
    opened.close();
    Ok(answer)
}
