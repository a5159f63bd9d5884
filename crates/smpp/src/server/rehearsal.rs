//! A session without a connection and without a gateway behind it: what is said at once to octets that came.
//! For fuzzers, and for the tests that replay what they found.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use engine::settings::{EsmeAccount, EsmeInbound, PasswordHash, SubmitAllowed};
use tokio::time::Instant;

use super::conversation::{Conversation, Flow, Phase};
use super::counters::ServerCounters;
use super::request::Ground;
use super::settings::ServerSettings;
use super::work::{Done, Work};
use crate::pdu::BindKind;
use crate::status::Status;

/// Whether the session is bound when the octets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsedPhase {
    /// It is not.
    Open,
    /// As a transceiver, under an account that may do the usual.
    Bound,
}

/// What a rehearsed session said.
#[derive(Debug)]
pub struct Rehearsed {
    /// The PDUs that it wrote at once.
    pub said: BytesMut,
    /// How many octets it took.
    pub taken: usize,
    /// How many pieces of work it would have given to the gateway.
    pub work: usize,
}

/// Lets a session hear these octets, then lets all of its time pass.
pub fn rehearse(octets: &[u8], phase: RehearsedPhase) -> Rehearsed {
    let settings = Arc::new(ServerSettings::default());
    let mut conversation = Conversation::new(settings, Arc::new(ServerCounters::default()));
    if phase == RehearsedPhase::Bound {
        conversation.begin(Phase::Bound(BindKind::Transceiver));
    }
    let account = account();
    let short_codes: Vec<_> = ShortCode::parse("12345").into_iter().collect();
    let ground = Ground {
        account: &account,
        short_codes: &short_codes,
        now: Timestamp::from_seconds(1_764_064_800),
    };
    let ground = (phase == RehearsedPhase::Bound).then_some(&ground);
    let (mut said, mut work) = (BytesMut::new(), Vec::new());
    let (taken, _) = conversation.take(octets, ground, &mut said, &mut work);
    conversation.check_timers(Instant::now(), &mut said);
    Rehearsed {
        said,
        taken,
        work: work.len(),
    }
}

/// Lets a session hear these octets from its beginning, so many at a time, before an engine that takes every bind and
/// has lost every message. What comes after the session's end is not heard.
pub fn rehearse_session(octets: &[u8], piece: usize) -> Rehearsed {
    let settings = Arc::new(ServerSettings::default());
    let mut conversation = Conversation::new(settings, Arc::new(ServerCounters::default()));
    let account = account();
    let short_codes: Vec<_> = ShortCode::parse("12345").into_iter().collect();
    let ground = Ground {
        account: &account,
        short_codes: &short_codes,
        now: Timestamp::from_seconds(1_764_064_800),
    };
    let mut rehearsed = Rehearsed {
        said: BytesMut::new(),
        taken: 0,
        work: 0,
    };
    let mut held = Vec::new();
    for more in octets.chunks(piece.max(1)) {
        held.extend_from_slice(more);
        loop {
            let is_bound = matches!(conversation.phase(), Phase::Bound(_));
            let ground = is_bound.then_some(&ground);
            let (said, mut work) = (&mut rehearsed.said, Vec::new());
            let (taken, flow) = conversation.take(&held, ground, said, &mut work);
            held.drain(..taken);
            rehearsed.taken += taken;
            rehearsed.work += work.len();
            let asked = work.len();
            for work in work {
                answer(work, &mut conversation, said);
            }
            if flow != Flow::Continue || matches!(conversation.phase(), Phase::Leaving(_)) {
                return rehearsed;
            }
            if asked == 0 {
                break;
            }
        }
    }
    rehearsed
}

fn answer(work: Work, conversation: &mut Conversation, out: &mut BytesMut) {
    let lost = Status::SYSTEM_ERROR;
    let done = match work {
        Work::Bind(bind) => return conversation.bound((bind.sequence, bind.kind), Ok(()), out),
        Work::Submit(one) => Done::Submit {
            sequences: one.sequences,
            outcome: Err(lost),
        },
        Work::Multi(many) => Done::Multi {
            sequence: many.sequence,
            outcomes: many
                .items
                .into_iter()
                .map(|item| (item.address, Err(lost)))
                .collect(),
        },
        Work::Query { sequence, .. } => Done::Query {
            sequence,
            outcome: Err(lost),
        },
        Work::Cancel { sequence, .. } => Done::Cancel {
            sequence,
            outcome: Err(lost),
        },
        Work::Fetch(..) => Done::Fetched(Vec::new()),
    };
    done.write(conversation, out);
}

fn account() -> EsmeAccount {
    EsmeAccount {
        client: ClientId::new(1, 1),
        password: PasswordHash::of(b""),
        networks: Vec::new(),
        certificates: Vec::new(),
        certificate_names: Vec::new(),
        binds_max: 1,
        binds_per_minute_max: 60,
        class: TrafficClass::Alert,
        service_types: BTreeMap::new(),
        allowed: SubmitAllowed::default(),
        inbound: EsmeInbound::All,
    }
}
