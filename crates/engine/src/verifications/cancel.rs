//! Taking a verification back, and taking back with its end what of its messages has not left.

use domain::id::VerificationId;
use domain::message::{Event, SegmentState};
use domain::verification::state::State as Standing;
use tokio::sync::oneshot;

use super::entries::{self, By};
use super::locks::Held;
use super::{CancelVerificationError, VerificationView};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::dispatch::ticket;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::state::State;
use crate::state::verifications::Live;

impl Gateway {
    /// Takes a verification back. Answers with it as it then is.
    pub async fn cancel_verification(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationView, CancelVerificationError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(CancelVerificationError::Unavailable);
        }
        let holder = self.holder_of(caller, id);
        let holder = holder.ok_or(CancelVerificationError::NotFound)?;
        let held = self.number_locks.hold(&holder).await;
        let (done, durable) = oneshot::channel();
        self.cancel_one(caller, id, (held, done))?;
        let cancelled = durable.await.ok().flatten();
        cancelled.ok_or(CancelVerificationError::Unavailable)
    }

    fn cancel_one(
        &self,
        caller: &Caller,
        id: VerificationId,
        (held, done): (Option<Held>, oneshot::Sender<Option<VerificationView>>),
    ) -> Result<(), CancelVerificationError> {
        let now = self.now();
        let mut state = self.state();
        let live = state.verifications.get(caller.client, id);
        let live = live.ok_or(CancelVerificationError::NotFound)?;
        let cancelled = live.verification.cancel(now);
        let cancelled = cancelled.map_err(|_| CancelVerificationError::NotFound)?;
        let (next, update) = live.moved(cancelled);
        let mut batch = Batch::new(now);
        batch.entry(entries::ended(
            By::Client(caller),
            &next,
            Standing::Cancelled,
        ));
        self.withdraw(&mut state, &mut batch, caller, &next);
        batch.write(Write::VerificationUpdate(Box::new(update)));
        let Some(changes) = batch.finish() else {
            return Err(CancelVerificationError::Unavailable);
        };
        self.commit(changes, move |gateway, result| {
            let view = result.map(|_| VerificationView::of_live(&next, now)).ok();
            if view.is_some() {
                let mut state = gateway.state();
                state.count_end(Standing::Cancelled);
                state.verifications.put(next);
            } else {
                gateway.turned_away(1);
            }
            drop(held);
            let _ = done.send(view);
        });
        Ok(())
    }

    /// Takes back the messages of a verification that ended, as far as they have not left: their code is
    /// good for nothing any more.
    #[expect(
        clippy::unused_self,
        reason = "it belongs to the commands that end one"
    )]
    pub(super) fn withdraw(
        &self,
        state: &mut State,
        batch: &mut Batch,
        caller: &Caller,
        ended: &Live,
    ) {
        for id in &ended.messages {
            let waits = state.messages.get(&id.sequence()).is_some_and(|open| {
                let mut segments = open.segments.iter();
                segments.all(|segment| {
                    segment.state() == SegmentState::Pending && !segment.may_have_left()
                })
            });
            if !waits {
                continue;
            }
            let Some(mut open) = state.messages.remove(&id.sequence()) else {
                continue;
            };
            open.apply_all(&Event::Cancelled, batch.at());
            let draft = crate::entries::cancelled(&open, &caller.client, &caller.source);
            batch.fact(draft, &mut open);
            state.queue.leave(ticket(&open));
            state.counters.add(Counter::Settled("cancelled"), 1);
        }
    }
}

impl State {
    /// Counts the end of a verification, if it is one.
    pub(super) fn count_end(&mut self, state: Standing) {
        if state != Standing::Pending {
            self.counters.add(Counter::Verifications(state.as_str()), 1);
        }
    }
}
