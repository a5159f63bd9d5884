//! One request to a gateway: over its socket when it runs, on its data folder when it does not. Both
//! ways take the same request and give the same answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::cli::Place;
use crate::config::environment::Overlay;
use crate::config::{self, Checked};
use crate::control::act::openings::Openings;
use crate::control::act::{Ground, act, ledger, openings, rebuild};
use crate::control::{Answer, Request, client};
use crate::exit::Failure;
use crate::folder::DataFolder;
use crate::process;
use crate::public_log::PublicLog;
use crate::wiring::{self, Opened};

/// Asks, and gives the result.
pub fn call(place: &Place, request: Request) -> Result<Value, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    result_of(runtime.block_on(ask(place, request))?)
}

fn result_of(answer: Answer) -> Result<Value, Failure> {
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

/// The configuration and folder of a gateway that must not be running.
pub fn stopped(place: &Place) -> Result<(Checked, DataFolder), Failure> {
    let (folder, checked) = located(place)?;
    let checked = checked.ok_or_else(|| not_running(&folder))?;
    if UnixStream::connect(folder.join("control.sock")).is_ok() {
        let says = format!("a gateway runs on {}; stop it first", folder.display());
        return Err(Failure::unavailable(says));
    }
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    Ok((checked, folder))
}

/// The ledger of a gateway that is not running.
pub fn offline_log(place: &Place) -> Result<PublicLog, Failure> {
    let (folder, checked) = located(place)?;
    let checked = checked.ok_or_else(|| not_running(&folder))?;
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    wiring::open_log(&checked, &folder)
}

/// Opens the store as a gateway without listeners and links, under its lock. What only reads the ledger
/// changes nothing in the folder.
async fn offline(checked: &Checked, request: Request) -> Result<Answer, Failure> {
    let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
    if let Request::LedgerProve { message } = request {
        let public = wiring::open_log(checked, &folder)?;
        return Ok(ledger::prove_message(Arc::new(public), message).await);
    }
    if matches!(request, Request::LedgerOpenings) {
        if !wiring::has_keys(checked, &folder) {
            let says = "the keys of the gateway are not here";
            return Ok(Answer::done(&Openings::unchecked(says)));
        }
        let (workshop, judge) = wiring::open_workshop(checked, &folder)?;
        return Ok(openings::offline(workshop.as_ref(), &judge));
    }
    if let Request::LedgerRebuild { to } = request {
        let (workshop, judge) = wiring::open_workshop(checked, &folder)?;
        return Ok(rebuild::offline(workshop.as_ref(), &judge, to.as_deref()));
    }
    let own = Own::open(checked, &folder)?;
    let answer = own.act(request).await;
    own.close().await?;
    Ok(answer)
}

/// A gateway without listeners and links, on its data folder.
struct Own {
    opened: Opened,
    ground: Ground,
    actor: String,
}

impl Own {
    fn open(checked: &Checked, folder: &DataFolder) -> Result<Self, Failure> {
        let opened = wiring::open(checked, folder, wiring::no_carriers())?;
        Ok(Self {
            ground: Ground::new(&opened),
            actor: process::user_name(process::own_uid()),
            opened,
        })
    }

    async fn act(&self, request: Request) -> Answer {
        act(self.ground.clone(), self.actor.clone(), request).await
    }

    async fn close(self) -> Result<(), Failure> {
        self.opened.gateway.stop().await;
        let signed = self.opened.sign().await;
        self.opened.close();
        signed
    }
}

/// Several requests one after the other, to the same gateway in the same way.
pub struct Conversation(Way);

enum Way {
    Socket(Box<BufReader<UnixStream>>),
    Own(Runtime, Box<Own>),
}

impl Conversation {
    /// With the gateway that runs, or on its data folder.
    pub fn begin(place: &Place) -> Result<Self, Failure> {
        let (folder, checked) = located(place)?;
        if let Ok(stream) = UnixStream::connect(folder.join("control.sock")) {
            return Ok(Self(Way::Socket(Box::new(BufReader::new(stream)))));
        }
        let checked = checked.ok_or_else(|| not_running(&folder))?;
        let folder = DataFolder::existing(&checked.data_folder).map_err(Failure::unavailable)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let own = runtime.block_on(async { Own::open(&checked, &folder) })?;
        Ok(Self(Way::Own(runtime, Box::new(own))))
    }

    /// Asks, and gives the result.
    pub fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Failure> {
        let answer = match &mut self.0 {
            Way::Socket(stream) => over(stream, &request)?,
            Way::Own(runtime, own) => runtime.block_on(own.act(request)),
        };
        let result = result_of(answer)?;
        serde_json::from_value(result).map_err(Failure::unavailable)
    }

    /// Ends it in good order.
    pub fn end(self) -> Result<(), Failure> {
        match self.0 {
            Way::Socket(_) => Ok(()),
            Way::Own(runtime, own) => runtime.block_on(own.close()),
        }
    }
}

fn over(stream: &mut BufReader<UnixStream>, request: &Request) -> anyhow::Result<Answer> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.get_mut().write_all(&line)?;
    let mut answer = String::new();
    let read = stream.read_line(&mut answer)?;
    anyhow::ensure!(read > 0, "the gateway ended the conversation");
    Ok(serde_json::from_str(&answer)?)
}
