//! How a message that was submitted is answered: once its commit is known, or with what its idempotency
//! key brought up.

use domain::id::MessageId;
use domain::twilio::Taking;
use tokio::sync::oneshot;

use super::{Replay, SubmitError, Submitted};
use crate::client::Caller;
use crate::doors::Passage;
use crate::gateway::Gateway;

/// Where the answer goes, and the client's place on the way to the disk until it does.
pub(super) struct Reply {
    pub(super) to: oneshot::Sender<Result<Submitted, SubmitError>>,
    _passage: Option<Passage>,
}

impl Gateway {
    /// Waits until the client may send one more on its way.
    pub(super) async fn reply(
        &self,
        caller: &Caller,
    ) -> (Reply, oneshot::Receiver<Result<Submitted, SubmitError>>) {
        let most = self.settings().fairness.commits_max;
        let passage = self.doors.enter(caller.client, most).await;
        let (to, answer) = oneshot::channel();
        let reply = Reply {
            to,
            _passage: passage,
        };
        (reply, answer)
    }

    /// The first answer to a request that is repeated.
    pub(super) async fn repeat(&self, id: MessageId) -> Result<Submitted, SubmitError> {
        let row = self
            .store
            .message(id)
            .await
            .map_err(|error| self.unread(error))
            .map_err(|_| SubmitError::Unavailable)?;
        let (row, _) = row.ok_or(SubmitError::Unavailable)?;
        Ok(Submitted {
            id: row.id,
            state: row.state,
            taking: Taking::of(row.state, &row.segments),
            encoding: row.head.encoding,
            segments: u8::try_from(row.segments.len()).unwrap_or(u8::MAX),
            created: row.created,
            expires: row.expires,
            replayed: Replay::Repeated,
            limit: None,
        })
    }
}
