//! Starting a verification: draws the code, and commits the verification, its message and what the number
//! has used up together. Only after that does the message leave.

mod ended;

use domain::admission::Refusal;
use domain::id::VerificationId;
use domain::limit::book::Meter;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::{Moment, Timestamp};
use domain::verification::binding::Binding;
use domain::verification::budget::number::{Locked, NotYet, NumberBudgets};
use domain::verification::channel::Channel;
use domain::verification::code::{Code, CodeLength};
use domain::verification::send::{NotSent, Sent, send};
use domain::verification::state::State as Standing;
use domain::verification::template::act::ActError;
use domain::verification::template::insert::Purpose;
use domain::verification::template::language::Locale;
use domain::verification::template::last_line::LastLine;
use ledger::Kind;
use tokio::sync::oneshot;

use super::draw::Drawn;
use super::entries::{self, Beginning};
use super::locks::Held;
use super::neighbours::RiskRefusal;
use super::plan::Plan;
use super::served::{Serving, Start, underway};
use super::table::{self, TEXTS};
use super::{OFFERED, VerificationSettings, VerificationView};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::keys::Blind;
use crate::metrics::Counter;
use crate::ports::store::{CommitError, Committed};
use crate::rows::{BudgetRow, FactorRow, IdempotencyRow, SealedCode, VerificationRow};
use crate::settings::Settings;
use crate::sim_swap::SimCleared;
use crate::state::State;
use crate::state::verifications::{Holder, Live};
use crate::submit::{Entered, Intake, Prepared, Replay, SubmitError, claimed, refused};

pub(super) use ended::Ended;

/// A well-formed request to verify a number.
#[derive(Clone, Debug)]
pub struct StartVerification {
    /// The handset.
    pub to: Msisdn,
    /// The short code; the one of the settings, or the only one of the client, otherwise.
    pub from: Option<ShortCode>,
    /// How the code travels.
    pub channel: Channel,
    /// What it is for.
    pub purpose: Purpose,
    /// The locales of the person, the preferred one first.
    pub locales: Vec<Locale>,
    /// What a browser or an app reads; that of the settings where there is none.
    pub last_line: LastLine,
    /// How many digits; as many as the settings say otherwise.
    pub length: Option<CodeLength>,
    /// The act that the code is for.
    pub binding: Binding,
}

/// A verification that is safe on disk.
#[derive(Clone, Debug)]
pub struct VerificationStarted {
    /// It.
    pub view: VerificationView,
    /// The code, for the application to show, where the handset texts it.
    pub code: Option<Code>,
    /// Whether this is the first answer.
    pub replayed: Replay,
    /// Of the client's own limits that counted the message, the one with the smallest part left. Nothing for
    /// a repeated answer, or where nothing was sent.
    pub limit: Option<Meter>,
}

/// Why no verification starts. Nothing of it is recorded as begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartVerificationError {
    /// The settings have no terms of verifications.
    #[error("verifications are not set up")]
    Off,
    /// Neither the request nor the settings name a short code, and the client may use several or none.
    #[error("no short code is named")]
    WhichShortCode,
    /// Codes of so few digits are not given.
    #[error("the code would have too few digits")]
    TooFewDigits,
    /// The text with its last line does not fit one segment.
    #[error("the text does not fit one segment with its last line")]
    DoesNotFit,
    /// The text cannot tell the act that the code is bound to.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The channel is not begun here.
    #[error("the channel is not begun here")]
    Channel,
    /// The number is a fixed line, which shows no text.
    #[error("the number is a fixed line")]
    FixedLine,
    /// The number has no checks left: nobody would look at the code.
    #[error("the number is locked: {}", .0.reason.code())]
    Locked(Locked),
    /// It is too early, or too much was sent to the number.
    #[error("no code is sent yet: {}", .0.wait.code())]
    NotYet(NotYet),
    /// As many codes of the person are awaited as may be at once, until the first of them ends.
    #[error("as many codes as may be are awaited of the person")]
    Awaited(NotYet),
    /// This client has no confirmed factor of this id and kind. Unknown, another client's, unconfirmed and
    /// removed ones are all the same.
    #[error("no such factor")]
    NoFactor,
    /// Too many codes of the user's factors of the kind were wrong: nobody would look at the next.
    #[error("the user is locked: {}", .0.reason.code())]
    FactorLocked(Locked),
    /// No further verification, of anybody or of this client, or no further number, can be kept.
    #[error("no further verification can be kept")]
    Full,
    /// Sending the code is too great a risk.
    #[error("the code is not sent: {}", .0.code())]
    Risk(RiskRefusal),
    /// What keeps any message back.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

pub(super) type Answer = Result<VerificationStarted, StartVerificationError>;

/// One start on its way.
pub(super) struct Starting<'a> {
    pub(super) settings: &'a Settings,
    pub(super) terms: &'a VerificationSettings,
    pub(super) caller: &'a Caller,
    /// What the ledger says of the purpose.
    pub(super) purpose: &'static str,
    /// The language of the text.
    pub(super) language: Option<&'static str>,
    pub(super) claim: Option<Claim>,
    /// What is known of the SIM; `None` where nobody was asked, since the request looked like a repeated one.
    pub(super) sim: Option<SimCleared>,
    /// The factor that is asked for, where one is.
    pub(super) factor: Option<&'a FactorRow>,
    /// The verify service that it is under, where it is.
    pub(super) serving: Option<&'a Serving>,
    pub(super) held: Vec<Held>,
}

/// What is made of it once it is durable.
struct Begun {
    live: Live,
    /// The one under the same verify service, for another act, whose place it takes.
    replaced: Option<Live>,
    /// None where nothing was sent.
    budget: Option<BudgetRow>,
    forgotten: Option<Holder>,
    record: Option<IdempotencyRow>,
    entered: Option<Entered>,
    held: Vec<Held>,
    code: Option<Code>,
    view: VerificationView,
}

impl Gateway {
    /// Starts a verification, or says why not. When this answers with success its message is durable, and
    /// it is sent even if the caller has gone.
    pub async fn start_verification(
        &self,
        caller: &Caller,
        request: StartVerification,
        key: Option<IdempotencyKey>,
    ) -> Answer {
        match self.start_under(caller, request, (key, None)).await? {
            Start::Begun(started) => Ok(*started),
            // Without a verify service none stands in the way of another.
            Start::Underway => Err(SubmitError::Busy.into()),
        }
    }

    /// The same, perhaps under a verify service.
    pub(super) async fn start_under(
        &self,
        caller: &Caller,
        request: StartVerification,
        (key, serving): (Option<IdempotencyKey>, Option<&Serving>),
    ) -> Result<Start, StartVerificationError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(StartVerificationError::Off)?;
        let plan = Plan::of(terms, caller, &request)?;
        let claim = key.map(|key| Claim::of_start(self.blind(), caller, &key, &request));
        let sim = if self.is_repeated(claim.as_ref()) {
            None
        } else {
            Some(self.may_verify(caller, terms, &request).await?)
        };
        let holder = (caller.client, self.blind().budget(request.to));
        let held = self.number_locks.hold(&holder).await;
        let (reply, answer) = oneshot::channel();
        let starting = Starting {
            settings: &settings,
            terms,
            caller,
            purpose: plan.purpose,
            language: Some(plan.language.tag()),
            claim,
            sim,
            factor: None,
            serving,
            held: held.into_iter().collect(),
        };
        match self.start_one(starting, &plan, &request, reply) {
            Err(Ended::Underway) => Ok(Start::Underway),
            begun => {
                let started = self.told_of_start(begun, answer).await?;
                Ok(Start::Begun(Box::new(started)))
            }
        }
    }

    /// What comes of a start: its answer once it is durable, or why there is none.
    pub(super) async fn told_of_start(
        &self,
        begun: Result<(), Ended>,
        answer: oneshot::Receiver<Answer>,
    ) -> Answer {
        match begun {
            Ok(()) => answer.await.unwrap_or(Err(SubmitError::Unavailable.into())),
            Err(Ended::Error(error)) => Err(error),
            Err(Ended::Repeated(id)) => self.repeat_start(id).await,
            Err(Ended::Underway) => Err(SubmitError::Busy.into()),
            Err(Ended::Told(error, recorded)) => {
                let is_recorded = recorded.await == Ok(true);
                Err(if is_recorded {
                    error
                } else {
                    SubmitError::Unavailable.into()
                })
            }
        }
    }

    /// Whether the key of a request has brought something before.
    fn is_repeated(&self, claim: Option<&Claim>) -> bool {
        claim.is_some_and(|claim| self.state().idempotency.knows(claim.key))
    }

    /// The first answer to a start that is repeated, as it is now.
    async fn repeat_start(&self, id: VerificationId) -> Answer {
        let found = self.store.verification(id).await;
        let row = found.map_err(|error| self.unread(error));
        let row = row.map_err(|_| SubmitError::Unavailable)?;
        let row = row.ok_or(SubmitError::Unavailable)?;
        let awaited = row.facts.channel == Channel::Mo && row.secret.is_some();
        let secret = awaited.then(|| self.open_code(&row)).flatten();
        let text = secret.and_then(|secret| secret.text);
        let code = text.and_then(|text| Code::parse(text.reveal()).ok());
        Ok(VerificationStarted {
            view: VerificationView::of_row(&row, self.now()),
            code,
            replayed: Replay::Repeated,
            limit: None,
        })
    }

    /// Decides and queues the commit, under the lock of the number.
    fn start_one(
        &self,
        starting: Starting<'_>,
        plan: &Plan,
        request: &StartVerification,
        reply: oneshot::Sender<Answer>,
    ) -> Result<(), Ended> {
        let now = self.now();
        self.ensure_keys(now);
        let drawn = self.draw(&starting, plan, request, now)?;
        self.queue_start(starting, drawn, now, reply)
    }

    /// The same of what is drawn.
    pub(super) fn queue_start(
        &self,
        starting: Starting<'_>,
        drawn: Drawn,
        now: Timestamp,
        reply: oneshot::Sender<Answer>,
    ) -> Result<(), Ended> {
        let mut state = self.state();
        if self.is_halted() || drawn.generation != self.generation() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable.into());
        }
        if let Some(claim) = &starting.claim {
            let names = (claim.key, claim.fingerprint);
            claimed(state.idempotency.claim(claim.client, names, now))?;
        }
        let key = starting.claim.as_ref().map(|claim| claim.key);
        // It looked like a repeated request, and what it would repeat has failed since: nobody was asked.
        if starting.sim.is_none() {
            if let Some(key) = key {
                state.idempotency.release(key);
            }
            return Err(SubmitError::KeyInFlight.into());
        }
        let begun = self.begin_verification(&mut state, starting, drawn, now);
        let (batch, begun) = begun.inspect_err(|_| {
            if let Some(key) = key {
                state.idempotency.release(key);
            }
        })?;
        let Some(changes) = batch.finish() else {
            return Err(SubmitError::Unavailable.into());
        };
        let generation = self.generation();
        self.commit(changes, move |gateway, result| {
            if result.is_err()
                && generation == gateway.generation()
                && let Some(key) = key
            {
                gateway.state().idempotency.release(key);
            }
            // The caller may have gone; the message goes all the same.
            let _ = reply.send(gateway.conclude_start(begun, result));
        });
        Ok(())
    }

    /// Decides, and puts the message into the state and everything into a batch.
    fn begin_verification(
        &self,
        state: &mut State,
        starting: Starting<'_>,
        drawn: Drawn,
        now: Timestamp,
    ) -> Result<(Batch, Begun), Ended> {
        let Drawn {
            mut live,
            subject,
            person,
            code,
            message,
            shown,
            ..
        } = drawn;
        let (settings, caller) = (starting.settings, starting.caller);
        self.has_room(state, &starting, (&live, now))?;
        let before = underway(state, &starting, &live, now)?;
        let mut batch = Batch::new(now);
        let (budgets, entered) = match message {
            Some(message) => {
                let sending = (&mut live, message);
                let (budgets, entered) = self.enter_code(state, &starting, &mut batch, sending)?;
                (Some(budgets), Some(entered))
            }
            None => (
                None,
                Self::may_wait(state, &starting, (&live, self.moment(now))).map(|()| None)?,
            ),
        };
        batch.entry(entries::started(&Beginning {
            caller,
            live: &live,
            purpose: starting.purpose,
            language: starting.language,
            person: &person.1,
            sim: starting.sim,
        }));
        if entered.is_some() {
            self.code_is_sent(&mut batch, settings, &live);
        }
        let replaced = self.replace(state, &mut batch, caller, before);
        let Starting {
            claim, mut held, ..
        } = starting;
        batch.write(Write::Verification(Box::new(row(
            &live, subject, code, now,
        ))));
        batch.write(Write::Vault(person.0));
        let fresh = || self.ids.sequence(now);
        let budget = budgets.map(|budgets| state.budgets.row(&live.holder, budgets, fresh));
        if let Some(budget) = budget.clone() {
            batch.write(Write::Budget(Box::new(budget)));
        }
        let idle = self.idle_budget(state, settings, caller.client, &mut held);
        let forgotten = idle.map(|(holder, sequence)| {
            batch.write(Write::ForgetBudget(sequence));
            holder
        });
        let record = claim.and_then(|claim| record(&claim, settings, &live, now));
        if let Some(record) = &record {
            batch.write(Write::Idempotency(record.clone()));
        }
        let begun = Begun {
            view: VerificationView::of_live(&live, now),
            live,
            replaced,
            budget,
            forgotten,
            record,
            entered,
            held,
            code: shown,
        };
        Ok((batch, begun))
    }

    /// Decides on the send of the code, and puts its message into the state and the batch.
    fn enter_code(
        &self,
        state: &mut State,
        starting: &Starting<'_>,
        batch: &mut Batch,
        (live, message): (&mut Live, Prepared),
    ) -> Result<(NumberBudgets, Entered), Ended> {
        let Starting {
            settings,
            terms,
            caller,
            ..
        } = starting;
        let now = batch.at();
        let (from, _) = live.handset().ok_or(StartVerificationError::Channel)?;
        let budgets = state.budgets.of(&live.holder);
        let sent = may_send(live, &budgets, terms, self.moment(now));
        let sent = sent.inspect_err(|error| count(state, caller, reason(error), now))?;
        live.verification = sent.verification;
        self.may_send_code(state, settings, live, now)?;
        let intake = Intake::client(caller, from);
        let entered = self.enter(state, settings, batch, intake, message);
        let entered = entered.map_err(|refusal| refused(state, caller.client, refusal, now))?;
        Ok((sent.budgets, entered))
    }

    /// Whether one more may wait for which nothing is sent.
    fn may_wait(
        state: &mut State,
        starting: &Starting<'_>,
        (live, now): (&Live, Moment),
    ) -> Result<(), Ended> {
        match starting.factor {
            Some(factor) => Self::may_ask(state, starting, factor, (live, now)),
            None => may_await(state, starting, (live, now)),
        }
    }

    fn conclude_start(&self, begun: Begun, result: Result<Committed, CommitError>) -> Answer {
        let Begun {
            live,
            replaced,
            budget,
            forgotten,
            record,
            entered,
            held,
            code,
            view,
        } = begun;
        let (planned, limit) = match entered {
            Some(Entered { answer, planned }) => (planned, answer.limit),
            None => (None, None),
        };
        let Err(error) = result else {
            let mut state = self.state();
            if let Some(replaced) = replaced {
                state.count_end(Standing::Cancelled);
                state.verifications.put(replaced);
            }
            state.verifications.put(live);
            if let Some(forgotten) = forgotten {
                state.budgets.forget(&forgotten);
            }
            if let Some(budget) = budget {
                state.budgets.put(budget, self.steady());
            }
            if let Some(record) = &record {
                state.idempotency.settle(record);
            }
            state.counters.add(Counter::Verifications("started"), 1);
            drop(state);
            drop(held);
            self.conclude(planned, result);
            return Ok(VerificationStarted {
                view,
                code,
                replayed: Replay::First,
                limit,
            });
        };
        self.turned_away(1);
        self.conclude(planned, result);
        Err(SubmitError::from(error).into())
    }
}

/// Whether a client may wait for texts to a short code.
fn may_await(
    state: &mut State,
    starting: &Starting<'_>,
    (live, now): (&Live, Moment),
) -> Result<(), Ended> {
    let caller = starting.caller;
    let (from, _) = live.handset().ok_or(StartVerificationError::Channel)?;
    let refusal = if !caller.may_use(from) {
        Refusal::ShortCodeNotGranted
    } else if !starting.settings.short_codes.contains_key(&from) {
        Refusal::NoRoute
    } else {
        let policy = &starting.terms.policy;
        // No text would be looked at where the codes of the day are used up.
        let texted = (Channel::Mo, live.verification.length());
        let budgets = state.budgets.of(&live.holder);
        let room = budgets
            .check_room(policy, texted, &OFFERED, now.steady)
            .map_err(StartVerificationError::Locked)
            .and_then(|()| table::may_wait_one_more(state, &TEXTS, policy, &live.holder, now));
        let room = room.inspect_err(|error| count(state, caller, reason(error), now.wall));
        room?;
        return Ok(());
    };
    let error = SubmitError::Refused(refusal);
    Err(refused(state, caller.client, error, now.wall).into())
}

/// Whether the code may be sent, and what is used up then.
pub(super) fn may_send(
    live: &Live,
    budgets: &NumberBudgets,
    terms: &VerificationSettings,
    now: Moment,
) -> Result<Sent, StartVerificationError> {
    let sent = send(&live.verification, budgets, &terms.policy, &OFFERED, now);
    sent.map_err(|not_sent| match not_sent {
        NotSent::NotYet(not_yet) => StartVerificationError::NotYet(not_yet),
        NotSent::Locked(locked) => StartVerificationError::Locked(locked),
        NotSent::Ended(_) | NotSent::NothingToSend | NotSent::SentTooOften => {
            StartVerificationError::Channel
        }
    })
}

pub(super) fn reason(error: &StartVerificationError) -> &'static str {
    match error {
        StartVerificationError::NotYet(not_yet) | StartVerificationError::Awaited(not_yet) => {
            not_yet.wait.code()
        }
        StartVerificationError::Locked(locked) | StartVerificationError::FactorLocked(locked) => {
            locked.reason.code()
        }
        StartVerificationError::NoFactor => "not-found",
        _ => "channel",
    }
}

pub(super) fn count(state: &mut State, caller: &Caller, reason: &'static str, now: Timestamp) {
    state.count_unverified(Kind::VerificationStarted, caller.client, reason, now);
}

/// The record of an idempotency key, kept as long as its verification at least.
fn record(
    claim: &Claim,
    settings: &Settings,
    live: &Live,
    now: Timestamp,
) -> Option<IdempotencyRow> {
    let keep = now.saturating_add(settings.bounds.idempotency_keep);
    claim.row_of_start(live.id, keep.max(live.verification.expires()))
}

fn row(live: &Live, subject: Blind, code: SealedCode, now: Timestamp) -> VerificationRow {
    VerificationRow {
        id: live.id,
        client: live.holder.0,
        version: live.version,
        created: now,
        expires: live.verification.expires(),
        subject,
        number: live.holder.1,
        facts: live.facts(),
        secret: Some(code),
    }
}
