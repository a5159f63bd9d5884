//! One request to a gateway: over its socket when it runs, on its data folder when it does not. Both
//! ways take the same request and give the same answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cli::Place;
use crate::config::environment::Overlay;
use crate::config::{self, Checked};
use crate::control::act::{Ground, act, ledger};
use crate::control::{Answer, Request, client};
use crate::exit::Failure;
use crate::folder::DataFolder;
use crate::process;
use crate::public_log::PublicLog;
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

/// The socket of a gateway, whether one runs or not.
pub fn socket_of(place: &Place) -> Result<PathBuf, Failure> {
    Ok(located(place)?.0.join("control.sock"))
}

/// The ledger of a gateway that is not running.
pub fn offline_log(place: &Place) -> Result<PublicLog, Failure> {
    let (folder, checked) = located(place)?;
    let checked = checked.ok_or_else(|| not_running(&folder))?;
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    wiring::open_log(&checked, &folder)
}

/// Opens the store as a gateway without listeners and links, under its lock.
async fn offline(checked: &Checked, request: Request) -> Result<Answer, Failure> {
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    match request {
        Request::LedgerExport { to } => {
            let public = wiring::open_log(checked, &folder)?;
            return Ok(ledger::export_to(Arc::new(public), to).await);
        }
        Request::LedgerProve { message } => {
            let public = wiring::open_log(checked, &folder)?;
            return Ok(ledger::prove_message(Arc::new(public), message).await);
        }
        _ => {}
    }
    let opened = wiring::open(checked, &folder, wiring::no_carriers())?;
    let actor = process::user_name(process::own_uid());
    let ground = Ground {
        gateway: opened.gateway.clone(),
        public: opened.public.clone(),
    };
    let answer = act(ground, actor, request).await;
    opened.gateway.stop().await;
    let signed = opened.sign().await;
    opened.close();
    signed?;
    Ok(answer)
}
