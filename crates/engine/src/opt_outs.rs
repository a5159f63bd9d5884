//! Opt-outs recorded, looked up and removed by a client: what people ask for by other ways than a
//! keyword. The number itself is never in the ledger; why an opt-out was recorded is sealed.

use std::fmt;

use domain::consent::{Basis, Standing};
use domain::id::InboundId;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome, Shown};
use tokio::sync::oneshot;

use crate::batch::{Batch, sound};
use crate::changes::Write;
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::rows::{OptOutRow, OptOutStanding, Purpose};
use crate::state::State;
use crate::vault::Sealed;

/// What a client wants recorded or removed.
#[derive(Clone)]
pub struct OptOutRequest {
    /// The short code.
    pub short_code: ShortCode,
    /// The number.
    pub number: Msisdn,
    /// Why.
    pub basis: Basis,
    /// What shows it, in words; sealed. 1 to 1,000 characters.
    pub evidence: Box<str>,
}

impl fmt::Debug for OptOutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OptOutRequest({}, {:?}, {})",
            self.short_code, self.number, self.basis
        )
    }
}

/// What an opt-out or its removal goes back to.
pub(crate) enum Cause<'a> {
    /// A client asked for it.
    Request(&'a Caller),
    /// The handset sent a keyword, in this message.
    Keyword(InboundId),
}

/// What is on record of a number and a short code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutView {
    /// The short code.
    pub short_code: ShortCode,
    /// Whether the number is opted out.
    pub standing: Standing,
    /// Why, when it is.
    pub basis: Option<Box<str>>,
    /// Since when, when it is.
    pub since: Option<Timestamp>,
}

/// Why an opt-out is not recorded, removed or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OptOutError {
    /// The key has no grant for the short code.
    #[error("the key has no grant for the short code")]
    ShortCodeNotGranted,
    /// There is none to remove.
    #[error("the number has not opted out")]
    NotOptedOut,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl Gateway {
    /// Records an opt-out. One that is on record already stays as it is.
    pub async fn record_opt_out(
        &self,
        caller: &Caller,
        request: OptOutRequest,
    ) -> Result<OptOutView, OptOutError> {
        self.change_opt_out(caller, &request, OptOutStanding::Out)
            .await
    }

    /// Removes an opt-out.
    pub async fn remove_opt_out(
        &self,
        caller: &Caller,
        request: OptOutRequest,
    ) -> Result<OptOutView, OptOutError> {
        self.change_opt_out(caller, &request, OptOutStanding::Removed)
            .await
    }

    async fn change_opt_out(
        &self,
        caller: &Caller,
        request: &OptOutRequest,
        standing: OptOutStanding,
    ) -> Result<OptOutView, OptOutError> {
        if !caller.may_use(request.short_code) {
            return Err(OptOutError::ShortCodeNotGranted);
        }
        let (done, durable) = oneshot::channel();
        self.queue_opt_out(caller, request, standing, done)?;
        match durable.await {
            Ok(true) => {
                let subject = self.blind().suppression(request.number);
                Ok(self.state().opt_out_view(request.short_code, subject))
            }
            _ => Err(OptOutError::Unavailable),
        }
    }

    /// Queues the change. When there is nothing to change, what is on record may itself be on its way
    /// to the disk: the answer waits behind it.
    fn queue_opt_out(
        &self,
        caller: &Caller,
        request: &OptOutRequest,
        standing: OptOutStanding,
        done: oneshot::Sender<bool>,
    ) -> Result<(), OptOutError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(OptOutError::Unavailable);
        }
        if self.is_crowded() {
            return Err(OptOutError::Unavailable);
        }
        let now = self.now();
        let generation = self.generation();
        self.ensure_keys(now);
        let sequence = self.ids.sequence(now);
        let subject = self.blind().suppression(request.number);
        let number = request.number.reveal_e164();
        let seal = |purpose, value: &str| {
            let sealed = self
                .vault
                .seal(sequence, purpose, value.as_bytes(), &*self.entropy, now);
            sealed.ok_or(OptOutError::Unavailable)
        };
        let sealed = vec![
            seal(Purpose::Number, &number)?,
            seal(Purpose::Consent, &request.evidence)?,
        ];
        let mut batch = Batch::new(now);
        let mut state = self.state();
        if self.is_halted() || generation != self.generation() {
            self.turned_away(1);
            return Err(OptOutError::Unavailable);
        }
        let view = state.opt_out_view(request.short_code, subject);
        match (view.standing, standing) {
            (Standing::OptedOut, OptOutStanding::Out) => {
                self.wait_behind(&mut state, caller, done, now);
                return Ok(());
            }
            (Standing::Open, OptOutStanding::Removed) => return Err(OptOutError::NotOptedOut),
            _ => {}
        }
        let row = OptOutRow {
            sequence,
            short_code: request.short_code,
            subject,
            standing,
            basis: request.basis.as_str().into(),
            at: now,
        };
        let cause = Cause::Request(caller);
        Self::record_consent(&mut state, &mut batch, row, &cause, sealed);
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_err() {
                    gateway.turned_away(1);
                }
                let _ = done.send(result.is_ok());
            });
        }
        Ok(())
    }

    /// Counts a look at what is on record, and tells when everything before it is durable.
    fn wait_behind(
        &self,
        state: &mut State,
        caller: &Caller,
        done: oneshot::Sender<bool>,
        now: Timestamp,
    ) {
        let who = Who::Client(caller.client);
        state
            .coalescer
            .count(Kind::OptoutLookup, Outcome::Done, who, "", now);
        let mut batch = Batch::new(now);
        for draft in state.coalescer.flush_counts(1) {
            batch.entry(draft);
        }
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_err() {
                    gateway.turned_away(1);
                }
                let _ = done.send(result.is_ok());
            });
        }
    }

    /// Puts an opt-out or its removal into the state and the batch.
    pub(crate) fn record_consent(
        state: &mut State,
        batch: &mut Batch,
        row: OptOutRow,
        cause: &Cause<'_>,
        sealed: Vec<Sealed>,
    ) {
        let kind = match row.standing {
            OptOutStanding::Out => Kind::OptoutRecorded,
            OptOutStanding::Removed => Kind::OptoutRemoved,
        };
        let id = domain::id::OptOutId::new(row.sequence, 0);
        let data = Facts::new()
            .put("basis", &*row.basis)
            .put("short_code", Shown(&row.short_code));
        let mut builder = match cause {
            Cause::Request(caller) => Draft::of(kind, Actor::client(&caller.client), Outcome::Done)
                .client(&caller.client)
                .origin(OriginType::Connection, &caller.source)
                .data(data.put_some("key", caller.key.as_ref().map(|key| Shown(key)))),
            Cause::Keyword(inbound) => Draft::of(kind, Actor::system(&"keyword"), Outcome::Done)
                .correlation(inbound)
                .data(data),
        };
        builder = builder.object(ObjectType::OptOut, &id);
        for value in &sealed {
            builder = builder.private(value.row.purpose.as_str(), &value.commitment);
        }
        batch.entry(sound(builder.build()));
        for value in sealed {
            batch.write(Write::Vault(value.row));
        }
        batch.write(Write::OptOut(row.clone()));
        let place = (row.short_code, row.subject);
        match row.standing {
            OptOutStanding::Out => state.opt_outs.insert(place, row),
            OptOutStanding::Removed => state.opt_outs.remove(&place),
        };
    }

    /// Tells what is on record. The look-up is counted in the ledger.
    #[expect(
        clippy::unused_async,
        reason = "stores of a cluster answer this over the network"
    )]
    pub async fn look_up_opt_out(
        &self,
        caller: &Caller,
        short_code: ShortCode,
        number: Msisdn,
    ) -> Result<OptOutView, OptOutError> {
        if !caller.may_use(short_code) {
            return Err(OptOutError::ShortCodeNotGranted);
        }
        let now = self.now();
        let subject = self.blind().suppression(number);
        let mut state = self.state();
        let who = Who::Client(caller.client);
        state
            .coalescer
            .count(Kind::OptoutLookup, Outcome::Done, who, "", now);
        Ok(state.opt_out_view(short_code, subject))
    }
}

impl State {
    fn opt_out_view(&self, short_code: ShortCode, subject: [u8; 16]) -> OptOutView {
        let row = self.opt_outs.get(&(short_code, subject));
        OptOutView {
            short_code,
            standing: if row.is_some() {
                Standing::OptedOut
            } else {
                Standing::Open
            },
            basis: row.map(|row| row.basis.clone()),
            since: row.map(|row| row.at),
        }
    }
}
