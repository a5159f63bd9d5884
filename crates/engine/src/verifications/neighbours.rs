//! Where others are asked, and told: whoever knows of SIMs, before a start is decided; the pumping guard, when
//! everything else of it is; and the guard again of every code that is sent and used.

use domain::verification::channel::Channel;
use domain::verification::pumping::{Ask, Reason};
use domain::verification::risk::SimRisk;
use domain::verification::state::State as Standing;
use ledger::Kind;
use tokio::sync::oneshot;

use super::settings::VerificationSettings;
use super::start::{StartVerification, StartVerificationError};
use crate::batch::Batch;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::pumping::PumpingRefusal;
use crate::settings::Settings;
use crate::sim_swap::SimCleared;
use crate::state::State;
use crate::state::verifications::Live;
use domain::time::Timestamp;

/// Why a code is too great a risk to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskRefusal {
    /// For what is known of the SIM, or not known.
    Sim(SimRisk),
    /// Since codes like it go unused.
    Pumping(Reason),
}

impl RiskRefusal {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sim(risk) => risk.code(),
            Self::Pumping(reason) => reason.code(),
        }
    }
}

/// A start that is refused, and where its reason is on the way to the ledger, the word of its arrival.
pub(super) struct TooRisky {
    pub(super) error: StartVerificationError,
    pub(super) recorded: Option<oneshot::Receiver<bool>>,
}

impl Gateway {
    /// Before a verification starts: no lock is held and nothing is claimed yet, so it may take its time.
    /// Resends do not come by here: the code is one that was begun when the SIM was good.
    pub(super) async fn may_verify(
        &self,
        caller: &Caller,
        terms: &VerificationSettings,
        request: &StartVerification,
    ) -> Result<SimCleared, StartVerificationError> {
        if !matches!(request.channel, Channel::Sms | Channel::Mo) {
            return Err(StartVerificationError::Channel);
        }
        if terms.fixed_lines.refuse(request.channel, request.to) {
            let (kind, now) = (Kind::VerificationStarted, self.now());
            let mut state = self.state();
            state.count_unverified(kind, caller.client, "fixed-line", now);
            return Err(StartVerificationError::FixedLine);
        }
        self.ask_about_sim(request.to).await.map_err(|risk| {
            let (now, word) = (self.now(), risk.code());
            let mut state = self.state();
            state.count_unverified(Kind::VerificationStarted, caller.client, word, now);
            state.counters.add(Counter::Risk(word), 1);
            StartVerificationError::Risk(RiskRefusal::Sim(risk))
        })
    }

    /// The same without asking anybody, when everything else of a start is decided: what answers yes here is
    /// sent, unless the message itself is refused.
    pub(super) fn may_send_code(
        &self,
        state: &mut State,
        settings: &Settings,
        live: &Live,
        now: Timestamp,
    ) -> Result<(), TooRisky> {
        let Some(ask) = ask(live) else { return Ok(()) };
        let judged = self.judge_pumping(state, settings, ask, now);
        judged.map_err(|PumpingRefusal { reason, recorded }| {
            let (client, word) = (live.holder.0, reason.code());
            state.count_unverified(Kind::VerificationStarted, client, word, now);
            let error = StartVerificationError::Risk(RiskRefusal::Pumping(reason));
            TooRisky { error, recorded }
        })
    }

    /// The same for a code that is to be sent once more: not while its prefix is blocked.
    pub(super) fn may_send_again(
        &self,
        state: &mut State,
        settings: &Settings,
        live: &Live,
        now: Timestamp,
    ) -> Result<(), RiskRefusal> {
        let Some(ask) = ask(live) else { return Ok(()) };
        let judged = self.judge_pumping_again(state, settings, ask, now);
        judged.map_err(|PumpingRefusal { reason, .. }| {
            let (client, word) = (live.holder.0, reason.code());
            state.count_unverified(Kind::VerificationResent, client, word, now);
            RiskRefusal::Pumping(reason)
        })
    }

    /// The first code of a verification is sent with the commit of this batch.
    pub(super) fn code_is_sent(&self, batch: &mut Batch, settings: &Settings, live: &Live) {
        if let Some(ask) = ask(live) {
            self.note_pumping_sent(batch, settings, ask);
        }
    }

    /// A check was evaluated with the commit of this batch; `live` is the verification after it.
    pub(super) fn code_was_checked(&self, batch: &mut Batch, live: &Live) {
        let is_sms = live.verification.channel() == Channel::Sms;
        if is_sms
            && live.verification.state(batch.at()) == Standing::Verified
            && let Some(ask) = ask(live)
        {
            self.note_pumping_verified(batch, ask);
        }
    }
}

/// What the guard is asked; nothing of a factor, for which nothing is sent.
fn ask(live: &Live) -> Option<Ask> {
    let client = live.holder.0;
    live.handset().map(|(_, to)| Ask { client, to })
}
