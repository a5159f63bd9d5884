//! The gateway's process: started, crashed and started again over what was durable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine::settings::Settings;
use engine::{ApiKey, Caller, Gateway, Parts};
use testkit::gateway::{HOME, everything, master, poll_once};
use testkit::memory::node;
use testkit::{Image, ManualClock, MemoryCounts, MemoryKeyring, MemoryStore, SeededEntropy};

use super::carrier::CarrierSide;

/// A future of a client's, which may outlive its interest.
pub type Call<T> = Pin<Box<dyn Future<Output = T>>>;

/// One life of the gateway's process.
pub struct Node {
    pub gateway: Arc<Gateway>,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<ManualClock>,
    pub keyring: MemoryKeyring,
}

impl Node {
    /// Starts over an image.
    pub fn start(
        kept: Option<(Image, MemoryKeyring)>,
        settings: &Settings,
        clock: &Arc<ManualClock>,
        carrier: &Arc<CarrierSide>,
        seed: u64,
    ) -> Self {
        let (image, keyring) = kept.unzip();
        let store = Arc::new(image.map_or_else(MemoryStore::new, MemoryStore::open));
        let keyring = keyring.unwrap_or_default();
        carrier.serve(&store);
        let parts = Parts {
            store: store.clone(),
            carriers: carrier.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            master: master(),
            keyring: Arc::new(keyring.clone()),
            counts: Arc::new(MemoryCounts::default()),
            node: node(),
            settings: settings.clone(),
        };
        let gateway = store.inline(|| Gateway::start(parts)).expect("it starts");
        Self {
            gateway,
            store,
            clock: Arc::clone(clock),
            keyring,
        }
    }

    /// Adds the one client of the simulation.
    pub fn add_client(&self) -> ApiKey {
        let adding = self.gateway.add_client("simulation", everything("client"));
        let mut adding = Box::pin(adding);
        assert!(poll_once(adding.as_mut()).is_none());
        self.store.sync();
        poll_once(adding.as_mut()).unwrap().unwrap().1
    }

    /// The client, authenticated.
    pub fn caller(&self, key: &ApiKey) -> Caller {
        self.gateway
            .authenticate(key.reveal(), HOME)
            .expect("it is known")
    }

    /// Does something as one command, which must read the clock once, or not at all when it is refused.
    pub fn command<T>(&self, act: impl FnOnce(&Gateway) -> T) -> T {
        let before = self.clock.readings();
        let value = act(&self.gateway);
        let read = self.clock.readings() - before;
        assert!(read <= 1, "one command read the clock {read} times");
        value
    }
}
