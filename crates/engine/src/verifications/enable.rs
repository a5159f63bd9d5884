//! An operator enables a number again whose codes are not looked at any more, since too many were wrong one
//! after the other. What the day has used up stays used up.

use domain::id::{ClientId, SubjectId};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::budget::LockReason;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::channel::Channel;
use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome};
use tokio::sync::oneshot;

use super::VerificationSettings;
use crate::batch::sound;
use crate::changes::{Changes, Write};
use crate::gateway::Gateway;
use crate::pumping::UnblockReason;
use crate::rows::Purpose;
use crate::vault::Sealed;

/// The channels whose codes a number has wrong.
const OF_NUMBERS: [Channel; 2] = [Channel::Sms, Channel::Mo];

/// What a failed check takes at least.
const COST: u8 = 1;

/// A number that is enabled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberEnabled {
    /// How many checks had failed one after the other: 1 to 255.
    pub failures: u8,
    /// Why its codes are still not looked at; `None` where they are.
    pub still: Option<LockReason>,
}

/// Why no number was enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnableError {
    /// The settings have no terms of verifications.
    #[error("verifications are not set up")]
    Off,
    /// Its codes are looked at, as far as it has a budget left.
    #[error(
        "the number is not disabled at this client; one that is locked for a day opens by itself"
    )]
    NotDisabled,
    /// It could not be recorded.
    #[error("nothing can be recorded now")]
    Unavailable,
}

/// Which number, at which client, by whom and why.
struct Asked<'a> {
    actor: &'a str,
    client: ClientId,
    number: Msisdn,
    why: &'a UnblockReason,
}

impl Gateway {
    /// Enables a number of a client for codes again.
    pub async fn enable_number(
        &self,
        actor: &str,
        (client, number): (ClientId, Msisdn),
        why: &UnblockReason,
    ) -> Result<NumberEnabled, EnableError> {
        let asked = Asked {
            actor,
            client,
            number,
            why,
        };
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(EnableError::Off)?;
        if !self.is_open() {
            self.turned_away(1);
            return Err(EnableError::Unavailable);
        }
        let (done, durable) = oneshot::channel();
        let enabled = self.queue_enabling(&asked, terms, done).await?;
        match durable.await {
            Ok(true) => Ok(enabled),
            _ => Err(EnableError::Unavailable),
        }
    }

    /// Decides and queues the commit, under the lock of the number.
    async fn queue_enabling(
        &self,
        asked: &Asked<'_>,
        terms: &VerificationSettings,
        done: oneshot::Sender<bool>,
    ) -> Result<NumberEnabled, EnableError> {
        let holder = (asked.client, self.blind().budget(asked.number));
        let held = self.number_locks.hold(&holder).await;
        let (now, generation) = (self.now(), self.generation());
        self.ensure_keys(now);
        let (id, sealed) = self.seal_enabled(asked.number, now)?;
        let state = self.state();
        // What was sealed under a key that never became durable would be lost.
        if self.is_halted() || generation != self.generation() {
            self.turned_away(1);
            return Err(EnableError::Unavailable);
        }
        let (enabled, budgets) = enable(&state.budgets.of(&holder), terms, self.steady())?;
        let row = state
            .budgets
            .row(&holder, budgets, || self.ids.sequence(now));
        let mut changes = Changes::new(told(asked, &id, &sealed, enabled.failures), now);
        changes.write(Write::Vault(sealed.row));
        changes.write(Write::Budget(Box::new(row.clone())));
        self.commit(changes, move |gateway, result| {
            if result.is_ok() {
                gateway.state().budgets.put(row, gateway.steady());
            } else {
                gateway.turned_away(1);
            }
            drop(held);
            let _ = done.send(result.is_ok());
        });
        drop(state);
        Ok(enabled)
    }

    /// The number lies beside the entry, not in it: `subject erase` finds it there.
    fn seal_enabled(
        &self,
        number: Msisdn,
        now: Timestamp,
    ) -> Result<(SubjectId, Sealed), EnableError> {
        let chance = self.entropy.as_ref();
        let id: SubjectId = self.ids.id(chance, now);
        let (owner, value) = (id.sequence(), number.reveal_e164());
        let sealed = self
            .vault
            .seal(owner, Purpose::Number, value.as_bytes(), chance, now);
        Ok((id, sealed.ok_or(EnableError::Unavailable)?))
    }
}

/// What a number has used up once it is enabled.
fn enable(
    budgets: &NumberBudgets,
    terms: &VerificationSettings,
    now: Timestamp,
) -> Result<(NumberEnabled, NumberBudgets), EnableError> {
    let room = |budgets: &NumberBudgets, channel: Channel| {
        let policy = terms.policy.checks(channel);
        budgets.of(channel).room(policy, COST, now).err()
    };
    let is_disabled = |channel: &Channel| room(budgets, *channel) == Some(LockReason::Disabled);
    let disabled: Vec<Channel> = OF_NUMBERS.into_iter().filter(is_disabled).collect();
    let failures = disabled
        .iter()
        .map(|channel| budgets.of(*channel).in_a_row());
    let failures = failures.max().ok_or(EnableError::NotDisabled)?;
    let anew = |budgets: NumberBudgets, channel: &Channel| budgets.proved_anew(*channel);
    let next = disabled.iter().fold(budgets.clone(), anew);
    let still = disabled.iter().find_map(|channel| room(&next, *channel));
    Ok((NumberEnabled { failures, still }, next))
}

/// `verification.enabled`: a user of the machine said so.
fn told(asked: &Asked<'_>, id: &SubjectId, sealed: &Sealed, failures: u8) -> Draft {
    let data = Facts::new()
        .put("basis", asked.why.as_str())
        .put("failures", u16::from(failures));
    let actor = Actor::os_user(&asked.actor);
    let draft = Draft::of(Kind::VerificationEnabled, actor, Outcome::Done)
        .origin(OriginType::Socket, &"control")
        .client(&asked.client)
        .object(ObjectType::Subject, id)
        .private(Purpose::Number.as_str(), &sealed.commitment)
        .data(data);
    sound(draft.build())
}
