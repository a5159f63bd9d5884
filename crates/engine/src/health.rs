//! How the gateway fares, for the readiness probe and the person at 3 a.m.

use domain::class::TrafficClass;

use crate::gateway::Gateway;
use crate::ports::carrier::BindId;

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// How the gateway fares.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether the store takes commits.
    pub store: Condition,
    /// Whether there is room for new messages.
    pub room: Condition,
    /// Each bind that was ever up.
    pub binds: Vec<(BindId, Condition)>,
    /// Messages that wait, by [`TrafficClass::index`].
    pub queue: [usize; 3],
    /// How many may wait, by [`TrafficClass::index`].
    pub queue_max: [usize; 3],
}

impl Health {
    /// Whether requests can be accepted. A carrier that is away does not matter: messages wait.
    pub fn is_ready(&self) -> bool {
        self.store == Condition::Up && self.room == Condition::Up
    }
}

impl Gateway {
    /// How the gateway fares now.
    pub fn health(&self) -> Health {
        let queue_max = self.settings().bounds.queue_max;
        let state = self.state();
        let condition = |up: bool| if up { Condition::Up } else { Condition::Down };
        let binds = state
            .binds
            .iter()
            .map(|(id, bind)| (id.clone(), condition(bind.up.is_some())));
        Health {
            store: condition(self.is_open()),
            room: condition(!self.is_short_of_room()),
            binds: binds.collect(),
            queue: TrafficClass::ALL.map(|class| state.queue.waiting(class)),
            queue_max,
        }
    }
}
