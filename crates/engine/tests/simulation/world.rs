//! The world of one seed: the gateway, the carriers, the handsets and the clients, and blind actions of
//! each. After every action every invariant is checked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use engine::ApiKey;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{BindId, Direction};
use engine::settings::Settings;
use testkit::ManualClock;
use testkit::entropy::Chance;
use testkit::settings::{backup, primary};

use super::super::Manner;
use super::audit::Audit;
use super::carrier::CarrierSide;
use super::clients::Clients;
use super::compare;
use super::handsets::Handsets;
use super::node::{Call, Node};
use super::plan;

/// Everything of one seed.
pub struct World {
    pub chance: Chance,
    pub settings: Settings,
    pub clock: Arc<ManualClock>,
    pub carrier: Arc<CarrierSide>,
    pub node: Node,
    pub key: ApiKey,
    pub clients: Clients,
    pub handsets: Handsets,
    pub audit: Audit,
    pub up: BTreeSet<BindId>,
    pub lives: u64,
    pub matcher: Option<Call<usize>>,
    pub seed: u64,
    manner: Manner,
}

/// Every bind there is.
pub fn binds() -> [BindId; 3] {
    [primary(0), primary(1), backup()]
}

impl World {
    /// A gateway that has just been started for the first time.
    pub fn new(seed: u64, manner: Manner) -> Self {
        let mut chance = Chance::new(seed);
        let settings = plan::settings(&mut chance);
        let clock = Arc::new(ManualClock::new());
        let carrier = CarrierSide::new(&settings, chance.next());
        let node = Node::start(None, &settings, &clock, &carrier, chance.next());
        let key = node.add_client();
        Self {
            chance,
            settings,
            clock,
            carrier,
            node,
            key,
            clients: Clients::default(),
            handsets: Handsets::default(),
            audit: Audit::default(),
            up: BTreeSet::new(),
            lives: 1,
            matcher: None,
            seed,
            manner,
        }
    }

    /// Says what happens, in a run that is looked at.
    pub fn note(&self, what: &str) {
        if self.manner == Manner::Telling {
            println!("seed {} at {}: {what}", self.seed, self.clock.peek());
        }
    }

    /// One blind action, and every invariant.
    pub fn step(&mut self) {
        self.act();
        self.check();
    }

    fn act(&mut self) {
        match self.chance.below(200) {
            0..34 => self.submit(),
            34..38 => self.submit_batch(),
            38..46 => self.cancel(),
            46..50 => self.change_opt_out(),
            50..53 => self.drop_a_call(),
            53..56 => self.read(),
            56..70 => self.handset_writes(),
            70..92 => self.carriers_answer(),
            92..108 => self.carriers_deliver(),
            108..126 => self.dispatch(),
            126..134 => self.keep_house(),
            134..138 => self.match_receipts(),
            138..154 => self.sync(),
            154..160 => self.persist(),
            160..166 => self.answer(),
            166..176 => self.bind_up(),
            176..180 => self.bind_down(),
            180..190 => self.let_time_pass(),
            190..192 => self.set_the_clock(),
            192..194 => self.crash(),
            194..196 => self.fail_the_store(),
            196 => self.rotate_the_keys(),
            _ => self.mend_the_store(),
        }
    }

    /// Every invariant that can be seen now.
    pub fn check(&mut self) {
        let latest = self.see_the_time();
        self.poll_calls();
        self.poll_matcher();
        let scope = self
            .settings
            .short_codes
            .values()
            .next()
            .unwrap()
            .opt_out_scope;
        self.node
            .store
            .with_image(|image| self.audit.read(image, scope, latest));
        compare::memory_is_the_durable_state(self);
    }

    fn dispatch(&mut self) {
        self.note("dispatch");
        self.node.command(engine::Gateway::dispatch);
    }

    pub fn keep_house(&mut self) {
        self.note("keep house");
        let now = self.clock.peek();
        match self.chance.below(4) {
            0 => {
                self.node.command(engine::Gateway::expire);
            }
            1 => {
                self.node.command(engine::Gateway::expire_parts);
            }
            2 => {
                self.node.command(|gateway| gateway.flush_counts(now));
            }
            _ => self.node.gateway.keep_house(now),
        }
    }

    /// Callbacks belong to commands that have read the clock already.
    fn without_reading_the_clock(&mut self, act: impl FnOnce(&Node)) {
        let before = self.clock.readings();
        act(&self.node);
        assert_eq!(self.clock.readings(), before, "a callback read the clock");
    }

    pub fn sync(&mut self) {
        self.note("sync");
        self.without_reading_the_clock(|node| {
            node.store.sync();
        });
    }

    fn persist(&mut self) {
        let most = usize::try_from(self.chance.below(4)).unwrap();
        self.note("persist some");
        self.without_reading_the_clock(|node| node.store.persist(most));
    }

    fn answer(&mut self) {
        let most = usize::try_from(self.chance.below(4)).unwrap();
        self.note("answer some");
        self.without_reading_the_clock(|node| {
            node.store.answer(most);
        });
    }

    fn bind_up(&mut self) {
        let bind = self.chance.pick(&binds()).clone();
        if self.up.contains(&bind) {
            return;
        }
        self.note(&format!("{bind:?} is up"));
        let directions = [Direction::Both, Direction::Both, Direction::Transmit];
        let direction = *self.chance.pick(&directions);
        self.node.command(|gateway| gateway.bound(&bind, direction));
        self.up.insert(bind);
    }

    fn bind_down(&mut self) {
        let bind = self.chance.pick(&binds()).clone();
        if !self.up.remove(&bind) {
            return;
        }
        self.note(&format!("{bind:?} is lost"));
        let answers_first = self.chance.happens(50);
        if answers_first {
            self.answer_lost(&bind);
        }
        self.node
            .command(|gateway| gateway.lost(&bind, "the connection was closed"));
        if !answers_first {
            self.answer_lost(&bind);
        }
    }

    fn answer_lost(&mut self, bind: &BindId) {
        let answers = self.carrier.seen().answers_of_lost(bind);
        if !answers.is_empty() {
            self.node.command(|gateway| gateway.answered(bind, answers));
        }
    }

    fn let_time_pass(&mut self) {
        let millis = *self.chance.pick(&[1, 50, 1_000, 5_000, 60_000, 600_000]);
        let millis = 1 + self.chance.below(millis);
        self.note(&format!("{millis} ms pass"));
        self.clock.advance(Duration::from_millis(millis));
    }

    fn set_the_clock(&mut self) {
        let hours = *self.chance.pick(&[1, 30, 400]);
        let by = Duration::from_mins(1 + self.chance.below(hours * 60));
        if self.chance.happens(50) {
            self.note(&format!("the clock is set forward by {by:?}"));
            self.clock.advance(by);
        } else {
            self.note(&format!("the clock is set back by {by:?}"));
            self.clock.set_back(by);
        }
    }
}
