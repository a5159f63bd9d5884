//! The read-then-write check, for the test that shows what it lets through. No build that ships has it:
//! it holds no lock from reading to writing.

use domain::id::VerificationId;
use domain::verification::state::Verification;
use tokio::sync::oneshot;

use super::check::{CheckAnswer, CheckError, CheckRequest};
use super::entries::By;
use crate::batch::Batch;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::state::verifications::{Holder, Live};

impl Gateway {
    /// Reads the verification as it is stored, evaluates, and writes.
    pub(super) async fn check_racily(
        &self,
        caller: &Caller,
        id: VerificationId,
        holder: Holder,
        request: &CheckRequest,
    ) -> Result<CheckAnswer, CheckError> {
        let read = self.store.verification(id).await;
        let row = read.map_err(|_| CheckError::Unavailable)?;
        let row = row.ok_or(CheckError::NotFound)?;
        let secret = self.open_code(&row).ok_or(CheckError::NotFound)?;
        let verification = secret.verification(&row).ok_or(CheckError::NotFound)?;
        tokio::task::yield_now().await;
        let (reply, answer) = oneshot::channel();
        {
            let now = self.now();
            let settings = self.settings();
            let terms = settings.verifications.as_deref();
            let terms = terms.ok_or(CheckError::NotFound)?;
            let mut state = self.state();
            let known = state.verifications.get(caller.client, id);
            let known = known.ok_or(CheckError::NotFound)?;
            let (means, service, version) = (known.means, known.service, known.version);
            let live = Live {
                id,
                holder,
                means,
                service,
                messages: row.facts.messages.clone(),
                // The store is told the version that it expects, whatever was read.
                version,
                key: secret.key,
                verification,
            };
            let mut batch = Batch::new(now);
            let (by, attempt) = (By::Client(caller), request.attempt(&live));
            let evaluated = self.evaluate(&mut state, &mut batch, terms, by, (&live, &attempt))?;
            state.verifications.keep_racily(evaluated.live.clone());
            if let Some(budget) = evaluated.budget.clone() {
                state.budgets.put(budget, self.steady());
            }
            let changes = batch.finish().ok_or(CheckError::Unavailable)?;
            self.commit(changes, move |_, result| {
                let result = result.map(|_| evaluated.answer).map_err(CheckError::from);
                let _ = reply.send(result);
            });
        }
        answer.await.unwrap_or(Err(CheckError::Unavailable))
    }

    /// A verification on a factor as it is stored, read before any lock is held.
    pub(super) async fn read_racily(&self, live: &Live) -> Result<Verification, CheckError> {
        let read = self.store.verification(live.id).await;
        let row = read.map_err(|_| CheckError::Unavailable)?;
        let row = row.ok_or(CheckError::NotFound)?;
        let secret = self.open_code(&row).ok_or(CheckError::NotFound)?;
        tokio::task::yield_now().await;
        secret.verification(&row).ok_or(CheckError::NotFound)
    }
}
