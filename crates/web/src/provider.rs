//! Carriers that are reached by HTTPS: providers whose API has the shape of Twilio's Messages. Each message is
//! one request, on a connection that is kept between two; what became of it, and what handsets write, the provider posts to
//! the gateway (`callback`). What to send and what an answer means for a message is the engine's business;
//! see [`engine::ports::carrier`] for what is promised to it.

mod answer;
pub(crate) mod callback;
mod form;
mod line;
mod request;
pub(crate) mod seen;
mod standing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::message::CarrierName;
use engine::ports::Entropy;
use engine::ports::carrier::{Answer, BindId, CarrierEvents, Carriers, Submission};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::outgoing::{Place, Trust};
pub use callback::About;
use callback::Door;
use line::{Ends, Line, Run};
use request::Upstream;

pub use crate::outgoing::{KeptBounds, PlaceError, Roots, RootsError};
pub use crate::sim_swap::{Secret, SecretError};

/// One provider: who it is and how patient we are with it.
#[derive(Clone, Debug)]
pub struct ProviderPlan {
    /// The carrier's name.
    pub name: CarrierName,
    /// The URL before `/2010-04-01`.
    pub url: String,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// The account, which stands in the paths and in what the provider posts.
    pub account: String,
    /// The name that goes with the secret: the account's, or that of a key.
    pub user: String,
    /// The gateway's own URL, below which the provider posts.
    pub callback_url: String,
    /// How long each thing may take.
    pub timers: ProviderTimers,
    /// The connections that are kept.
    pub kept: KeptBounds,
}

/// How long each thing may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderTimers {
    /// Name, connection and TLS.
    pub connect: Duration,
    /// From the request to the last octet of the answer. Without one the message's fate is unknown.
    pub response: Duration,
    /// A provider is asked whether it is there after so long without any answer.
    pub probe: Duration,
    /// The pause before a provider that is away is asked again; doubles, up to the next.
    pub reconnect: Duration,
    /// The longest such pause.
    pub reconnect_max: Duration,
}

/// What is shown to a provider, and what it signs with.
#[derive(Clone, Debug)]
pub struct ProviderSecrets {
    /// The password of the account, or the secret of the key.
    pub secret: Secret,
    /// What the provider signs its posts with.
    pub callback: Secret,
}

/// Why there can be no provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The URL cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The authorities to trust cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// Account or user cannot stand in a path or a header.
    #[error("account and key are 1 to 64 letters and digits")]
    Account,
    /// The gateway's own URL cannot be posted to.
    #[error("the callback URL: {0}")]
    Callback(PlaceError),
}

/// Every provider. Made before the engine, which holds it as its way out, and started after it, because the
/// engine is also its way in.
pub struct Providers {
    lines: BTreeMap<CarrierName, Held>,
    stop: watch::Sender<Run>,
    waiting: Mutex<Vec<Line>>,
    tasks: Mutex<JoinSet<()>>,
    /// Whom to tell what became of messages that no task takes any more.
    events: Mutex<Option<Arc<dyn CarrierEvents>>>,
}

/// What is kept of one provider beside its task.
struct Held {
    queue: mpsc::UnboundedSender<Vec<Submission>>,
    upstream: Arc<Upstream>,
    door: Arc<Door>,
}

impl Providers {
    /// Checks the plans and reads what names authorities. Nothing is connected yet. `entropy` spreads the
    /// attempts to come back.
    pub fn new(
        plans: Vec<(ProviderPlan, ProviderSecrets)>,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, ProviderError> {
        let (stop, stopped) = watch::channel(Run::On);
        let mut lines = BTreeMap::new();
        let mut waiting = Vec::new();
        for (plan, secrets) in plans {
            let door = Arc::new(Door::new(&plan, &secrets)?);
            let upstream = Arc::new(Upstream::new(&plan, &secrets, door.status_url())?);
            // Unbounded, because its bound is the engine's promise: never more than a window.
            let (queue, submissions) = mpsc::unbounded_channel();
            let ends = Ends {
                submissions,
                stop: stopped.clone(),
            };
            let name = plan.name.clone();
            waiting.push(Line::new(
                plan,
                ends,
                Arc::clone(&upstream),
                Arc::clone(entropy),
            ));
            let held = Held {
                queue,
                upstream,
                door,
            };
            lines.insert(name, held);
        }
        Ok(Self {
            lines,
            stop,
            waiting: Mutex::new(waiting),
            tasks: Mutex::new(JoinSet::new()),
            events: Mutex::new(None),
        })
    }

    /// Whether a plan could be made to work.
    pub fn check(plan: &ProviderPlan, secrets: &ProviderSecrets) -> Result<(), ProviderError> {
        let door = Door::new(plan, secrets)?;
        Upstream::new(plan, secrets, door.status_url()).map(drop)
    }

    /// Whether a carrier is one of these.
    pub fn has(&self, carrier: &CarrierName) -> bool {
        self.lines.contains_key(carrier)
    }

    /// Starts one task for each provider on the present runtime; each tells `events` everything. Further calls
    /// do nothing.
    pub fn start(&self, events: &Arc<dyn CarrierEvents>) {
        let mut tasks = lock(&self.tasks);
        lock(&self.events).get_or_insert_with(|| Arc::clone(events));
        for line in std::mem::take(&mut *lock(&self.waiting)) {
            tasks.spawn(line.run(Arc::clone(events)));
        }
    }

    /// Ends gracefully: nothing new is taken, and answers that are on their way get `limit`. Returns when all
    /// have ended.
    pub async fn stop(&self, limit: Duration) {
        self.stop.send_replace(Run::Until(limit));
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }

    /// Shows other secrets from now on, and takes no signature under the former ones. Does nothing for a
    /// carrier that is none of these.
    pub fn renew(&self, carrier: &CarrierName, secrets: &ProviderSecrets) {
        if let Some(held) = self.lines.get(carrier) {
            held.upstream.renew(secrets);
            held.door.renew(secrets);
        }
    }

    /// Where a provider posts.
    pub(crate) fn door(&self, carrier: &str) -> Option<&Arc<Door>> {
        Some(&self.lines.get(&CarrierName::new(carrier))?.door)
    }
}

impl Carriers for Providers {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        let left = match self.lines.get(&bind.carrier) {
            Some(held) => held.queue.send(batch).err().map(|unsent| unsent.0),
            None => Some(batch),
        };
        // The process is stopping, or nobody knows the carrier. It must be known that nothing left.
        let (Some(unsent), Some(events)) = (left, lock(&self.events).clone()) else {
            return;
        };
        let answers = unsent
            .iter()
            .map(|submission| (submission.token, Answer::NotSent));
        events.answered(bind, answers.collect());
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lines.keys()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the provider is, and whom we believe to be it.
fn way(plan: &ProviderPlan) -> Result<(Place, Trust), ProviderError> {
    let place = Place::parse(&plan.url)?;
    let trust = Trust::of(&place, &plan.roots)?;
    Ok((place, trust))
}
