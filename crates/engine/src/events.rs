//! What carriers tell the gateway, sorted to the commands that deal with it.

use ledger::Kind;

use crate::batch::Batch;
use crate::entries;
use crate::gateway::Gateway;
use crate::ports::carrier::{Answer, BindId, CarrierEvents, Delivery, Direction, Token, Verdicts};
use crate::state::binds::Bind;

impl CarrierEvents for Gateway {
    fn bound(&self, bind: &BindId, direction: Direction) {
        let mut batch = Batch::new(self.now());
        batch.entry(entries::link(Kind::LinkBound, bind, ""));
        let mut state = self.state();
        let known = state.binds.entry(bind.clone()).or_insert_with(Bind::down);
        known.up = Some(direction);
        // What the bind carried in its former life is still answered, each segment once: until then
        // it keeps its place in the window.
        known.recovered();
        if let Some(changes) = batch.finish() {
            self.commit(changes, |_, _| {});
        }
        drop(state);
        self.wake.notify_one();
    }

    fn lost(&self, bind: &BindId, reason: &str) {
        let mut batch = Batch::new(self.now());
        batch.entry(entries::link(Kind::LinkLost, bind, reason));
        let mut state = self.state();
        state
            .binds
            .entry(bind.clone())
            .or_insert_with(Bind::down)
            .up = None;
        if let Some(changes) = batch.finish() {
            self.commit(changes, |_, _| {});
        }
        drop(state);
        // Messages may go another way now.
        self.wake.notify_one();
    }

    fn answered(&self, bind: &BindId, answers: Vec<(Token, Answer)>) {
        self.take_answers(bind, answers);
    }

    fn delivered(&self, bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        self.take_deliveries(bind, batch, verdicts);
    }
}
