//! A whole gateway over fakes, with the roles that a test speaks in: a client with a key, and an
//! anonymous caller without one.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use domain::class::TrafficClass;
use domain::msisdn::Msisdn;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{BindId, Direction};
use engine::rows::{AuthMode, ClientRow};
use engine::{
    ApiKey, Caller, Gateway, MasterKey, NewClient, Parts, RotateError, Rotated, Rotation, Scope,
    Settings, StartError, SubmitRequest,
};

use crate::carriers::RecordingCarriers;
use crate::clock::ManualClock;
use crate::counts::MemoryCounts;
use crate::entropy::SeededEntropy;
use crate::keyring::MemoryKeyring;
use crate::memory::{Image, MemoryStore, node};
use crate::settings;

/// Where every caller of a test calls from.
pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How often a future may be polled, with a sync in between, before a test gives it up as hanging.
const POLLS_MAX: usize = 1_000_000;

/// A gateway and the fakes that it stands on.
#[derive(Debug)]
pub struct TestGateway {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Its store.
    pub store: Arc<MemoryStore>,
    /// What it handed to carriers.
    pub carriers: Arc<RecordingCarriers>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The salt of its wrapping key.
    pub keyring: MemoryKeyring,
    /// What its limits counted, as far as that was kept.
    pub counts: MemoryCounts,
    /// The key of the client that may do everything under 12345.
    pub key: ApiKey,
}

impl TestGateway {
    /// Over a store whose commits wait for [`MemoryStore::sync`], with the usual settings.
    pub fn queued() -> Self {
        Self::queued_with(settings::usual())
    }

    /// The same with other settings.
    pub fn queued_with(settings: Settings) -> Self {
        Self::over(MemoryStore::new(), settings)
    }

    /// Over a store that commits at once, from a thread of its own: for tests of the edges.
    pub fn immediate() -> Self {
        Self::immediate_with(settings::usual())
    }

    /// The same with other settings.
    pub fn immediate_with(settings: Settings) -> Self {
        Self::over(MemoryStore::immediate(), settings)
    }

    /// Over an empty store. Adds the client that may do everything.
    pub fn over(store: MemoryStore, settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new());
        let keyring = MemoryKeyring::default();
        let mut started = Self::start((store, keyring), settings, clock, 1);
        let (_, key) = started.add_client(everything("everything"));
        started.key = key;
        started
    }

    /// Starts a gateway over a store that may hold something, with a clock that goes on and chance of
    /// its own. The key is of no client until the caller sets it.
    pub fn start(
        kept: (MemoryStore, MemoryKeyring),
        settings: Settings,
        clock: Arc<ManualClock>,
        seed: u64,
    ) -> Self {
        Self::try_start(kept, settings, clock, (master(), seed)).expect("it starts")
    }

    /// The same under a master key that may be the wrong one.
    pub fn try_start(
        (store, keyring): (MemoryStore, MemoryKeyring),
        settings: Settings,
        clock: Arc<ManualClock>,
        secrets: (MasterKey, u64),
    ) -> Result<Self, StartError> {
        let kept = (store, keyring, MemoryCounts::default());
        Self::try_start_with(kept, settings, clock, secrets)
    }

    /// The same with counts that were kept.
    pub fn try_start_with(
        (store, keyring, counts): (MemoryStore, MemoryKeyring, MemoryCounts),
        settings: Settings,
        clock: Arc<ManualClock>,
        (master, seed): (MasterKey, u64),
    ) -> Result<Self, StartError> {
        let store = Arc::new(store);
        let carriers = Arc::new(RecordingCarriers::new());
        let parts = Parts {
            store: store.clone(),
            carriers: carriers.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            master,
            keyring: Arc::new(keyring.clone()),
            counts: Arc::new(counts.clone()),
            node: node(),
            settings,
        };
        let gateway = store.inline(|| Gateway::start(parts))?;
        Ok(Self {
            gateway,
            store,
            carriers,
            clock,
            keyring,
            counts,
            key: unknown_key(),
        })
    }

    /// The process dies and a new one starts over what is durable. Binds are down again.
    pub fn crash_and_restart(self, settings: Settings, seed: u64) -> Self {
        let image = self.store.crash();
        self.restart_over(image, settings, seed)
    }

    /// A new process starts over an image. Binds are down again.
    pub fn restart_over(self, image: Image, settings: Settings, seed: u64) -> Self {
        let store = MemoryStore::open(image);
        let kept = (store, self.keyring.clone(), self.counts.clone());
        let key = self.key.clone();
        let clock = Arc::clone(&self.clock);
        let started = Self::try_start_with(kept, settings, clock, (master(), seed));
        let started = started.expect("it starts");
        Self { key, ..started }
    }

    /// The client that may do everything under 12345, authenticated.
    pub fn caller(&self) -> Caller {
        self.caller_with(&self.key)
    }

    /// Whoever has this key, authenticated.
    pub fn caller_with(&self, key: &ApiKey) -> Caller {
        self.gateway
            .authenticate(key.reveal(), HOME)
            .expect("the key is known")
    }

    /// Adds a client.
    pub fn add_client(&self, new: NewClient) -> (ClientRow, ApiKey) {
        self.settle(self.gateway.add_client("tester", new))
            .expect("a client can be added")
    }

    /// Waits for an answer, syncing the store as often as it takes.
    pub fn settle<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        for _ in 0..POLLS_MAX {
            if let Some(value) = poll_once(answer.as_mut()) {
                return value;
            }
            self.store.sync();
            std::thread::yield_now();
        }
        panic!("a future hangs");
    }

    /// Does something that blocks, syncing the store as often as it takes.
    pub fn blocking<T: Send>(&self, act: impl FnOnce(&Gateway) -> T + Send) -> T {
        std::thread::scope(|scope| {
            let acting = scope.spawn(|| act(&self.gateway));
            while !acting.is_finished() {
                self.store.sync();
                std::thread::yield_now();
            }
            acting.join().expect("it does not panic")
        })
    }

    /// Replaces keys.
    pub fn rotate(&self, why: &Rotation<'_>) -> Result<Rotated, RotateError> {
        self.blocking(|gateway| gateway.rotate_wrapping(why))
    }

    /// Looks whether keys are due.
    pub fn keep_keys(&self) {
        self.blocking(Gateway::keep_keys);
    }

    /// A bind comes up.
    pub fn bound(&self, bind: &BindId) {
        self.gateway.bound(bind, Direction::Both);
    }

    /// Every bind comes up, and that is durable.
    pub fn bind_all(&self) {
        for bind in [
            settings::primary(0),
            settings::primary(1),
            settings::backup(),
        ] {
            self.bound(&bind);
        }
        self.store.sync();
    }
}

/// Polls a future once; what it gives if it is ready.
pub fn poll_once<T>(future: std::pin::Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match future.poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// The master key of every test store.
pub const fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

/// A key of the right form that nobody was given.
pub fn unknown_key() -> ApiKey {
    ApiKey::from_octets([0xee; 32])
}

/// A client that may do everything under 12345.
pub fn everything(name: &str) -> NewClient {
    NewClient {
        name: name.to_owned(),
        scopes: Scope::ALL.to_vec(),
        short_codes: vec![settings::short_code()],
        classes: TrafficClass::ALL.into_iter().collect(),
        networks: Vec::new(),
        auth: AuthMode::Key,
        certificates: Vec::new(),
        certificate_names: Vec::new(),
        key_expires: None,
    }
}

/// A handset: one of a thousand numbers kept free for examples.
pub fn handset(number: u16) -> Msisdn {
    let digits = 447_700_900_000 + u64::from(number % 1_000);
    Msisdn::from_digits(digits).expect("an example number")
}

/// A request from 12345 to a handset.
pub fn request(to: Msisdn, class: TrafficClass, text: &str) -> SubmitRequest {
    SubmitRequest {
        to,
        from: settings::short_code(),
        text: settings::text(text),
        class,
        reference: None,
        campaign: None,
        valid_for: None,
        risk: None,
        callback: None,
    }
}
