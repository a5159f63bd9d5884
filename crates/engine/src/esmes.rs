//! ESMEs: who may bind, which is recorded before it is answered, and what a bind may do from then on, which
//! is looked up anew each time. An account acts for a client. The protocol is the edge's.

mod certificates;
mod deliveries;
mod receipts;
mod seats;
mod silent;
mod watch;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::ClientId;
use domain::limit::facts::{Event, Facts};
use domain::system_id::SystemId;
use domain::time::Timestamp;
use ledger::{Kind, Outcome};
use tokio::sync::oneshot;

use crate::changes::Changes;
use crate::client::{Caller, PeerCertificate};
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::{Counter, MetricKind, MetricRow};
use crate::settings::{EsmeAccount, EsmeSettings, PasswordHash};
use seats::{NoSeat, Seats};
use silent::Silent;
use watch::{Attempt, Watch};

pub use deliveries::{EsmeContent, EsmeDeliveries, EsmeDelivery};
pub use receipts::EsmeReceipts;

/// What a bind is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EsmeBind {
    /// It submits.
    Transmitter,
    /// It is delivered to.
    Receiver,
    /// Both.
    Transceiver,
}

impl EsmeBind {
    /// The word in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transmitter => "transmitter",
            Self::Receiver => "receiver",
            Self::Transceiver => "transceiver",
        }
    }
}

/// What an ESME shows to be let in. `Debug` masks it.
#[derive(Clone)]
pub struct BindAttempt<'a> {
    /// What it is to be for.
    pub bind: EsmeBind,
    /// The name that it gives.
    pub system_id: &'a [u8],
    /// The password that it gives.
    pub password: &'a [u8],
    /// Where it comes from.
    pub source: IpAddr,
    /// The certificate that it showed and holds the key of.
    pub certificate: Option<PeerCertificate>,
}

impl std::fmt::Debug for BindAttempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BindAttempt({})", self.bind.as_str())
    }
}

/// Why an ESME is not let in. Whoever asks is told no more than that; the ledger says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindRefused {
    /// What it showed is not enough. The answer is to come after a pause, the same for every cause.
    #[error("the bind is refused")]
    Denied {
        /// The pause.
        pause: Duration,
    },
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

/// The cause of a refusal, in entries and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Unknown,
    Password,
    Network,
    Certificate,
    Client,
    Full,
    Spent,
    Banned,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "bind-unknown",
            Self::Password => "bind-password",
            Self::Network => "bind-network",
            Self::Certificate => "bind-certificate",
            Self::Client => "bind-client",
            Self::Full => "bind-too-many",
            Self::Spent => "bind-too-often",
            Self::Banned => "bind-banned",
        }
    }
}

/// The account that a bind was under is no longer what let it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account was removed, or may no longer be used from there")]
pub struct EsmeGone;

/// How a bind ended, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EsmeEnd {
    /// It said so.
    Unbound,
    /// The connection ended.
    Closed,
    /// Nothing came from it for too long.
    Idle,
    /// It did not read, or did not answer.
    Stalled,
    /// It broke the protocol.
    Broken,
    /// Its account was removed or may no longer be used.
    Gone,
    /// The gateway stops.
    Stopped,
}

impl EsmeEnd {
    /// The word in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unbound => "unbound",
            Self::Closed => "closed",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Broken => "broken",
            Self::Gone => "gone",
            Self::Stopped => "stopped",
        }
    }
}

/// Who is bound, and who failed to.
#[derive(Debug, Default)]
pub(crate) struct Esmes {
    inside: Mutex<Inside>,
    queues: deliveries::Queues,
    /// Messages whose end none of them is told.
    pub(crate) silent: Silent,
}

#[derive(Debug, Default)]
struct Inside {
    watch: Watch,
    seats: Seats,
    shown: certificates::LastShown,
}

impl Esmes {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ESME that is bound. It keeps its place among the binds of its account until it is dropped.
#[derive(Debug)]
pub struct BoundEsme {
    gateway: Arc<Gateway>,
    system_id: SystemId,
    client: ClientId,
    bind: EsmeBind,
    source: IpAddr,
    certificate: Option<PeerCertificate>,
}

impl BoundEsme {
    /// Its account.
    pub const fn system_id(&self) -> &SystemId {
        &self.system_id
    }

    /// What it may do as of now.
    pub fn standing(&self) -> Result<(Caller, Arc<EsmeAccount>), EsmeGone> {
        let settings = self.gateway.settings();
        let account = settings.esmes.accounts.get(&self.system_id);
        let account = account.ok_or(EsmeGone)?;
        let now = self.gateway.now();
        let shown = self.certificate.as_ref();
        let shown = shown.filter(|shown| shown.is_valid(now));
        if account.client != self.client || place(account, self.source, shown).is_err() {
            return Err(EsmeGone);
        }
        let caller = self
            .gateway
            .esme_caller(account, &self.system_id, self.source);
        Ok((caller.ok_or(EsmeGone)?, Arc::clone(account)))
    }

    /// Records that it ended.
    pub fn end(self, why: EsmeEnd) {
        let end = entries::esme::unbound(&self.seen(), why);
        self.gateway.record_esme(end, self.gateway.now());
    }

    fn seen(&self) -> entries::esme::Seen<'_> {
        entries::esme::Seen {
            client: &self.client,
            system_id: &self.system_id,
            bind: self.bind,
            source: &self.source,
        }
    }
}

impl Drop for BoundEsme {
    fn drop(&mut self) {
        self.gateway.esmes.inside().seats.free(&self.system_id);
    }
}

impl Gateway {
    /// Lets an ESME in, or not. A success is durable before it is answered; a failure is counted.
    pub async fn bind_esme(&self, attempt: BindAttempt<'_>) -> Result<BoundEsme, BindRefused> {
        let now = self.now();
        if !self.is_open() {
            self.turned_away(1);
            return Err(BindRefused::Unavailable);
        }
        let bound = self.admit_esme(&attempt, now)?;
        let (done, durable) = oneshot::channel();
        // A certificate that nobody asked for proves nothing.
        let is_pinned = bound
            .standing()
            .is_ok_and(|(_, account)| account.asks_for_certificate());
        let proof = if is_pinned {
            entries::esme::Proof::PasswordAndCertificate
        } else {
            entries::esme::Proof::Password
        };
        let draft = entries::esme::bound(&bound.seen(), proof);
        let state = self.state();
        self.commit(Changes::new(draft, now), move |gateway, result| {
            if result.is_err() {
                gateway.turned_away(1);
            }
            let _ = done.send(result.is_ok());
        });
        drop(state);
        match durable.await {
            Ok(true) => {
                self.esmes.inside().shown.by(&bound);
                Ok(bound)
            }
            _ => Err(BindRefused::Unavailable),
        }
    }

    fn admit_esme(
        &self,
        attempt: &BindAttempt<'_>,
        now: Timestamp,
    ) -> Result<BoundEsme, BindRefused> {
        let settings = self.settings();
        let esmes = &settings.esmes;
        let system_id = SystemId::parse(attempt.system_id).ok();
        let found = system_id.and_then(|id| Some((esmes.accounts.get(&id)?, id)));
        let found = found.map(|(account, id)| (Arc::clone(account), id));
        // Somebody's password is compared in any case, so that the time tells nothing.
        let nobody = PasswordHash::of(b"");
        let account = found.as_ref().map(|(account, _)| account);
        let password = account.map_or(&nobody, |account| &account.password);
        let is_right = password.is_of(attempt.password) && account.is_some();
        let shown = attempt.certificate.as_ref();
        let shown = shown.filter(|shown| shown.is_valid(now));
        let stands = self.stands(found.as_ref(), attempt.source, shown);
        let watched = Attempt {
            source: attempt.source,
            name: attempt.system_id,
            account: found
                .as_ref()
                .filter(|_| stands.is_ok())
                .map(|(_, system_id)| system_id),
        };
        let uptime = self.uptime();
        let banned = self.esmes.inside().watch.is_banned(&watched, uptime);
        let cause = match stands {
            _ if banned || self.binds_are_spent(&watched) => Cause::Banned,
            Err(cause) => cause,
            // Without a place nothing is said of the password: it would tell that it is right.
            Ok(()) => match self.seat(esmes, (attempt, &watched)) {
                Err(cause) => cause,
                Ok(bound) if is_right => {
                    self.esmes.inside().watch.succeeded(&watched);
                    return Ok(bound);
                }
                Ok(bound) => {
                    self.unseat(esmes, bound);
                    Cause::Password
                }
            },
        };
        Err(self.refuse_esme(esmes, (&watched, found.as_ref()), cause, now))
    }

    /// Whether an account may be used from there at all.
    fn stands(
        &self,
        found: Option<&(Arc<EsmeAccount>, SystemId)>,
        source: IpAddr,
        shown: Option<&PeerCertificate>,
    ) -> Result<(), Cause> {
        let (account, system_id) = found.ok_or(Cause::Unknown)?;
        place(account, source, shown)?;
        let caller = self.esme_caller(account, system_id, source);
        caller.map(|_| ()).ok_or(Cause::Client)
    }

    fn esme_caller(
        &self,
        account: &EsmeAccount,
        system_id: &SystemId,
        source: IpAddr,
    ) -> Option<Caller> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        directory.esme(account, (system_id, source))
    }

    /// Whether the limits on binds leave no attempt from there; they outlive a restart.
    fn binds_are_spent(&self, watched: &Attempt<'_>) -> bool {
        self.limits.is_spent(&facts(watched), self.uptime())
    }

    /// A place among the binds of the account, for somebody whose password is not looked at yet.
    fn seat(
        &self,
        esmes: &EsmeSettings,
        (attempt, watched): (&BindAttempt<'_>, &Attempt<'_>),
    ) -> Result<BoundEsme, Cause> {
        let system_id = watched.account.ok_or(Cause::Unknown)?;
        let account = esmes.accounts.get(system_id).ok_or(Cause::Unknown)?;
        let gateway = self.myself().ok_or(Cause::Full)?;
        let uptime = self.uptime();
        let taken = self.esmes.inside().seats.take(system_id, account, uptime);
        taken.map_err(|none| match none {
            NoSeat::Full => Cause::Full,
            NoSeat::Spent => Cause::Spent,
        })?;
        Ok(BoundEsme {
            gateway,
            system_id: system_id.clone(),
            client: account.client,
            bind: attempt.bind,
            source: attempt.source,
            certificate: attempt.certificate.clone(),
        })
    }

    /// Takes the place back from somebody whose password is wrong.
    fn unseat(&self, esmes: &EsmeSettings, bound: BoundEsme) {
        if let Some(account) = esmes.accounts.get(&bound.system_id) {
            let mut inside = self.esmes.inside();
            inside.seats.forgive(&bound.system_id, account);
        }
        drop(bound);
    }

    /// Counts a refusal, in the ledger within a second and in the metrics.
    fn refuse_esme(
        &self,
        esmes: &EsmeSettings,
        (watched, found): (&Attempt<'_>, Option<&(Arc<EsmeAccount>, SystemId)>),
        cause: Cause,
        now: Timestamp,
    ) -> BindRefused {
        let uptime = self.uptime();
        // Who is shut out, or has bound too often, has failed no more than before.
        let pause = match cause {
            Cause::Banned => BANNED_PAUSE,
            // The right password waits as long as a wrong one: neither was looked at.
            Cause::Full | Cause::Spent => {
                self.esmes
                    .inside()
                    .watch
                    .pause(watched, &esmes.door, uptime)
            }
            _ => {
                // Past its limit it would be refused next time.
                let _ = self.limits.take(&facts(watched), uptime);
                let mut inside = self.esmes.inside();
                inside.watch.failed(watched, &esmes.door, uptime)
            }
        };
        let who = match found {
            Some((account, _)) => Who::client_at(account.client, watched.source),
            None => Who::network(watched.source),
        };
        let mut state = self.state();
        state
            .coalescer
            .count(Kind::AuthFailed, Outcome::Refused, who, cause.as_str(), now);
        state.counters.add(Counter::AuthFailed(cause.as_str()), 1);
        BindRefused::Denied { pause }
    }

    /// Records something that nobody waits for.
    fn record_esme(&self, draft: ledger::Draft, now: Timestamp) {
        let state = self.state();
        self.commit(Changes::new(draft, now), |_, _| {});
        drop(state);
    }

    /// How many ESMEs are bound, by account.
    pub(crate) fn esme_rows(&self) -> Vec<MetricRow> {
        let inside = self.esmes.inside();
        let mut bound: Vec<_> = inside.seats.taken().collect();
        bound.sort();
        let row = |(system_id, count): (&SystemId, usize)| MetricRow {
            name: "shortstop_esme_binds",
            help: "ESMEs that are bound now, by account.",
            kind: MetricKind::Gauge,
            labels: vec![("system_id", system_id.to_string())],
            value: u64::try_from(count).unwrap_or(u64::MAX),
        };
        bound.into_iter().map(row).collect()
    }
}

/// Who is not even looked at waits as long as the third failure.
const BANNED_PAUSE: Duration = Duration::from_secs(1);

fn facts<'a>(watched: &Attempt<'a>) -> Facts<'a> {
    Facts {
        source: Some(watched.source),
        // Under another's name only that one's own can fail.
        system_id: watched.account.map(SystemId::as_str),
        ..Facts::new(Event::Bind)
    }
}

/// Whether an account may be used from there, with what was shown.
fn place(
    account: &EsmeAccount,
    source: IpAddr,
    shown: Option<&PeerCertificate>,
) -> Result<(), Cause> {
    let source = source.to_canonical();
    let networks = &account.networks;
    if !networks.is_empty() && !networks.iter().any(|network| network.contains(&source)) {
        return Err(Cause::Network);
    }
    let suits = |shown: &PeerCertificate| {
        let names = &account.certificate_names;
        account.certificates.contains(&shown.sha256)
            || shown.names.iter().any(|name| names.contains(name))
    };
    if account.asks_for_certificate() && !shown.is_some_and(suits) {
        return Err(Cause::Certificate);
    }
    Ok(())
}
