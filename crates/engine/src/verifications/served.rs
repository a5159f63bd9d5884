//! Verifications under a verify service. Of one number and one service a client has one that awaits its code: to
//! begin it again is to send the same code once more, and to begin it for another act is to take its place.

use domain::id::{VerificationId, VerifyServiceId};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::binding::Binding;
use domain::verification::channel::Channel;
use domain::verification::state::State as Standing;
use domain::verification::template::insert::{Brand, Occasion, Purpose};
use domain::verification::template::language::Locale;
use domain::verification::template::last_line::LastLine;

use super::entries::{self, By};
use super::start::{Ended, StartVerification, StartVerificationError, Starting};
use super::{CancelVerificationError, ResendError, VerificationStarted, VerificationView};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::queries::LookupError;
use crate::rows::{ActRule, VerificationRow};
use crate::state::State;
use crate::state::verifications::Live;
use crate::submit::SubmitError;

/// How often a start and a resend that miss each other are tried: each miss takes an end or a beginning
/// between two looks.
const ROUNDS: u8 = 3;

/// A well-formed request to verify a number under a verify service.
#[derive(Clone, Debug)]
pub struct ServiceStart {
    /// The handset.
    pub to: Msisdn,
    /// The locales of the person, the preferred one first.
    pub locales: Vec<Locale>,
    /// What a browser or an app reads.
    pub last_line: LastLine,
    /// The act that the code is for.
    pub binding: Binding,
}

/// A verification under a verify service, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedView {
    /// It.
    pub view: VerificationView,
    /// Its number; `None` once erased.
    pub to: Option<Msisdn>,
}

/// Why no code is sent under a verify service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceStartError {
    /// This client has no such service.
    #[error("no such verify service")]
    NoService,
    /// The service asks for an amount and a payee.
    #[error("the verify service asks for an amount and a payee")]
    ActMissing,
    /// Why none begins.
    #[error(transparent)]
    Start(#[from] StartVerificationError),
    /// Why the code of the one that is underway is not sent once more.
    #[error(transparent)]
    Resend(#[from] ResendError),
}

/// Under which service one begins, and for which act.
pub(super) struct Serving {
    id: VerifyServiceId,
    brand: Brand,
    binding: Binding,
}

impl Serving {
    pub(super) const fn id(&self) -> VerifyServiceId {
        self.id
    }

    pub(super) const fn brand(&self) -> &Brand {
        &self.brand
    }

    /// Whether a verification awaits its code, for the same act.
    fn is_same(&self, live: &Live) -> bool {
        let digest = self.binding.digest(&live.key);
        digest.matches(&live.verification.binding())
    }
}

/// What comes of a start.
pub(super) enum Start {
    Begun(Box<VerificationStarted>),
    /// The one that is there awaits its code.
    Underway,
}

impl Gateway {
    /// Sends a code under a verify service: of a new verification, or once more of the one that awaits it.
    pub async fn start_in_service(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        request: ServiceStart,
    ) -> Result<ServedView, ServiceStartError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(StartVerificationError::Off)?;
        let service = self.service_of(caller, service);
        let service = service.ok_or(ServiceStartError::NoService)?;
        if service.acts == ActRule::Required && !request.binding.names_payment() {
            return Err(ServiceStartError::ActMissing);
        }
        let serving = Serving {
            id: service.id,
            brand: service.brand(terms),
            binding: request.binding.clone(),
        };
        let to = request.to;
        let request = request.with_length(service.length);
        let view = self.start_or_resend(caller, &serving, request).await?;
        let to = Some(to);
        Ok(ServedView { view, to })
    }

    async fn start_or_resend(
        &self,
        caller: &Caller,
        serving: &Serving,
        request: StartVerification,
    ) -> Result<VerificationView, ServiceStartError> {
        for _ in 0..ROUNDS {
            if let Some(id) = self.awaited_under(caller, serving, request.to) {
                match self.resend_verification(caller, id).await {
                    // It ended since it was looked for.
                    Err(ResendError::NotFound) => {}
                    sent => return Ok(sent?),
                }
            }
            let start = self.start_under(caller, request.clone(), (None, Some(serving)));
            if let Start::Begun(started) = start.await? {
                return Ok(started.view);
            }
        }
        Err(StartVerificationError::from(SubmitError::Busy).into())
    }

    /// The one that awaits its code for the same number and act.
    fn awaited_under(
        &self,
        caller: &Caller,
        serving: &Serving,
        to: Msisdn,
    ) -> Option<VerificationId> {
        let holder = (caller.client, self.blind().budget(to));
        let now = self.now();
        let state = self.state();
        let live = state.verifications.current(&holder, serving.id)?;
        let is_it = live.verification.state(now) == Standing::Pending && serving.is_same(live);
        is_it.then_some(live.id)
    }

    /// Ends the verification in whose place another begins.
    pub(super) fn replace(
        &self,
        state: &mut State,
        batch: &mut Batch,
        caller: &Caller,
        before: Option<Live>,
    ) -> Option<Live> {
        let before = before?;
        let cancelled = before.verification.cancel(batch.at()).ok()?;
        let (next, update) = before.moved(cancelled);
        let by = By::Client(caller);
        batch.entry(entries::ended(by, &next, Standing::Cancelled));
        self.withdraw(state, batch, caller, &next);
        batch.write(Write::VerificationUpdate(Box::new(update)));
        Some(next)
    }

    /// Shows a verification of this client under a verify service, ended or not. Its number is opened.
    pub async fn verification_in_service(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        id: VerificationId,
    ) -> Result<ServedView, LookupError> {
        let service = self.service_of(caller, service);
        let service = service.ok_or(LookupError::NotFound)?;
        let row = self.find_own(caller, id).await?;
        if row.facts.service != Some(service.id) {
            return Err(LookupError::NotFound);
        }
        self.count_read_verification(caller, "");
        let to = self.number_of(&row).await?;
        let view = VerificationView::of_row(&row, self.now());
        Ok(ServedView { view, to })
    }

    /// The number that the code of a verification was sent to, which its first message has too.
    async fn number_of(&self, row: &VerificationRow) -> Result<Option<Msisdn>, LookupError> {
        let Some(message) = row.facts.messages.first() else {
            return Ok(None);
        };
        let found = self.store.message(*message).await;
        let found = found.map_err(|error| self.unread(error))?;
        Ok(found.and_then(|(_, vault)| self.number(&vault)))
    }

    /// Takes one back. Answers with it as it then is.
    pub async fn cancel_in_service(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        id: VerificationId,
    ) -> Result<ServedView, CancelVerificationError> {
        let live = self.live_under(caller, service, id);
        let live = live.ok_or(CancelVerificationError::NotFound)?;
        let view = self.cancel_verification(caller, id).await?;
        let to = live.handset().map(|(_, to)| to);
        Ok(ServedView { view, to })
    }

    /// One that has not ended, under a service that is there.
    pub(super) fn live_under(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        id: VerificationId,
    ) -> Option<Live> {
        let service = self.service_of(caller, service)?;
        let live = self.live_of(caller, id)?;
        (live.service == Some(service.id)).then_some(live)
    }
}

impl ServiceStart {
    /// It as a request to start, of codes of so many digits.
    fn with_length(self, length: domain::verification::code::CodeLength) -> StartVerification {
        let occasion = if self.binding.is_empty() {
            Occasion::Confirmation
        } else {
            Occasion::Payment
        };
        StartVerification {
            to: self.to,
            from: None,
            channel: Channel::Sms,
            purpose: Purpose::Known(occasion),
            locales: self.locales,
            last_line: self.last_line,
            length: Some(length),
            binding: self.binding,
        }
    }
}

/// The verification in whose place one is to begin; a reason not to, where it awaits its code for the same
/// act. Whoever asks holds the lock of the number, so that none is on its way.
pub(super) fn underway(
    state: &State,
    starting: &Starting<'_>,
    live: &Live,
    now: Timestamp,
) -> Result<Option<Live>, Ended> {
    let Some(serving) = starting.serving else {
        return Ok(None);
    };
    let current = state.verifications.current(&live.holder, serving.id);
    match current.filter(|current| current.verification.state(now) == Standing::Pending) {
        Some(current) if serving.is_same(current) => Err(Ended::Underway),
        current => Ok(current.cloned()),
    }
}
