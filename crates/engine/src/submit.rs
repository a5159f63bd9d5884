//! Submit: takes a message on for delivery. Facts, decision and the queueing of the commit happen
//! under one lock; the answer comes after the commit, and only then does anything leave.

mod admit;
mod prepare;

use std::time::Duration;

use domain::admission::{self, Grant, Origin, Refusal};
use domain::class::{ClassSet, TrafficClass};
use domain::id::{ClientId, MessageId};
use domain::limit::book::Meter;
use domain::limit::country::Destination;
use domain::message::MessageState;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::segment::{ReferenceWidth, Segmented};
use domain::text::{Encoding, MessageText};
use domain::time::Timestamp;
use domain::twilio::Taking;
use domain::verification::pumping::Reason;
use domain::webhook::{Target, TargetError};
use ledger::Commitment;

use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::dispatch::{Planned, ticket};
use crate::entries::{self, Credential};
use crate::esmes::EsmeReceipts;
use crate::gateway::Gateway;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::limits::Throttled;
use crate::metrics::Counter;
use crate::ports::store::CommitError;
use crate::risk::RiskHints;
use crate::rows::{EsmeOrigin, MessageHead, MessageRow, VaultRow};
use crate::settings::Settings;
use crate::state::idempotency::Met;
use crate::state::queue::Place;
use crate::state::{Open, State};

mod reply;

use reply::Reply;

pub(crate) use admit::refused;

/// A well-formed request to send a message.
#[derive(Clone, Debug)]
pub struct SubmitRequest {
    /// The handset.
    pub to: Msisdn,
    /// The short code.
    pub from: ShortCode,
    /// The text.
    pub text: MessageText,
    /// What it is for.
    pub class: TrafficClass,
    /// The client's own reference; not personal.
    pub reference: Option<Box<str>>,
    /// The campaign it belongs to.
    pub campaign: Option<Box<str>>,
    /// How long it may live; the class's default otherwise.
    pub valid_for: Option<Duration>,
    /// What is known of the end user.
    pub risk: Option<RiskHints>,
    /// The URL that is told what becomes of it.
    pub callback: Option<Target>,
}

/// Whether an answer is the first to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is.
    First,
    /// The idempotency key brought up an earlier result.
    Repeated,
}

/// A message that is safe on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub state: MessageState,
    /// When it did not arrive: whether the carrier had taken it.
    pub taking: Taking,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// How many segments it takes.
    pub segments: u8,
    /// When it was accepted.
    pub created: Timestamp,
    /// When its validity ends.
    pub expires: Timestamp,
    /// Whether this is the first answer.
    pub replayed: Replay,
    /// Of the limits that counted it, the one with the least left after it.
    pub limit: Option<Meter>,
}

/// Why a message is not taken on. Nothing of it is recorded as accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Admission refuses it.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// Limits refuse it.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// It carries a code, and numbers that begin like its own get none from this client: codes to them go
    /// unused.
    #[error("the code is not sent: {}", .0.code())]
    Pumping(Reason),
    /// The idempotency key was used for another payload.
    #[error("the idempotency key was used for another payload")]
    KeyReused,
    /// A request with this idempotency key is on its way.
    #[error("a request with this idempotency key is on its way")]
    KeyInFlight,
    /// No more idempotency keys can be kept.
    #[error("no more idempotency keys can be kept")]
    KeysFull,
    /// The text is too long.
    #[error("the text takes {segments} segments, at most {max} are allowed")]
    TooManySegments {
        /// How many it takes.
        segments: usize,
        /// How many are allowed.
        max: u8,
    },
    /// The URL that is to be told may not be called.
    #[error("the URL of the status callback {0}")]
    Callback(#[from] TargetError),
    /// The validity asked for is too long, or zero.
    #[error("the validity must be between 1 second and {} seconds", max.as_secs())]
    ValidityTooLong {
        /// The longest allowed.
        max: Duration,
    },
    /// The store takes nothing.
    #[error("nothing can be recorded now")]
    Unavailable,
    /// The disk is nearly full, and what is left is kept for what is on its way.
    #[error("the disk is nearly full, so that no new message is taken on")]
    StorageLow,
    /// Too many commits are waiting.
    #[error("too many requests are waiting to be recorded")]
    Busy,
}

impl From<Refusal> for SubmitError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CommitError> for SubmitError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Busy | CommitError::Conflict => Self::Busy,
            CommitError::Poisoned => Self::Unavailable,
        }
    }
}

/// Who puts a message in, and what that one may do.
#[derive(Clone, Copy)]
pub(crate) struct Intake {
    origin: Origin,
    client: Option<ClientId>,
    grant: Grant,
    classes: ClassSet,
    shown: Option<Credential>,
}

impl Intake {
    pub(crate) fn client(caller: &Caller, code: ShortCode) -> Self {
        let grant = if caller.may_use(code) {
            Grant::Given
        } else {
            Grant::Missing
        };
        Self {
            origin: Origin::Client,
            client: Some(caller.client),
            grant,
            classes: caller.classes(),
            shown: Some(Credential {
                key: caller.key,
                source: caller.source,
            }),
        }
    }

    /// The gateway's own answer to a keyword.
    pub(crate) fn keyword_reply() -> Self {
        Self {
            origin: Origin::KeywordReply,
            client: None,
            grant: Grant::Given,
            classes: TrafficClass::ALL.into_iter().collect(),
            shown: None,
        }
    }
}

/// Where the text of a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKept {
    /// In the vault, with a commitment in the ledger.
    InVault,
    /// With the verification whose code it carries: it goes when that ends, and no entry commits to it.
    WithVerification,
}

/// A message that is ready but for its admission: encoded and sealed.
pub(crate) struct Prepared {
    pub(crate) id: MessageId,
    head: MessageHead,
    to: Msisdn,
    destination: Destination,
    cost_micros: u64,
    body: Segmented,
    width: ReferenceWidth,
    expires: Timestamp,
    subject: [u8; 16],
    vault: Vec<VaultRow>,
    private: Vec<(&'static str, Commitment)>,
    /// See [`Gateway::generation`].
    pub(crate) generation: u64,
}

/// A message that was put into the state and into a batch.
pub(crate) struct Entered {
    pub(crate) answer: Submitted,
    pub(crate) planned: Option<Planned>,
}

impl Gateway {
    /// Takes one message on, or says why not. When this answers with success the message is durable,
    /// and it is sent even if the caller has gone.
    pub async fn submit(
        &self,
        caller: &Caller,
        request: SubmitRequest,
        key: Option<IdempotencyKey>,
    ) -> Result<Submitted, SubmitError> {
        self.submit_asking(caller, request, EsmeReceipts::None, key)
            .await
    }

    /// The same for an ESME, which says which receipts it wants.
    pub async fn submit_asking(
        &self,
        caller: &Caller,
        request: SubmitRequest,
        receipts: EsmeReceipts,
        key: Option<IdempotencyKey>,
    ) -> Result<Submitted, SubmitError> {
        self.may_call_back(caller.client, &request).await?;
        let claim = key.map(|key| Claim::new(self.blind(), caller, &key, 0, &request));
        let (reply, answer) = self.reply(caller).await;
        match self.submit_one((caller, receipts), request, claim, reply) {
            Ok(()) => answer.await.unwrap_or(Err(SubmitError::Unavailable)),
            Err(Early::Error(error)) => Err(error),
            Err(Early::Repeated(id)) => self.repeat(id).await,
        }
    }

    fn submit_one(
        &self,
        (caller, receipts): (&Caller, EsmeReceipts),
        request: SubmitRequest,
        claim: Option<Claim>,
        reply: Reply,
    ) -> Result<(), Early> {
        let now = self.now();
        let settings = self.settings();
        let intake = Intake::client(caller, request.from);
        self.ensure_keys(now);
        let mut prepared = self.prepare(&settings, intake.client, request, now)?;
        prepared.head.esme = caller.system_id.clone().map(|system_id| EsmeOrigin {
            system_id,
            receipts,
        });
        let mut batch = Batch::new(now);
        let mut state = self.state();
        if self.is_halted() || prepared.generation != self.generation() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable.into());
        }
        if let Some(claim) = &claim {
            let names = (claim.key, claim.fingerprint);
            claimed(state.idempotency.claim(claim.client, names, now))?;
        }
        if self.is_short_of_room() {
            if let Some(claim) = &claim {
                state.idempotency.release(claim.key);
            }
            self.turned_away_for_room();
            return Err(SubmitError::StorageLow.into());
        }
        let passed = self.may_pass_guard(&mut state, &settings, caller, &prepared, now);
        let entered =
            passed.and_then(|()| self.enter(&mut state, &settings, &mut batch, intake, prepared));
        let entered = entered.map_err(|error| {
            if let Some(claim) = &claim {
                state.idempotency.release(claim.key);
            }
            refused(&mut state, caller.client, error, now)
        })?;
        if let Some(claim) = &claim {
            let row = claim.row(&entered.answer, settings.bounds.idempotency_keep);
            batch.write(Write::Idempotency(row));
        }
        self.queue_commit(batch, vec![(entered, claim, reply)]);
        Ok(())
    }

    /// Queues the commit of messages that were entered; answers and sends once it is durable.
    fn queue_commit(&self, batch: Batch, entered: Vec<(Entered, Option<Claim>, Reply)>) {
        let Some(changes) = batch.finish() else {
            return;
        };
        let keep = self.settings().bounds.idempotency_keep;
        let generation = self.generation();
        self.commit(changes, move |gateway, result| {
            // Claims made before the state was rebuilt are no longer in it.
            if result.is_ok() || generation == gateway.generation() {
                gateway.settle_claims(&entered, keep, result.is_ok());
            }
            if result.is_err() {
                gateway.turned_away(entered.len());
            }
            for (entered, _, reply) in entered {
                gateway.conclude(entered.planned, result);
                // The caller may have gone; the message goes all the same.
                let _ = reply
                    .to
                    .send(result.map(|_| entered.answer).map_err(SubmitError::from));
            }
        });
    }

    fn settle_claims(
        &self,
        entered: &[(Entered, Option<Claim>, Reply)],
        keep: Duration,
        durable: bool,
    ) {
        if entered.iter().all(|(_, claim, _)| claim.is_none()) {
            return;
        }
        let mut state = self.state();
        for (entered, claim, _) in entered {
            match claim {
                Some(claim) if durable => {
                    state.idempotency.settle(&claim.row(&entered.answer, keep));
                }
                Some(claim) => state.idempotency.release(claim.key),
                None => {}
            }
        }
    }

    /// Takes messages on, each answered by itself and in its order; the commits of as many as may be on
    /// their way at once are gathered into one sync. Each comes with its place in the request (from 1), so that with an idempotency key
    /// a repaired request gives every item that was accepted before its first result again.
    pub async fn submit_batch(
        &self,
        caller: &Caller,
        requests: Vec<(u32, SubmitRequest)>,
        key: Option<IdempotencyKey>,
    ) -> Vec<Result<Submitted, SubmitError>> {
        let mut waiting = Vec::with_capacity(requests.len());
        for (item, request) in requests {
            let claim = key
                .as_ref()
                .map(|key| Claim::new(self.blind(), caller, key, item, &request));
            let (reply, answer) = self.reply(caller).await;
            let asked = (caller, EsmeReceipts::None);
            let early = match self.may_call_back(caller.client, &request).await {
                Ok(()) => self.submit_one(asked, request, claim, reply).err(),
                Err(error) => Some(Early::Error(error)),
            };
            waiting.push((early, answer));
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for (early, answer) in waiting {
            answers.push(match early {
                None => answer.await.unwrap_or(Err(SubmitError::Unavailable)),
                Some(Early::Error(error)) => Err(error),
                Some(Early::Repeated(id)) => self.repeat(id).await,
            });
        }
        answers
    }

    /// Asks admission and the limits and, if they say yes, puts the message into the state and the batch. When the
    /// window, the pace and the order allow, its dispatch joins the same commit.
    pub(crate) fn enter(
        &self,
        state: &mut State,
        settings: &Settings,
        batch: &mut Batch,
        intake: Intake,
        prepared: Prepared,
    ) -> Result<Entered, SubmitError> {
        let now = batch.at();
        let facts = self.facts(state, settings, &intake, &prepared);
        let _admitted = admission::decide(&facts)?;
        let limit = self.take_message(settings, &intake, &prepared)?;
        let Prepared {
            id,
            head,
            to,
            body,
            width,
            expires,
            subject,
            vault,
            private,
            ..
        } = prepared;
        let asked = head.esme.as_ref().map(|esme| esme.receipts);
        let is_silent = asked.is_none_or(|asked| asked == EsmeReceipts::None);
        if is_silent && !settings.esmes.accounts.is_empty() {
            self.esmes.silent.note(id);
        }
        let mut open = Open::new(id, &head, to, body, width, expires);
        let planned = state.join(settings, &mut open, now);
        let dispatch = planned.as_ref().map(Planned::entry);
        batch.entry(entries::accepted(
            &open,
            &head,
            dispatch.as_ref(),
            intake.shown.as_ref(),
            &private,
        ));
        let answer = answer(&open, &head, limit, now);
        let row = MessageRow {
            id,
            head,
            state: open.state,
            version: open.version,
            created: now,
            expires,
            updated: now,
            subject,
            segments: open.segments.clone(),
        };
        batch.write(Write::Message(Box::new(row)));
        for row in vault {
            batch.write(Write::Vault(row));
        }
        state.counters.add(Counter::Accepted(open.class), 1);
        if open.has_pending() {
            let fairness = &settings.fairness;
            state.queue.push(ticket(&open), Place::Back, fairness);
            self.wake.notify_one();
        }
        state.messages.insert(id.sequence(), open);
        Ok(Entered { answer, planned })
    }
}

/// Why a request ends before its commit.
pub(crate) enum Early {
    Error(SubmitError),
    Repeated(MessageId),
}

impl From<SubmitError> for Early {
    fn from(error: SubmitError) -> Self {
        Self::Error(error)
    }
}

pub(crate) fn claimed(met: Met) -> Result<(), Early> {
    match met {
        Met::Fresh => Ok(()),
        Met::InFlight => Err(SubmitError::KeyInFlight.into()),
        Met::Reused => Err(SubmitError::KeyReused.into()),
        Met::Full => Err(SubmitError::KeysFull.into()),
        Met::Repeated(id) => Err(Early::Repeated(id)),
    }
}

fn answer(open: &Open, head: &MessageHead, limit: Option<Meter>, now: Timestamp) -> Submitted {
    Submitted {
        id: open.id,
        // What left with the acceptance is a detail of ours: the caller's message is accepted.
        state: MessageState::Accepted,
        taking: Taking::NotTaken,
        encoding: head.encoding,
        segments: u8::try_from(open.segments.len()).unwrap_or(u8::MAX),
        created: now,
        expires: open.expires,
        replayed: Replay::First,
        limit,
    }
}
