//! Cancel: takes a message back as long as no segment of it may have left.

use domain::id::MessageId;
use domain::message::{Event, MessageState, SegmentState};
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::client::Caller;
use crate::dispatch::ticket;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::queries::{LookupError, MessageView};

/// Why a message is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// This client has no such message.
    #[error("no such message")]
    NotFound,
    /// A segment may have left, or the message is settled.
    #[error("the message is {0} already")]
    TooLate(MessageState),
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl From<LookupError> for CancelError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotFound => Self::NotFound,
            LookupError::Unavailable => Self::Unavailable,
        }
    }
}

impl Gateway {
    /// Takes a message back. Answers with the message as it then is.
    pub async fn cancel(&self, caller: &Caller, id: MessageId) -> Result<MessageView, CancelError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(CancelError::Unavailable);
        }
        let (done, durable) = oneshot::channel();
        if self.cancel_waiting(caller, id, done) {
            match durable.await {
                Ok(true) => {}
                _ => return Err(CancelError::Unavailable),
            }
            return Ok(self.look_at(caller, id).await?);
        }
        let view = self.look_at(caller, id).await?;
        Err(CancelError::TooLate(view.state))
    }

    /// Cancels a message in memory; `false` when there is none that waits whole.
    fn cancel_waiting(&self, caller: &Caller, id: MessageId, done: oneshot::Sender<bool>) -> bool {
        let now = self.now();
        let mut batch = Batch::new(now);
        let mut state = self.state();
        let waits = state.messages.get(&id.sequence()).is_some_and(|open| {
            open.id == id
                && open.client == Some(caller.client)
                && open
                    .segments
                    .iter()
                    .all(|s| s.state() == SegmentState::Pending && !s.may_have_left())
        });
        if !waits {
            return false;
        }
        let Some(mut open) = state.messages.remove(&id.sequence()) else {
            return false;
        };
        open.apply_all(&Event::Cancelled, now);
        batch.fact(
            entries::cancelled(&open, &caller.client, &caller.source),
            &mut open,
        );
        state.queue.leave(ticket(&open));
        state.counters.add(Counter::Settled("cancelled"), 1);
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_err() {
                    gateway.turned_away(1);
                }
                let _ = done.send(result.is_ok());
            });
        }
        true
    }
}
