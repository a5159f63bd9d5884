//! Verifications: a person proves to one of the firm's applications that a handset or a factor is theirs. What may
//! happen is decided by `domain::verification`; here stands the order of steps. Every command holds the
//! lock of its client and number from reading to the durable commit, an attempt and its result are one
//! commit, and nothing tells of the result before it.

use domain::id::{ClientId, FactorId, MessageId, VerificationId};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use domain::verification::channel::Channel;
use domain::verification::code::CodeLength;
use domain::verification::state::State as Standing;
use ledger::{Kind, Outcome};

use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::queries::LookupError;
use crate::rows::{VerificationFacts, VerificationRow};
use crate::state::State;
use crate::state::verifications::{Holder, Live};

mod cancel;
mod check;
mod claim;
mod draw;
mod enable;
mod entries;
mod expiry;
mod idle;
mod load;
mod locks;
mod neighbours;
mod on_factor;
mod plan;
#[cfg(feature = "racy-checks")]
mod racy;
mod receipt;
mod resend;
pub(crate) mod secret;
mod served;
mod served_check;
mod services;
mod settings;
mod start;
mod table;
mod texted;

pub use check::{CheckAnswer, CheckError, CheckRequest};
pub use enable::{EnableError, NumberEnabled};
pub(crate) use locks::{Held, NumberLocks};
pub use neighbours::RiskRefusal;
pub use on_factor::StartOnFactor;
pub use receipt::{EndProof, VerificationReceipt};
pub use resend::ResendError;
pub use served::{ServedView, ServiceStart, ServiceStartError};
pub use served_check::{ServedCheck, ServedCheckError, Sought};
pub use services::{
    ServiceSort, VERIFY_SERVICES_MAX, VerifyServiceError, VerifyServiceView, VerifyServiceWish,
};
pub use settings::VerificationSettings;
pub use start::{StartVerification, StartVerificationError, VerificationStarted};
pub(crate) use texted::{Text, Texted};

/// The channels that a person may use in place of another, as far as this gateway knows.
const OFFERED: [Channel; 2] = [Channel::Sms, Channel::Mo];

/// The same of a user of factors: which handset is theirs is not known here.
const OFFERED_TO_USERS: [Channel; 2] = [Channel::Totp, Channel::Recovery];

/// A verification as its client sees it. It says nothing of the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationView {
    /// Its id.
    pub id: VerificationId,
    /// Where it stands.
    pub state: Standing,
    /// How its code travels.
    pub channel: Channel,
    /// The short code of its messages, either way; `None` where it asks for a factor.
    pub from: Option<ShortCode>,
    /// The factor that it asks for, where it asks for one.
    pub factor: Option<FactorId>,
    /// How many digits its code has; `None` of a recovery code.
    pub length: Option<CodeLength>,
    /// When it began.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When its code ends.
    pub expires: Timestamp,
    /// How many more checks are evaluated: 0 once it ended, and where its factor was removed.
    pub checks_left: u8,
    /// How many more times its code may be sent: 0 once it ended, and where none is sent.
    pub sends_left: u8,
    /// The messages that carried its code, oldest first.
    pub messages: Vec<MessageId>,
}

/// There is no such verification that can go on: it is unknown, another client's, or ended. All of these
/// look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelVerificationError {
    /// No such verification.
    #[error("no such verification")]
    NotFound,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl VerificationView {
    fn of(
        id: VerificationId,
        (created, expires): (Timestamp, Timestamp),
        facts: &VerificationFacts,
        now: Timestamp,
    ) -> Self {
        let state = match facts.ended {
            Some(ended) => ended,
            None if now >= expires => Standing::Expired,
            None => Standing::Pending,
        };
        let left = |most: u8, used: u8| match state {
            Standing::Pending => most.saturating_sub(used),
            _ => 0,
        };
        Self {
            id,
            state,
            channel: facts.channel,
            from: facts.from,
            factor: facts.factor,
            length: (facts.channel != Channel::Recovery).then_some(facts.length),
            created,
            updated: facts.latest,
            expires,
            checks_left: left(facts.checks_max, facts.checks),
            sends_left: match facts.channel {
                Channel::Sms => left(facts.sends_max, facts.sends),
                Channel::Mo | Channel::Totp | Channel::Recovery => 0,
            },
            messages: facts.messages.clone(),
        }
    }

    fn of_row(row: &VerificationRow, now: Timestamp) -> Self {
        Self::of(row.id, (row.created, row.expires), &row.facts, now)
    }

    fn of_live(live: &Live, now: Timestamp) -> Self {
        let created = live.verification.to_stored().started;
        let times = (created, live.verification.expires());
        Self::of(live.id, times, &live.facts(), now)
    }
}

impl Gateway {
    /// Shows a verification of this client, ended or not. It is read from what is durable, so that it
    /// tells of no result before its commit.
    pub async fn verification(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationView, LookupError> {
        let row = self.read_own(caller, id, "").await?;
        let mut view = VerificationView::of_row(&row, self.now());
        if view.state == Standing::Pending
            && let Some(factor) = view.factor
        {
            match self.own_factor(caller, factor).await {
                Ok(_) => {}
                // Nothing judges a code any more, though it ends only with its time.
                Err(LookupError::NotFound) => view.checks_left = 0,
                Err(error) => return Err(error),
            }
        }
        Ok(view)
    }

    /// Reads one of this client's, and counts that it was read.
    async fn read_own(
        &self,
        caller: &Caller,
        id: VerificationId,
        reason: &'static str,
    ) -> Result<VerificationRow, LookupError> {
        let row = self.find_own(caller, id).await?;
        self.count_read_verification(caller, reason);
        Ok(row)
    }

    /// The same, and does not count it.
    async fn find_own(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationRow, LookupError> {
        let found = self.store.verification(id).await;
        let row = found.map_err(|error| self.unread(error))?;
        let mine = row.filter(|row| row.client == caller.client);
        mine.ok_or(LookupError::NotFound)
    }

    fn count_read_verification(&self, caller: &Caller, reason: &'static str) {
        let (now, who) = (self.now(), Who::Client(caller.client));
        let (kind, outcome) = (Kind::VerificationRead, Outcome::Done);
        let mut state = self.state();
        state.coalescer.count(kind, outcome, who, reason, now);
    }

    /// Whose a client's verification is that has not ended, to hold the lock.
    fn holder_of(&self, caller: &Caller, id: VerificationId) -> Option<Holder> {
        let state = self.state();
        let live = state.verifications.get(caller.client, id)?;
        Some(live.holder)
    }
}

impl State {
    /// Counts a command that was not carried out.
    fn count_unverified(
        &mut self,
        kind: Kind,
        client: ClientId,
        reason: &'static str,
        now: Timestamp,
    ) {
        let who = Who::Client(client);
        self.coalescer
            .count(kind, Outcome::Refused, who, reason, now);
        self.counters.add(Counter::VerificationRefused(reason), 1);
    }
}
