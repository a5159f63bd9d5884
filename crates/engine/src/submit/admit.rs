//! Whether a message that is ready is taken on: the questions of admission, which are free to ask, and
//! behind them the limits, which count what they grant.

use std::time::Duration;

use domain::admission::{Facts, Origin, Room, Route};
use domain::class::TrafficClass;
use domain::consent::Standing;
use domain::id::ClientId;
use domain::limit::book::Meter;
use domain::limit::facts::{Event, Facts as Counted};
use domain::time::Timestamp;
use domain::verification::pumping::Ask;
use ledger::{Kind, Outcome};

use super::{Early, Intake, Prepared, SubmitError};
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::limits::Throttled;
use crate::metrics::Counter;
use crate::settings::Settings;
use crate::state::State;

/// When to come back to a full queue.
const QUEUE_RETRY: Duration = Duration::from_secs(5);

impl Gateway {
    pub(super) fn facts(
        &self,
        state: &State,
        settings: &Settings,
        intake: &Intake,
        prepared: &Prepared,
    ) -> Facts {
        let code = settings.short_codes.get(&prepared.head.from);
        let suppressed = state
            .opt_outs
            .contains_key(&(prepared.head.from, self.blind().suppression(prepared.to)));
        let class = prepared.head.class;
        let most = settings
            .bounds
            .queue_max
            .get(class.index())
            .copied()
            .unwrap_or(0);
        let is_full = state.queue.is_full(class, intake.client, most);
        Facts {
            origin: intake.origin,
            class,
            short_code: intake.grant,
            classes: intake.classes,
            route: if code.is_some() {
                Route::Known
            } else {
                Route::None
            },
            reach: settings.limits.countries.allow(&prepared.destination),
            standing: if suppressed {
                Standing::OptedOut
            } else {
                Standing::Open
            },
            opt_out_scope: code.map(|code| code.opt_out_scope).unwrap_or_default(),
            queue: if is_full {
                Room::Full(QUEUE_RETRY)
            } else {
                Room::Free
            },
        }
    }

    /// Asks every limit that counts the message, and takes from all of them when none refuses. What is
    /// taken belongs to this command and is never given back, whatever becomes of its commit. The
    /// gateway's own answer to a keyword is counted by none: a person asked for it with a message.
    pub(super) fn take_message(
        &self,
        settings: &Settings,
        intake: &Intake,
        prepared: &Prepared,
    ) -> Result<Option<Meter>, Throttled> {
        if intake.origin == Origin::KeywordReply {
            return Ok(None);
        }
        let facts = Counted {
            client: intake.client,
            group: settings.limits.group_of(intake.client),
            short_code: Some(prepared.head.from),
            class: Some(prepared.head.class),
            campaign: prepared.head.campaign.as_deref(),
            destination: Some(prepared.destination),
            source: intake.shown.map(|shown| shown.source),
            system_id: prepared
                .head
                .esme
                .as_ref()
                .map(|esme| esme.system_id.as_str()),
            segments: u32::try_from(prepared.body.segments.len()).unwrap_or(u32::MAX),
            cost_micros: prepared.cost_micros,
            ..Counted::new(Event::Message)
        };
        self.limits
            .take_message(&facts, prepared.id.sequence(), self.uptime())
    }
}

impl Gateway {
    /// Whether the guard against pumping lets an application's own code through: not to a prefix that is blocked.
    /// The code is not counted, since nobody tells the gateway whether it was used.
    pub(super) fn may_pass_guard(
        &self,
        state: &mut State,
        settings: &Settings,
        caller: &Caller,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        if prepared.head.class != TrafficClass::Otp {
            return Ok(());
        }
        let ask = Ask {
            client: caller.client,
            to: prepared.to,
        };
        self.judge_message(state, settings, ask, now)
            .map_err(SubmitError::Pumping)
    }
}

/// Counts a message that was not taken on, in the ledger within a second and in the metrics, and ends its
/// request.
pub(crate) fn refused(
    state: &mut State,
    client: ClientId,
    error: SubmitError,
    now: Timestamp,
) -> Early {
    count(state, client, &error, now);
    Early::Error(error)
}

fn count(state: &mut State, client: ClientId, error: &SubmitError, now: Timestamp) {
    let who = Who::Client(client);
    let code = match error {
        SubmitError::Refused(refusal) => {
            let kind = Kind::MessageRefused;
            let code = refusal.code();
            state
                .coalescer
                .count(kind, Outcome::Refused, who, code, now);
            code
        }
        SubmitError::Pumping(reason) => {
            let (kind, code) = (Kind::MessageRefused, reason.code());
            state
                .coalescer
                .count(kind, Outcome::Refused, who, code, now);
            code
        }
        SubmitError::Throttled(throttled) => {
            let limit = throttled.limit();
            state
                .coalescer
                .throttled(Kind::MessageRefused, who, limit, now);
            Throttled::CODE
        }
        _ => return,
    };
    state.counters.add(Counter::Refused(code), 1);
}
