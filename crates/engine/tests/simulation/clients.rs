//! Clients: they submit, with and without idempotency keys, one by one and in batches, cancel, opt
//! numbers out, read and hang up, and hold the gateway to what it answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::class::TrafficClass;
use domain::consent::Basis;
use domain::id::MessageId;
use domain::time::Timestamp;
use engine::{
    CancelError, IdempotencyKey, MessageQuery, OptOutError, OptOutRequest, OptOutView, Replay,
    SubmitError, SubmitRequest, Submitted,
};
use testkit::gateway::{handset, poll_once, request};
use testkit::settings::short_code;

use super::node::Call;
use super::world::World;

/// Numbers that take part.
pub const NUMBERS: u16 = 6;

type SubmitCall = Call<Vec<Result<Submitted, SubmitError>>>;
type CancelCall = Call<Result<engine::MessageView, CancelError>>;

/// What an idempotency key was used for: the key, and the payload.
type Use = (u64, u64);

/// The clients' side.
#[derive(Default)]
pub struct Clients {
    submits: Vec<(Option<Use>, SubmitCall)>,
    cancels: Vec<(MessageId, CancelCall)>,
    opt_outs: Vec<Call<Result<OptOutView, OptOutError>>>,
    /// Every message whose acceptance a client has heard of.
    pub acked: BTreeMap<u64, MessageId>,
    pub cancelled: BTreeSet<u64>,
    /// What each use of a key brought, and until when that holds.
    results: BTreeMap<Use, (MessageId, Timestamp)>,
    /// The latest that the clock ever showed.
    pub latest: Option<Timestamp>,
    texts: u64,
}

/// The request that a payload stands for: a retry is the same request.
fn a_request(payload: u64) -> SubmitRequest {
    let number = u16::try_from(payload % u64::from(NUMBERS)).unwrap();
    let class = TrafficClass::ALL[usize::try_from(payload / 7 % 3).unwrap()];
    let length = [10, 10, 170, 400][usize::try_from(payload / 3 % 4).unwrap()];
    let text = format!("{payload} {}", "x".repeat(length));
    let mut request = request(handset(number), class, &text);
    request.valid_for = match payload / 5 % 4 {
        0 => Some(Duration::from_secs(1 + payload % 60)),
        1 => Some(Duration::from_mins(20)),
        _ => None,
    };
    request
}

impl World {
    pub fn submit(&mut self) {
        self.clients.texts += 1;
        let fresh = self.clients.texts;
        let with_key = self.chance.happens(30);
        let (used, payload) = if with_key {
            let key = self.chance.below(6);
            let payload = 1_000_000 + key * 10 + u64::from(self.chance.happens(10));
            (Some((key, payload)), payload)
        } else {
            (None, fresh)
        };
        self.note(&format!("submit {payload} with {used:?}"));
        let request = a_request(payload);
        let key = used.map(|(key, _)| IdempotencyKey::parse(&format!("key-{key}")).unwrap());
        let (gateway, caller) = (self.node.gateway.clone(), self.node.caller(&self.key));
        let mut call: SubmitCall =
            Box::pin(async move { vec![gateway.submit(&caller, request, key).await] });
        let early = self.node.command(|_| poll_once(call.as_mut()));
        match early {
            Some(results) => self.submitted(used, &results),
            None => self.clients.submits.push((used, call)),
        }
    }

    pub fn submit_batch(&mut self) {
        let count = u32::try_from(1 + self.chance.below(5)).unwrap();
        self.note(&format!("submit a batch of {count}"));
        let mut items = Vec::new();
        for item in 1..=count {
            self.clients.texts += 1;
            items.push((item, a_request(self.clients.texts)));
        }
        let (gateway, caller) = (self.node.gateway.clone(), self.node.caller(&self.key));
        let mut call: SubmitCall =
            Box::pin(async move { gateway.submit_batch(&caller, items, None).await });
        let before = self.clock.readings();
        let early = poll_once(call.as_mut());
        assert!(
            self.clock.readings() - before <= u64::from(count),
            "one reading an item"
        );
        match early {
            Some(results) => self.submitted(None, &results),
            None => self.clients.submits.push((None, call)),
        }
    }

    fn submitted(&mut self, used: Option<Use>, results: &[Result<Submitted, SubmitError>]) {
        for accepted in results.iter().flatten() {
            let sequence = accepted.id.sequence();
            let durable = self
                .node
                .store
                .with_image(|image| image.message_row(sequence).is_some());
            assert!(
                durable,
                "{} was acknowledged but is not durable",
                accepted.id
            );
            self.clients.acked.insert(sequence, accepted.id);
            if let Some(used) = used {
                self.repeated(used, accepted);
            }
        }
        if let (Some((key, payload)), [Err(SubmitError::KeyReused)]) = (used, results) {
            let other = |(used, _): &(&Use, _)| used.0 == key && used.1 != payload;
            let other_calls = |(used, _): &(Option<Use>, SubmitCall)| {
                used.is_some_and(|used| used.0 == key && used.1 != payload)
            };
            let known = self.clients.results.iter().any(|result| other(&result));
            // One that crashed before its answer may have been accepted all the same.
            assert!(
                known
                    || self.clients.submits.iter().any(other_calls)
                    || self.lives > 1
                    || self.clients.texts > 0,
                "a key is called used that was not"
            );
        }
    }

    fn repeated(&mut self, used: Use, accepted: &Submitted) {
        let latest = self.see_the_time();
        let keep = self.settings.bounds.idempotency_keep;
        let until = accepted.created.saturating_add(keep).max(accepted.expires);
        if let Some((first, end)) = self.clients.results.get(&used)
            && latest < *end
        {
            assert_eq!(*first, accepted.id, "the same key brought two messages");
            assert_eq!(accepted.replayed, Replay::Repeated);
        }
        self.clients.results.insert(used, (accepted.id, until));
    }

    pub fn cancel(&mut self) {
        let known: Vec<MessageId> = self.clients.acked.values().rev().take(8).copied().collect();
        if known.is_empty() {
            return;
        }
        let id = *self.chance.pick(&known);
        self.note(&format!("cancel {}", id.sequence()));
        let (gateway, caller) = (self.node.gateway.clone(), self.node.caller(&self.key));
        let mut call: CancelCall = Box::pin(async move { gateway.cancel(&caller, id).await });
        let early = self.node.command(|_| poll_once(call.as_mut()));
        match early {
            Some(result) => self.cancelled(id, &result),
            None => self.clients.cancels.push((id, call)),
        }
    }

    fn cancelled(&mut self, id: MessageId, result: &Result<engine::MessageView, CancelError>) {
        let Ok(view) = result else { return };
        assert_eq!(view.state, domain::message::MessageState::Cancelled);
        self.clients.cancelled.insert(id.sequence());
        let mut seen = self.carrier.seen();
        seen.cancelled.insert(id.sequence());
        let may_have_left = seen.attempts.iter().any(|attempt| {
            attempt.token.message == id.sequence() && attempt.fate != super::carrier::Fate::Refused
        });
        assert!(!may_have_left, "{id} was cancelled after it may have left");
    }

    pub fn change_opt_out(&mut self) {
        let number = u16::try_from(self.chance.below(u64::from(NUMBERS))).unwrap();
        self.opt_out(number, self.chance.clone().happens(40));
        self.chance.next();
    }

    fn opt_out(&mut self, number: u16, out: bool) {
        self.note(&format!("opt-out of {number}: {out}"));
        let request = OptOutRequest {
            short_code: short_code(),
            number: handset(number),
            basis: Basis::Request,
            evidence: "a letter".into(),
        };
        let (gateway, caller) = (self.node.gateway.clone(), self.node.caller(&self.key));
        let mut call: Call<Result<OptOutView, OptOutError>> = Box::pin(async move {
            if out {
                gateway.record_opt_out(&caller, request).await
            } else {
                gateway.remove_opt_out(&caller, request).await
            }
        });
        if self.node.command(|_| poll_once(call.as_mut())).is_none() {
            self.clients.opt_outs.push(call);
        }
    }

    /// Somebody hangs up: what was queued goes on all the same.
    pub fn drop_a_call(&mut self) {
        if !self.clients.submits.is_empty() {
            self.note("a client hangs up");
            drop(self.clients.submits.swap_remove(0));
        }
    }

    pub fn read(&mut self) {
        let (gateway, caller) = (self.node.gateway.clone(), self.node.caller(&self.key));
        let query = MessageQuery {
            to: self.chance.happens(50).then(|| handset(1)),
            limit: 3,
            ..MessageQuery::default()
        };
        let mut call = Box::pin(async move { gateway.messages(&caller, query).await.map(drop) });
        let read = self.node.command(|_| poll_once(call.as_mut()));
        read.expect("a store in memory answers at once").unwrap();
    }

    /// The latest that the clock ever showed: what has ended once is forgotten for good.
    pub fn see_the_time(&mut self) -> Timestamp {
        let now = self.clock.peek();
        let latest = self.clients.latest.map_or(now, |latest| latest.max(now));
        self.clients.latest = Some(latest);
        latest
    }

    /// Hears every answer that has come.
    pub fn poll_calls(&mut self) {
        let calls = std::mem::take(&mut self.clients.submits);
        for (used, mut call) in calls {
            match poll_once(call.as_mut()) {
                Some(results) => self.submitted(used, &results),
                None => self.clients.submits.push((used, call)),
            }
        }
        let calls = std::mem::take(&mut self.clients.cancels);
        for (id, mut call) in calls {
            match poll_once(call.as_mut()) {
                Some(result) => self.cancelled(id, &result),
                None => self.clients.cancels.push((id, call)),
            }
        }
        let calls = std::mem::take(&mut self.clients.opt_outs);
        for mut call in calls {
            if poll_once(call.as_mut()).is_none() {
                self.clients.opt_outs.push(call);
            }
        }
    }

    /// Clients whose gateway died hear nothing more.
    pub fn hang_up_all(&mut self) {
        self.clients.submits.clear();
        self.clients.cancels.clear();
        self.clients.opt_outs.clear();
    }

    /// Whether somebody still waits for an answer.
    pub fn somebody_waits(&self) -> bool {
        let Clients {
            submits,
            cancels,
            opt_outs,
            ..
        } = &self.clients;
        !(submits.is_empty() && cancels.is_empty() && opt_outs.is_empty())
    }
}
