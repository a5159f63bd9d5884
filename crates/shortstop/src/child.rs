//! A gateway as a child process of its own, as the demo and the crash tests run it: only a real process
//! can really be killed.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::ready::Ready;

/// A gateway that is not ready after this is broken.
const START: Duration = Duration::from_mins(1);

/// A gateway that has not ended this long after SIGTERM is broken.
const STOP: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub program: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// Where its log goes; appended to.
    pub log: PathBuf,
}

/// A running gateway. It is killed when it is dropped.
#[derive(Debug)]
pub struct GatewayProcess {
    child: Child,
    ready: Ready,
    /// Kept open, so that the gateway never writes to a closed pipe.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl GatewayProcess {
    /// Starts a gateway and waits until it is ready.
    pub async fn start(launch: &Launch) -> anyhow::Result<Self> {
        let mut options = std::fs::OpenOptions::new();
        let log = options.create(true).append(true).open(&launch.log)?;
        let mut child = Command::new(&launch.program)
            .args(["serve", "--json", "--end-with-parent", "--config"])
            .arg(&launch.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", launch.program.display()))?;
        let stdout = child.stdout.take().context("the gateway has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START, lines.next_line()).await;
        let line = line.context("the gateway was not ready in time")??;
        let ready = line.as_deref().map(serde_json::from_str::<Ready>);
        if let Some(Ok(ready)) = ready {
            return Ok(Self {
                child,
                ready,
                _lines: lines,
            });
        }
        let said = line.unwrap_or_default();
        let log = tail(&launch.log);
        anyhow::bail!("the gateway did not start: {said}\n{log}")
    }

    /// Where everything is.
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// `kill -9`: it gets no chance to do anything.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("the gateway has ended")?;
        let id = Pid::from_raw(i32::try_from(id)?).context("no process id")?;
        kill_process(id, signal)?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let ended = tokio::time::timeout(STOP, self.child.wait()).await;
        Ok(ended.context("the gateway did not stop in time")??)
    }

    /// Waits for its end, whatever brings it.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
