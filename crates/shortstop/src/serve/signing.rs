//! The task that signs the ledger while the gateway serves. When the key must not sign any more, the
//! gateway ends: it would go on accepting what nobody could verify.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::guard::GuardError;
use engine::{Gateway, LedgerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::Failure;
use crate::public_log;

/// Between two attempts while the guard cannot be written, such as on a full disk.
const PAUSE: Duration = Duration::from_secs(1);
/// The last checkpoint waits no longer than this for witnesses and the disk; the next start makes it.
const LAST: Duration = Duration::from_secs(15);

/// The task and what ends it.
pub struct Signing {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl Signing {
    /// Begins to sign.
    pub fn start(gateway: Arc<Gateway>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = Some(tokio::spawn(sign(gateway, stopped)));
        Self { stop, task }
    }

    /// Waits until the key must not sign any more; for ever while all is well.
    pub async fn failed(&mut self) -> Failure {
        let Some(task) = self.task.as_mut() else {
            return pending().await;
        };
        let ended = task.await;
        self.task = None;
        let error = match ended {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => LedgerError::CutOff,
        };
        tracing::error!(%error, "the ledger must not be signed any more; the gateway ends");
        public_log::failure(&error)
    }

    /// Makes the last checkpoint and ends.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        let Some(task) = self.task else {
            return Ok(());
        };
        match tokio::time::timeout(LAST, task).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(public_log::failure(&error)),
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("the last checkpoint was not made; the next start makes it");
                Ok(())
            }
        }
    }
}

/// Signs until told to stop. A guard that cannot be written stops every signature by itself, so that
/// the gateway can wait until it can be.
async fn sign(gateway: Arc<Gateway>, stop: watch::Receiver<bool>) -> Result<(), LedgerError> {
    loop {
        let error = match Arc::clone(&gateway).run_checkpoints(stop.clone()).await {
            Err(LedgerError::Guard(GuardError::Failed(error))) => error,
            ended => return ended,
        };
        tracing::error!(%error, "nothing is signed while the guard of the log key cannot be used");
        if *stop.borrow() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
