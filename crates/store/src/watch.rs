//! The watch over the writer. A disk may hang instead of failing; then the watch answers in the
//! writer's place, so that nobody waits for a disk that may never come back. When it does come back,
//! what it brings is taken back: its callers were told that it is not durable.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::ports::storage::Failure;
use engine::ports::store::CommitError;

use crate::embedded::Shared;
use crate::group::{Answer, answer};

/// While the writer hangs, commits that come are answered within this time.
const STALLED_TICK: Duration = Duration::from_millis(20);

/// What the writer and the watch share.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Mutex<State>,
    wake: Condvar,
    /// Half of the longest time that the disk may take.
    tick: Duration,
}

struct State {
    /// Grows whenever the writer begins or ends to wait for the disk; odd while it waits.
    phase: u64,
    /// The answers that hang on the disk; `None` when the watch has given them.
    in_flight: Option<Vec<Answer>>,
    is_stopped: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State(phase {})", self.phase)
    }
}

impl Watch {
    /// A watch that allows the disk so much time.
    pub(crate) fn new(stall_max: Duration) -> Self {
        let state = State {
            phase: 0,
            in_flight: None,
            is_stopped: false,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            tick: stall_max / 2,
        }
    }

    /// The writer begins to wait for the disk; these answers depend on it.
    pub(crate) fn enter(&self, answers: Vec<Answer>) {
        let mut state = self.lock();
        state.phase += 1;
        state.in_flight = Some(answers);
    }

    /// The disk has answered. `None` when it took so long that the watch did.
    pub(crate) fn leave(&self) -> Option<Vec<Answer>> {
        let mut state = self.lock();
        state.phase += state.phase & 1;
        state.in_flight.take()
    }

    /// Ends the watch.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.wake.notify_all();
    }

    /// Waits, unless the watch ends; whether it goes on.
    fn pause(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self
            .wake
            .wait_timeout_while(state, time, |state| !state.is_stopped);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_stopped
    }

    /// The phase, while the writer waits for the disk.
    fn waiting_phase(&self) -> Option<u64> {
        let phase = self.lock().phase;
        (phase & 1 == 1).then_some(phase)
    }

    /// The answers in flight, if the writer still waits in this phase.
    fn take_over(&self, phase: u64) -> Option<Vec<Answer>> {
        let mut state = self.lock();
        if state.phase == phase {
            state.in_flight.take()
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's work.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut last = None;
    while shared.watch.pause(shared.watch.tick) {
        let phase = shared.watch.waiting_phase();
        if let Some(phase) = phase.filter(|_| last == phase) {
            answer_for_writer(shared, phase);
        }
        last = phase;
    }
}

/// Answers everything until the writer is back.
fn answer_for_writer(shared: &Shared, phase: u64) {
    let Some(answers) = shared.watch.take_over(phase) else {
        return;
    };
    shared.fail(Failure::Stalled);
    tracing::error!("the disk does not answer; the store takes nothing");
    for (done, _) in answers {
        answer(done, Err(CommitError::Poisoned));
    }
    while shared.watch.waiting_phase() == Some(phase) {
        for done in shared.queue.drain_commits() {
            answer(done, Err(CommitError::Poisoned));
        }
        if !shared.watch.pause(STALLED_TICK) {
            return;
        }
    }
}
