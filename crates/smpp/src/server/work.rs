//! What an ESME asks of the engine, and how it is done. Each piece is done by itself and answered when it is;
//! a submit is answered once it is durable.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use domain::id::MessageId;
use domain::message::MessageState;
use engine::{
    BindAttempt, BindRefused, BoundEsme, Caller, EsmeBind, EsmeDeliveries, EsmeDelivery,
    EsmeReceipts, Gateway, IdempotencyKey, MessageView, PeerCertificate, Scope, SubmitRequest,
};
use futures_util::future::join_all;
use zeroize::Zeroizing;

use super::conversation::Conversation;
use super::statuses;
use crate::pdu::{Address, BindKind, Body, MultiResponse, Pdu, QueryResponse, Standing};
use crate::receipt::State;
use crate::status::Status;
use crate::time_format::absolute;

/// A piece of work.
pub(super) enum Work {
    Bind(BindWork),
    Submit(One),
    Multi(Many),
    Query {
        sequence: u32,
        message: MessageId,
    },
    Cancel {
        sequence: u32,
        message: MessageId,
    },
    /// Waits for deliveries, at most so many.
    Fetch(EsmeDeliveries, usize),
}

/// A bind to be looked at.
pub(super) struct BindWork {
    pub(super) sequence: u32,
    pub(super) kind: BindKind,
    pub(super) system_id: Box<[u8]>,
    pub(super) password: Zeroizing<Vec<u8>>,
}

/// One message, of one submit or of the parts that became it.
pub(super) struct One {
    pub(super) sequences: Vec<u32>,
    pub(super) request: Box<SubmitRequest>,
    pub(super) receipts: EsmeReceipts,
    pub(super) key: Option<IdempotencyKey>,
}

/// One message to several handsets.
pub(super) struct Many {
    pub(super) sequence: u32,
    pub(super) items: Vec<Item>,
    pub(super) receipts: EsmeReceipts,
}

/// One of them: its address as it came (type, plan, octets), and the request if it is a handset's.
pub(super) struct Item {
    pub(super) address: (u8, u8, Box<[u8]>),
    pub(super) request: Result<Box<SubmitRequest>, Status>,
}

/// What became of one of them: its address as it came, and the message's id.
type Outcome = ((u8, u8, Box<[u8]>), Result<MessageId, Status>);

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) gateway: Arc<Gateway>,
    /// While it is bound.
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) source: IpAddr,
    pub(super) certificate: Option<PeerCertificate>,
}

/// What became of it.
pub(super) enum Done {
    Bind {
        sequence: u32,
        kind: BindKind,
        outcome: Result<Bound, BindRefused>,
    },
    Submit {
        sequences: Vec<u32>,
        outcome: Result<MessageId, Status>,
    },
    Multi {
        sequence: u32,
        outcomes: Vec<Outcome>,
    },
    Query {
        sequence: u32,
        outcome: Result<Box<MessageView>, Status>,
    },
    Cancel {
        sequence: u32,
        outcome: Result<(), Status>,
    },
    Fetched(Vec<EsmeDelivery>),
}

/// A bind that was made, and what it is delivered when it is for that.
pub(super) struct Bound {
    pub(super) esme: BoundEsme,
    pub(super) deliveries: Option<EsmeDeliveries>,
}

/// Does one piece of work.
pub(super) async fn perform(asker: Asker, work: Work) -> Done {
    match work {
        Work::Bind(bind) => Done::Bind {
            sequence: bind.sequence,
            kind: bind.kind,
            outcome: asker.bind(&bind).await,
        },
        Work::Submit(one) => Done::Submit {
            outcome: asker.submit(*one.request, one.receipts, one.key).await,
            sequences: one.sequences,
        },
        Work::Multi(many) => Done::Multi {
            sequence: many.sequence,
            outcomes: asker.submit_many(many.items, many.receipts).await,
        },
        Work::Query { sequence, message } => Done::Query {
            sequence,
            outcome: asker.query(message).await,
        },
        Work::Cancel { sequence, message } => Done::Cancel {
            sequence,
            outcome: asker.cancel(message).await,
        },
        Work::Fetch(deliveries, most) => Done::Fetched(deliveries.next(most).await),
    }
}

impl Asker {
    async fn bind(&self, bind: &BindWork) -> Result<Bound, BindRefused> {
        let attempt = BindAttempt {
            bind: of_engine(bind.kind),
            system_id: &bind.system_id,
            password: &bind.password,
            source: self.source,
            certificate: self.certificate.clone(),
        };
        let esme = match self.gateway.bind_esme(attempt).await {
            Ok(esme) => esme,
            Err(refused) => {
                if let BindRefused::Denied { pause } = refused {
                    tokio::time::sleep(pause).await;
                }
                return Err(refused);
            }
        };
        let deliveries = if bind.kind.receives() {
            esme.deliveries().await
        } else {
            None
        };
        Ok(Bound { esme, deliveries })
    }

    /// The caller, if it has this scope.
    fn may(&self, scope: Scope, status: Status) -> Result<&Caller, Status> {
        let caller = self.caller.as_deref().ok_or(Status::INVALID_BIND_STATUS)?;
        self.gateway
            .authorize(caller, scope)
            .map(|()| caller)
            .map_err(|_| status)
    }

    async fn submit(
        &self,
        request: SubmitRequest,
        receipts: EsmeReceipts,
        key: Option<IdempotencyKey>,
    ) -> Result<MessageId, Status> {
        let caller = self.may(Scope::MessagesSend, Status::SUBMIT_FAILED)?;
        let submitted = self.gateway.submit_asking(caller, request, receipts, key);
        let submitted = submitted.await;
        submitted
            .map(|submitted| submitted.id)
            .map_err(|error| statuses::of_submit(&error))
    }

    async fn submit_many(&self, items: Vec<Item>, receipts: EsmeReceipts) -> Vec<Outcome> {
        let each = items.into_iter().map(|item| async move {
            let outcome = match item.request {
                Ok(request) => self.submit(*request, receipts, None).await,
                Err(status) => Err(status),
            };
            (item.address, outcome)
        });
        join_all(each).await
    }

    async fn query(&self, message: MessageId) -> Result<Box<MessageView>, Status> {
        let caller = self.may(Scope::MessagesRead, Status::QUERY_FAILED)?;
        let view = self.gateway.message(caller, message).await;
        view.map(Box::new).map_err(statuses::of_query)
    }

    async fn cancel(&self, message: MessageId) -> Result<(), Status> {
        let caller = self.may(Scope::MessagesSend, Status::CANCEL_FAILED)?;
        let view = self.gateway.cancel(caller, message).await;
        view.map(|_| ()).map_err(statuses::of_cancel)
    }
}

impl Done {
    /// Writes the answer. A bind that was made is handed back.
    pub(super) fn write(
        self,
        conversation: &mut Conversation,
        out: &mut BytesMut,
    ) -> Option<Bound> {
        match self {
            Self::Bind {
                sequence,
                kind,
                outcome,
            } => {
                let (status, bound) = match outcome {
                    Ok(bound) => (Ok(()), Some(bound)),
                    Err(refused) => (Err(statuses::of_bind(refused)), None),
                };
                conversation.bound((sequence, kind), status, out);
                return bound;
            }
            Self::Submit { sequences, outcome } => {
                let id = outcome.map(|id| id.to_string());
                let id = id.as_deref().map_err(|status| *status);
                conversation.submitted(&sequences, id, out);
            }
            Self::Multi { sequence, outcomes } => many(sequence, &outcomes, conversation, out),
            Self::Query { sequence, outcome } => query(sequence, outcome, conversation, out),
            Self::Cancel { sequence, outcome } => {
                let status = outcome.err().unwrap_or(Status::OK);
                let answer = Pdu::response(sequence, status, Body::CancelResponse);
                conversation.answered(answer, out);
            }
            Self::Fetched(deliveries) => conversation.deliver(deliveries, out),
        }
        None
    }
}

/// Answers submit_multi: with the id of the first message, and with whoever gets none.
fn many(sequence: u32, outcomes: &[Outcome], conversation: &mut Conversation, out: &mut BytesMut) {
    let (mut refused, mut count) = (Vec::new(), 0_u8);
    for ((ton, npi, octets), outcome) in outcomes {
        if let Err(status) = outcome {
            MultiResponse::push(&mut refused, &Address::new(*ton, *npi, octets), status.0);
            count = count.saturating_add(1);
        }
    }
    let first = outcomes.iter().find_map(|(_, outcome)| outcome.ok());
    let id = first.map(|id| id.to_string());
    let (status, response) = if let Some(id) = &id {
        let response = MultiResponse::new(id.as_bytes(), (count, &refused));
        (Status::OK, response)
    } else {
        let status = outcomes.first().and_then(|(_, outcome)| outcome.err());
        let status = status.unwrap_or(Status::SUBMIT_FAILED);
        (status, MultiResponse::default())
    };
    let body = Body::SubmitMultiResponse(response);
    conversation.submitted_many(Pdu::response(sequence, status, body), out);
}

/// Answers query_sm.
fn query(
    sequence: u32,
    outcome: Result<Box<MessageView>, Status>,
    conversation: &mut Conversation,
    out: &mut BytesMut,
) {
    let view = match outcome {
        Ok(view) => view,
        Err(status) => {
            let body = Body::QueryResponse(QueryResponse::default());
            return conversation.answered(Pdu::response(sequence, status, body), out);
        }
    };
    let id = view.id.to_string();
    let ended = view
        .state
        .is_final()
        .then(|| absolute(view.updated.seconds()));
    let errors = view.segments.iter().find_map(|segment| segment.error);
    let standing = Standing {
        message_id: id.as_bytes(),
        final_date: ended.as_ref().map_or(&[], |date| date.as_slice()),
        state: state(view.state).code(),
        error: errors.map_or(0, |error| u8::try_from(error).unwrap_or(u8::MAX)),
    };
    let body = Body::QueryResponse(QueryResponse(Some(standing)));
    conversation.answered(Pdu::response(sequence, Status::OK, body), out);
}

/// A message's state in the words of SMPP.
pub(super) const fn state(state: MessageState) -> State {
    match state {
        MessageState::Accepted => State::Accepted,
        MessageState::Dispatched | MessageState::Submitted => State::Enroute,
        MessageState::Delivered => State::Delivered,
        MessageState::Failed => State::Undeliverable,
        MessageState::Expired => State::Expired,
        MessageState::Cancelled => State::Deleted,
        MessageState::Unknown => State::Unknown,
    }
}

const fn of_engine(kind: BindKind) -> EsmeBind {
    match kind {
        BindKind::Transmitter => EsmeBind::Transmitter,
        BindKind::Receiver => EsmeBind::Receiver,
        BindKind::Transceiver => EsmeBind::Transceiver,
    }
}
