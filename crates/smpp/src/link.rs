//! Links to carriers: one task for each bind owns its socket and moves octets. What to send over
//! which bind, and what an answer means for a message, is the engine's business; see
//! [`engine::ports::carrier`] for what is promised to it.

mod backoff;
mod config;
mod connect;
mod ending;
mod inbound;
mod outbound;
mod password;
mod session;
mod task;
mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::ports::Entropy;
use engine::ports::carrier::{Answer, BindId, CarrierEvents, Carriers, Submission};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use connect::Dialer;
use task::{Ends, Link};

pub use backoff::Backoff;
pub use config::{Addressing, Endpoint, LinkConfig, Security, SettingError, Timers};
pub use connect::ConnectError;
pub use ending::Ending;
pub use password::Password;
pub use tls::{ClientCertificate, Roots, TlsConfigError, TlsOptions};

/// Why links cannot be made of their configuration.
#[derive(Debug, Error)]
pub enum LinkError {
    /// A value is out of its range.
    #[error("bind {index} of carrier {carrier}")]
    Setting {
        /// The carrier's name.
        carrier: String,
        /// The bind's place.
        index: u16,
        /// What is wrong.
        source: SettingError,
    },
    /// The TLS files cannot be used.
    #[error("TLS of bind {index} of carrier {carrier}")]
    Tls {
        /// The carrier's name.
        carrier: String,
        /// The bind's place.
        index: u16,
        /// What is wrong.
        source: TlsConfigError,
    },
    /// Two configurations name the same bind.
    #[error("bind {index} of carrier {carrier} is configured twice")]
    Twice {
        /// The carrier's name.
        carrier: String,
        /// The bind's place.
        index: u16,
    },
}

/// Every bind of every carrier. It is made before the engine, which holds it as its way out, and
/// started after it, because the engine is also its way in.
pub struct Links {
    binds: BTreeMap<BindId, Line>,
    stop: watch::Sender<Run>,
    waiting: Mutex<Vec<Link>>,
    tasks: Mutex<JoinSet<()>>,
    /// Whom to tell what became of segments that no task takes any more.
    events: Mutex<Option<Arc<dyn CarrierEvents>>>,
}

/// The two ends of a link that are not its own: what goes to it, and how it is.
struct Line {
    queue: mpsc::UnboundedSender<Vec<Submission>>,
    state: watch::Receiver<LinkState>,
}

/// How a link is, for people and health checks; the engine is told by events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// It is not bound yet.
    Connecting,
    /// It is bound.
    Bound,
    /// It is not bound, and will try again; why it last ended. The reason holds no contents.
    Down(String),
}

/// What links are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Keep the bind up.
    On,
    /// End gracefully, waiting at most so long for what is under way.
    Until(Duration),
}

impl Links {
    /// Checks the configurations and loads their TLS files. Nothing is connected yet. `entropy`
    /// spreads reconnects.
    pub fn new(configs: Vec<LinkConfig>, entropy: &Arc<dyn Entropy>) -> Result<Self, LinkError> {
        let (stop, stopped) = watch::channel(Run::On);
        let mut binds = BTreeMap::new();
        let mut waiting = Vec::new();
        for config in configs {
            let (carrier, index) = (config.bind.carrier.to_string(), config.bind.index);
            if let Err(source) = config.check() {
                return Err(LinkError::Setting {
                    carrier,
                    index,
                    source,
                });
            }
            let dialer = match Dialer::new(&config) {
                Ok(dialer) => dialer,
                Err(source) => {
                    return Err(LinkError::Tls {
                        carrier,
                        index,
                        source,
                    });
                }
            };
            // Unbounded, because its bound is the engine's promise: never more than a window.
            let (queue, submissions) = mpsc::unbounded_channel();
            let (report, state) = watch::channel(LinkState::Connecting);
            if binds
                .insert(config.bind.clone(), Line { queue, state })
                .is_some()
            {
                return Err(LinkError::Twice { carrier, index });
            }
            let ends = Ends {
                submissions,
                stop: stopped.clone(),
                report,
            };
            waiting.push(Link::new(config, dialer, ends, Arc::clone(entropy)));
        }
        Ok(Self {
            binds,
            stop,
            waiting: Mutex::new(waiting),
            tasks: Mutex::new(JoinSet::new()),
            events: Mutex::new(None),
        })
    }

    /// How a bind is, now and from now on; `None` when it is not configured.
    pub fn watch(&self, bind: &BindId) -> Option<watch::Receiver<LinkState>> {
        self.binds.get(bind).map(|line| line.state.clone())
    }

    /// Starts one task for each bind on the present runtime; each tells `events` everything. Further
    /// calls do nothing.
    pub fn start(&self, events: &Arc<dyn CarrierEvents>) {
        let mut tasks = lock(&self.tasks);
        lock(&self.events).get_or_insert_with(|| Arc::clone(events));
        for link in std::mem::take(&mut *lock(&self.waiting)) {
            tasks.spawn(link.run(Arc::clone(events)));
        }
    }

    /// Ends every bind gracefully: nothing new is taken, what is under way may take `limit`, then
    /// unbind. Returns when all have ended.
    pub async fn stop(&self, limit: Duration) {
        self.stop.send_replace(Run::Until(limit));
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carriers for Links {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        let left = match self.binds.get(bind) {
            Some(line) => line.queue.send(batch).err().map(|unsent| unsent.0),
            None => Some(batch),
        };
        // A bind that has ended, since the process is stopping, or one that is not configured.
        // Nothing of it left, and it must be known that nothing did.
        let (Some(unsent), Some(events)) = (left, lock(&self.events).clone()) else {
            return;
        };
        let answers = unsent
            .iter()
            .map(|submission| (submission.token, Answer::NotSent));
        events.answered(bind, answers.collect());
    }
}
