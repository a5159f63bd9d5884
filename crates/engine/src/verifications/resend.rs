//! Sending a code once more: the same code, until the same end, in a message of its own. Waits and windows
//! are those of the number, so that a new verification shortens none.

use std::time::Duration;

use domain::id::VerificationId;
use domain::text::MessageText;
use domain::time::Timestamp;
use domain::verification::budget::number::{Locked, NotYet};
use domain::verification::send::{NotSent, Sent, send};
use domain::verification::state::State as Standing;
use ledger::Kind;
use tokio::sync::oneshot;

use super::entries;
use super::locks::Held;
use super::{OFFERED, RiskRefusal, VerificationView, plan};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::rows::BudgetRow;
use crate::settings::Settings;
use crate::state::State;
use crate::state::verifications::Live;
use crate::submit::{
    Early, Entered, Intake, Prepared, SubmitError, SubmitRequest, TextKept, refused,
};

/// Why a code is not sent once more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResendError {
    /// There is no such verification, or it is another client's, or it ended.
    #[error("no such verification")]
    NotFound,
    /// Its channel sends nothing to the handset.
    #[error("the channel sends nothing")]
    NothingToSend,
    /// The code was sent as often as one code may be.
    #[error("the code was sent as often as one may be")]
    SentTooOften,
    /// The number has no checks left: nobody would look at the code.
    #[error("the number is locked: {}", .0.reason.code())]
    Locked(Locked),
    /// Its prefix is blocked.
    #[error("the code is not sent: {}", .0.code())]
    Risk(RiskRefusal),
    /// It is too early, or too much was sent to the number.
    #[error("no code is sent yet: {}", .0.wait.code())]
    NotYet(NotYet),
    /// What keeps any message back.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// A resend on its way, to be taken in once it is durable.
struct Resent {
    live: Live,
    budget: BudgetRow,
    entered: Entered,
    held: Option<Held>,
    now: Timestamp,
}

impl Gateway {
    /// Sends the code of a verification once more. Answers with it as it then is.
    pub async fn resend_verification(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationView, ResendError> {
        let holder = self.holder_of(caller, id).ok_or(ResendError::NotFound)?;
        let held = self.number_locks.hold(&holder).await;
        self.ensure_sends(caller, id)?;
        let text = self.text_of(id).await?;
        let (done, durable) = oneshot::channel();
        self.resend_one(caller, id, text, (held, done))?;
        let resent = durable.await;
        Ok(resent.map_err(|_| SubmitError::Unavailable)??)
    }

    /// Whether anything is sent for a verification; nothing is where it asks for a factor.
    fn ensure_sends(&self, caller: &Caller, id: VerificationId) -> Result<(), ResendError> {
        let now = self.now();
        let mut state = self.state();
        let live = state.verifications.get(caller.client, id);
        let Some(live) = live.filter(|live| live.factor().is_some()) else {
            return Ok(());
        };
        let not_sent = match live.verification.state(now) {
            Standing::Pending => NotSent::NothingToSend,
            ended => NotSent::Ended(ended),
        };
        Err(not_resent(&mut state, caller, not_sent, now))
    }

    /// The text that carries the code. It lies on disk alone.
    async fn text_of(&self, id: VerificationId) -> Result<MessageText, ResendError> {
        let found = self.store.verification(id).await;
        let row = found.map_err(|error| self.unread(error));
        let row = row.map_err(|_| SubmitError::Unavailable)?;
        let secret = row.and_then(|row| self.open_code(&row));
        let text = secret.and_then(|secret| secret.text);
        text.ok_or(ResendError::NotFound)
    }

    /// Decides and queues the commit, under the lock of the number.
    fn resend_one(
        &self,
        caller: &Caller,
        id: VerificationId,
        text: MessageText,
        (held, done): (
            Option<Held>,
            oneshot::Sender<Result<VerificationView, SubmitError>>,
        ),
    ) -> Result<(), ResendError> {
        let now = self.now();
        let settings = self.settings();
        self.ensure_keys(now);
        let live = self.state().verifications.get(caller.client, id).cloned();
        let live = live.ok_or(ResendError::NotFound)?;
        let message = self.prepare_again(&settings, &live, text, now)?;
        let mut state = self.state();
        if self.is_halted() || message.generation != self.generation() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable.into());
        }
        if self.is_short_of_room() {
            self.turned_away_for_room();
            return Err(SubmitError::StorageLow.into());
        }
        let (batch, mut resent) =
            self.decide(&mut state, &settings, caller, (live, message), now)?;
        resent.held = held;
        let Some(changes) = batch.finish() else {
            return Err(SubmitError::Unavailable.into());
        };
        self.commit(changes, move |gateway, result| {
            let Resent {
                live,
                budget,
                entered,
                held,
                now,
            } = resent;
            let view = VerificationView::of_live(&live, now);
            if result.is_ok() {
                let mut state = gateway.state();
                state.verifications.put(live);
                state.budgets.put(budget, gateway.steady());
                state.counters.add(Counter::Verifications("resent"), 1);
            } else {
                gateway.turned_away(1);
            }
            drop(held);
            gateway.conclude(entered.planned, result);
            let _ = done.send(result.map(|_| view).map_err(SubmitError::from));
        });
        Ok(())
    }

    fn prepare_again(
        &self,
        settings: &Settings,
        live: &Live,
        text: MessageText,
        now: Timestamp,
    ) -> Result<Prepared, ResendError> {
        let left = live.verification.expires().since(now);
        if left < Duration::from_secs(1) {
            return Err(ResendError::NotFound);
        }
        let (from, to) = live.handset().ok_or(ResendError::NothingToSend)?;
        let request = SubmitRequest {
            to,
            from,
            text,
            class: plan::CLASS,
            reference: None,
            campaign: None,
            valid_for: Some(left.min(settings.validity.max)),
            risk: None,
            callback: None,
        };
        let client = Some(live.holder.0);
        let kept = TextKept::WithVerification;
        Ok(self.prepare_kept(settings, client, request, kept, now)?)
    }

    fn decide(
        &self,
        state: &mut State,
        settings: &Settings,
        caller: &Caller,
        (live, message): (Live, Prepared),
        now: Timestamp,
    ) -> Result<(Batch, Resent), ResendError> {
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(ResendError::NotFound)?;
        let budgets = state.budgets.of(&live.holder);
        let sent = send(
            &live.verification,
            &budgets,
            &terms.policy,
            &OFFERED,
            self.moment(now),
        );
        let Sent {
            verification,
            budgets,
        } = sent.map_err(|not_sent| not_resent(state, caller, not_sent, now))?;
        self.may_send_again(state, settings, &live, now)
            .map_err(ResendError::Risk)?;
        let id = message.id;
        let (from, _) = live.handset().ok_or(ResendError::NothingToSend)?;
        let intake = Intake::client(caller, from);
        let mut batch = Batch::new(now);
        let entered = self.enter(state, settings, &mut batch, intake, message);
        let entered =
            entered.map_err(
                |refusal| match refused(state, caller.client, refusal, now) {
                    Early::Error(error) => error,
                    Early::Repeated(_) => SubmitError::Unavailable,
                },
            )?;
        let mut grown = live;
        grown.messages.push(id);
        let (next, update) = grown.moved(verification);
        batch.entry(entries::resent(caller, &next, &id));
        batch.write(Write::VerificationUpdate(Box::new(update)));
        let fresh = || self.ids.sequence(now);
        let budget = state.budgets.row(&next.holder, budgets, fresh);
        batch.write(Write::Budget(Box::new(budget.clone())));
        let resent = Resent {
            live: next,
            budget,
            entered,
            held: None,
            now,
        };
        Ok((batch, resent))
    }
}

fn not_resent(
    state: &mut State,
    caller: &Caller,
    not_sent: NotSent,
    now: Timestamp,
) -> ResendError {
    let (error, reason) = match not_sent {
        NotSent::Ended(_) => (ResendError::NotFound, "not-found"),
        NotSent::NothingToSend => (ResendError::NothingToSend, "nothing-to-send"),
        NotSent::SentTooOften => (ResendError::SentTooOften, "sent-too-often"),
        NotSent::Locked(locked) => {
            let reason = locked.reason.code();
            (ResendError::Locked(locked), reason)
        }
        NotSent::NotYet(not_yet) => {
            let reason = not_yet.wait.code();
            (ResendError::NotYet(not_yet), reason)
        }
    };
    let kind = Kind::VerificationResent;
    state.count_unverified(kind, caller.client, reason, now);
    error
}
