//! The task that keeps the certificate fresh. It asks, keeps what it gets, puts it in force, and says what happened in
//! the log, the ledger and the metrics. It never ends by itself, and it ends nothing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::time::Timestamp;
use engine::ports::Clock as _;
use engine::{CertificateTold, Gateway};
use tls::{TlsError, TlsSlot};
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::sleep;
use web::acme::{AcmeClient, AcmeError, ExternalAccount, Responder, Wish};

use super::account::AccountFile;
use super::counts::Counts;
use super::kept::{CertificateFile, Known};
use super::made;
use super::schedule::{self, Chance, LOOK_EVERY};
use crate::clock::SystemClock;
use crate::config::checked::AcmePlan;
use crate::entropy;

/// The clock of the machine may be set: it is looked at again at least so often.
const LOOK_AT_CLOCK: Duration = Duration::from_mins(1);

/// What the task works with.
pub struct Parts {
    /// The gateway, whose ledger tells what happened.
    pub gateway: Arc<Gateway>,
    /// Where a certificate is put in force.
    pub slot: Arc<TlsSlot>,
    /// What is wanted.
    pub plan: AcmePlan,
    /// What ties the account to a customer.
    pub external: Option<ExternalAccount>,
    /// The key of the account.
    pub account: AccountFile,
    /// Where the certificate is kept.
    pub file: CertificateFile,
}

/// The task, and what ends it.
pub struct AcmeTask {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl AcmeTask {
    /// Begins. Gives what is counted too.
    pub fn start(parts: Parts) -> (Self, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        let (stop, stopped) = watch::channel(false);
        let keeper = Keeper {
            parts,
            counts: Arc::clone(&counts),
        };
        let task = tokio::spawn(keeper.run(stopped));
        (Self { stop, task }, counts)
    }

    /// Ends it. An order under way is left; the authority forgets it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ended = self.task.await;
    }
}

struct Keeper {
    parts: Parts,
    counts: Arc<Counts>,
}

/// Why there is no certificate.
enum Failed {
    ByAuthority(AcmeError),
    Here(anyhow::Error),
}

impl Failed {
    fn cause(&self) -> &'static str {
        match self {
            Self::ByAuthority(error) => error.cause().as_str(),
            Self::Here(_) => "here",
        }
    }

    fn says(&self) -> String {
        match self {
            Self::ByAuthority(error) => error.to_string(),
            Self::Here(error) => format!("{error:#}"),
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ByAuthority(error) => error.retry_after(),
            Self::Here(_) => None,
        }
    }
}

impl From<AcmeError> for Failed {
    fn from(error: AcmeError) -> Self {
        Self::ByAuthority(error)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Here(error)
    }
}

impl Keeper {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.keep() => {}
        }
        // Whoever looks at a name from now on has come too late.
        self.parts.slot.withdraw();
    }

    async fn keep(&self) {
        let mut due = self.first_due();
        loop {
            self.counts.due(due);
            self.awaited(due).await;
            due = match self.renew().await {
                Ok(known) => usual(&known),
                Err(failed) => self.failed(&failed),
            };
        }
    }

    /// At once without a certificate of these names, else when it is usual.
    fn first_due(&self) -> Timestamp {
        match self.parts.file.read() {
            Ok(Some((_, known))) if known.names == self.parts.plan.sorted() => usual(&known),
            Ok(_) => SystemClock.now(),
            Err(error) => {
                tracing::error!(%error, "the certificate that was obtained cannot be used; another is asked for");
                SystemClock.now()
            }
        }
    }

    /// Waits until then, or until the authority wants it earlier.
    async fn awaited(&self, mut due: Timestamp) {
        let mut looked: Option<Timestamp> = None;
        loop {
            let now = SystemClock.now();
            let left = due.since(now);
            if left.is_zero() {
                return;
            }
            if left > LOOK_EVERY && looked.is_none_or(|at| now.since(at) >= LOOK_EVERY) {
                looked = Some(now);
                if let Some(earlier) = self.wanted_earlier(due).await {
                    due = earlier;
                    self.counts.due(due);
                    continue;
                }
            }
            sleep(left.min(LOOK_AT_CLOCK)).await;
        }
    }

    /// When the authority wants the certificate to be renewed, if that is earlier. Whatever it does not say is no
    /// failure: the usual time stands.
    async fn wanted_earlier(&self, due: Timestamp) -> Option<Timestamp> {
        let (_, known) = self.parts.file.read().ok()??;
        let id = known.id.as_deref()?;
        let client = self.open().await.ok()?;
        let window = client.window(id).await.ok()??;
        let wanted = schedule::wanted(window, known.until, chance());
        (wanted < due).then(|| {
            tracing::info!(at = %wanted, "the authority wants the certificate to be renewed early");
            wanted
        })
    }

    async fn open(&self) -> Result<AcmeClient, Failed> {
        let plan = &self.parts.plan;
        let key = block_in_place(|| self.parts.account.key())?;
        let external = self.parts.external.as_ref();
        Ok(AcmeClient::open(&plan.place, key, &plan.contact, external).await?)
    }

    async fn renew(&self) -> Result<Known, Failed> {
        let plan = &self.parts.plan;
        let client = self.open().await?;
        let before = self.parts.file.read().ok().flatten();
        let replaces = before.and_then(|(_, known)| known.id);
        let request = made::request(&plan.names)?;
        let wish = Wish {
            names: &plan.names,
            request: &request.der,
            replaces: replaces.as_deref(),
        };
        let obtained = client.obtain(&wish, &Shown(&self.parts.slot)).await?;
        let known = self.take(&request.key, &obtained.chain)?;
        self.counts.obtained();
        tracing::info!(
            names = plan.names.join(" "), until = %known.until,
            "a certificate was obtained, and is shown to new connections"
        );
        self.parts.gateway.certificate_obtained(&CertificateTold {
            account: Some(client.account().url.clone()),
            authority: plan.place.directory.clone(),
            names: plan.names.clone(),
            sha256: known.sha256.clone(),
            from: known.from,
            until: known.until,
        });
        Ok(known)
    }

    /// Keeps a certificate and puts it in force. One that cannot be used replaces nothing.
    fn take(&self, key: &str, chain: &str) -> anyhow::Result<Known> {
        let known = Known::of(chain.as_bytes()).context("the authority gave no certificate")?;
        anyhow::ensure!(
            known.names == self.parts.plan.sorted(),
            "the authority gave a certificate of other names"
        );
        anyhow::ensure!(
            known.until > SystemClock.now(),
            "the authority gave a certificate that is over"
        );
        let pair = tls::Certificates::from_pem(chain.as_bytes(), key.as_bytes())?;
        let slot = &self.parts.slot;
        let prepared = slot
            .prepare_own(pair)
            .context("the certificate cannot be used")?;
        block_in_place(|| self.parts.file.replace(key, chain))?;
        slot.take(prepared);
        Ok(known)
    }

    fn failed(&self, failed: &Failed) -> Timestamp {
        let failures = self.counts.failed();
        let plan = &self.parts.plan;
        let pause = schedule::pause(plan.retry, failures, failed.retry_after(), chance());
        let next = SystemClock.now().saturating_add(pause);
        tracing::error!(
            names = plan.names.join(" "), cause = failed.cause(), %next, failures, says = failed.says(),
            "no certificate was obtained; the gateway serves on with the one it has, and tries again"
        );
        let gateway = &self.parts.gateway;
        gateway.certificate_failed(failed.cause(), &plan.place.directory, &plan.names);
        next
    }
}

/// Shows proofs over the listener.
struct Shown<'a>(&'a TlsSlot);

impl Responder for Shown<'_> {
    fn present(&self, name: &str, proof: [u8; 32]) -> Result<(), AcmeError> {
        let made = made::proof(name, proof);
        let made = made.map_err(|_| AcmeError::Unsound("no proof can be made for a name"))?;
        let shown = self.0.present(name, made);
        shown.map_err(|_: TlsError| AcmeError::Unsound("a proof for a name cannot be shown"))
    }

    fn withdraw(&self) {
        self.0.withdraw();
    }
}

fn chance() -> Chance {
    Chance::of(entropy::octets())
}

/// When a certificate is renewed by its own times.
fn usual(known: &Known) -> Timestamp {
    schedule::usual((known.from, known.until), chance())
}
