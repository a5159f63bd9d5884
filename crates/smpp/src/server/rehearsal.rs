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

use super::conversation::{Conversation, Phase};
use super::counters::ServerCounters;
use super::request::Ground;
use super::settings::ServerSettings;
use crate::pdu::BindKind;

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

fn account() -> EsmeAccount {
    EsmeAccount {
        client: ClientId::new(1, 1),
        password: PasswordHash::of(b""),
        networks: Vec::new(),
        certificates: Vec::new(),
        certificate_names: Vec::new(),
        binds_max: 1,
        class: TrafficClass::Alert,
        service_types: BTreeMap::new(),
        allowed: SubmitAllowed::default(),
        inbound: EsmeInbound::All,
    }
}
