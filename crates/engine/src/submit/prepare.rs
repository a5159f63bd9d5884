//! Making a message ready: encoded, with a place in the order of ids, and sealed. All of it needs no lock.

use std::time::Duration;

use domain::id::{ClientId, MessageId};
use domain::limit::country::Destination;
use domain::text::segment::{self, ReferenceWidth};
use domain::time::Timestamp;
use ledger::Commitment;

use super::{Prepared, SubmitError, SubmitRequest, TextKept};
use crate::gateway::Gateway;
use crate::risk::RiskHints;
use crate::rows::{MessageHead, Purpose, VaultRow};
use crate::settings::Settings;

impl Gateway {
    /// Encodes and seals a message: all the work that needs no lock.
    pub(crate) fn prepare(
        &self,
        settings: &Settings,
        client: Option<ClientId>,
        request: SubmitRequest,
        now: Timestamp,
    ) -> Result<Prepared, SubmitError> {
        self.prepare_kept(settings, client, request, TextKept::InVault, now)
    }

    /// The same, with the text kept where it is said.
    pub(crate) fn prepare_kept(
        &self,
        settings: &Settings,
        client: Option<ClientId>,
        request: SubmitRequest,
        kept: TextKept,
        now: Timestamp,
    ) -> Result<Prepared, SubmitError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable);
        }
        if self.is_crowded() {
            return Err(SubmitError::Busy);
        }
        let generation = self.generation();
        let width = settings
            .short_codes
            .get(&request.from)
            .map_or(ReferenceWidth::default(), |code| code.reference_width);
        let body = segment::segments(request.text.reveal(), width);
        let max = settings.bounds.segments_max;
        let too_many = |segments| SubmitError::TooManySegments { segments, max };
        let body = body.map_err(|_| too_many(usize::from(u8::MAX) + 1))?;
        if body.segments.len() > usize::from(max) {
            return Err(too_many(body.segments.len()));
        }
        let valid_for = validity(settings, &request)?;
        let segments = u32::try_from(body.segments.len()).unwrap_or(u32::MAX);
        let id: MessageId = self.ids.id(self.entropy.as_ref(), now);
        let (vault, private) = self.seal(id.sequence(), &request, kept, now)?;
        let callback = match &request.callback {
            Some(target) => Some(self.seal_callback(&vault, target)?),
            None => None,
        };
        let head = MessageHead {
            client,
            class: request.class,
            from: request.from,
            encoding: body.encoding,
            reference: request.reference,
            campaign: request.campaign,
            esme: None,
            callback,
        };
        Ok(Prepared {
            id,
            head,
            to: request.to,
            destination: Destination::of(request.to),
            cost_micros: settings.limits.prices.cost(request.to, segments),
            body,
            width,
            expires: now.saturating_add(valid_for),
            subject: self.blind().subject(request.to),
            vault,
            private,
            generation,
        })
    }

    #[expect(
        clippy::type_complexity,
        reason = "two lists that belong together for one line"
    )]
    fn seal(
        &self,
        owner: u64,
        request: &SubmitRequest,
        kept: TextKept,
        now: Timestamp,
    ) -> Result<(Vec<VaultRow>, Vec<(&'static str, Commitment)>), SubmitError> {
        let number = request.to.reveal_e164();
        let risk = request.risk.as_ref().map(RiskHints::to_json);
        let mut values = vec![(Purpose::Number, number.as_bytes())];
        if kept == TextKept::InVault {
            values.push((Purpose::Text, request.text.reveal().as_bytes()));
        }
        values.extend(risk.as_deref().map(|risk| (Purpose::Network, risk)));
        let mut rows = Vec::with_capacity(values.len());
        let mut private = Vec::with_capacity(values.len());
        for (purpose, value) in values {
            let sealed = self
                .vault
                .seal(owner, purpose, value, self.entropy.as_ref(), now);
            let sealed = sealed.ok_or(SubmitError::Unavailable)?;
            rows.push(sealed.row);
            private.push((purpose.as_str(), sealed.commitment));
        }
        Ok((rows, private))
    }
}

fn validity(settings: &Settings, request: &SubmitRequest) -> Result<Duration, SubmitError> {
    let default = settings
        .validity
        .default
        .get(request.class.index())
        .copied();
    let max = settings.validity.max;
    let asked = request.valid_for.or(default).unwrap_or(max);
    if asked > max || asked < Duration::from_secs(1) {
        return Err(SubmitError::ValidityTooLong { max });
    }
    Ok(asked)
}
