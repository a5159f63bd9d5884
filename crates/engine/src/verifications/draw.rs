//! What a start makes before the state is locked: the code, its key, and everything that is sealed.

use domain::id::VerificationId;
use domain::text::MessageText;
use domain::time::Timestamp;
use domain::verification::channel::Channel;
use domain::verification::code::{Code, CodeLength};
use domain::verification::state::{Expected, Verification};
use domain::verification::tag::{CodeKey, CodeTag};
use ledger::Commitment;
use zeroize::Zeroizing;

use super::plan;
use super::secret::Secret;
use super::start::{Ended, StartVerification, StartVerificationError, Starting};
use crate::gateway::Gateway;
use crate::rows::{self, SealedCode, VaultRow};
use crate::state::verifications::Live;
use crate::submit::{Prepared, SubmitError, SubmitRequest, TextKept};

/// Everything that is made before the state is locked.
pub(super) struct Drawn {
    pub(super) live: Live,
    pub(super) number: (VaultRow, Commitment),
    pub(super) code: SealedCode,
    /// None where the handset texts the code.
    pub(super) message: Option<Prepared>,
    /// The code, for the application to show, where the handset texts it.
    pub(super) shown: Option<Code>,
    /// See [`Gateway::generation`].
    pub(super) generation: u64,
}

impl Gateway {
    /// The code and everything that is sealed: all the work that needs no lock of the state.
    pub(super) fn draw(
        &self,
        starting: &Starting<'_>,
        request: &StartVerification,
        now: Timestamp,
    ) -> Result<Drawn, Ended> {
        let Starting { terms, plan, .. } = starting;
        if !self.is_open() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable.into());
        }
        let generation = self.generation();
        let code = self.draw_code(plan.length.get());
        let key = self.draw_key();
        let tag = CodeTag::of(&key, &code);
        let binding = request.binding.digest(&key);
        let expected = Expected::Code {
            tag,
            length: plan.length,
        };
        let verification =
            Verification::start(request.channel, expected, binding, terms.rules, now)
                .map_err(|_| StartVerificationError::Channel)?;
        let (text, message) = self.carrying(starting, request, &code, now)?;
        let id: VerificationId = self.ids.id(self.entropy.as_ref(), now);
        let secret = Secret {
            key: key.clone(),
            tag,
            binding,
            text,
        };
        let sealed = self.seal_code(id.sequence(), &secret, now);
        let live = Live {
            id,
            holder: (starting.caller.client, self.blind().budget(request.to)),
            to: request.to,
            from: plan.from,
            messages: message.iter().map(|message| message.id).collect(),
            version: 1,
            key,
            verification,
        };
        Ok(Drawn {
            number: self.seal_number(&live, now)?,
            shown: message.is_none().then_some(code),
            live,
            code: sealed.ok_or(SubmitError::Unavailable)?,
            message,
            generation,
        })
    }

    /// The text that carries a code and its message; where the handset texts it, the code alone.
    fn carrying(
        &self,
        starting: &Starting<'_>,
        request: &StartVerification,
        code: &Code,
        now: Timestamp,
    ) -> Result<(MessageText, Option<Prepared>), Ended> {
        let Starting { terms, plan, .. } = starting;
        if request.channel == Channel::Mo {
            let alone = MessageText::parse(code.reveal());
            return Ok((alone.map_err(|_| StartVerificationError::DoesNotFit)?, None));
        }
        let text = plan::text(terms, request, plan, code)?;
        let message = SubmitRequest {
            to: request.to,
            from: plan.from,
            text: text.clone(),
            class: plan::CLASS,
            reference: None,
            campaign: None,
            valid_for: Some(terms.rules.valid().min(starting.settings.validity.max)),
            risk: None,
        };
        let client = Some(starting.caller.client);
        let kept = TextKept::WithVerification;
        let prepared = self.prepare_kept(starting.settings, client, message, kept, now)?;
        Ok((text, Some(prepared)))
    }

    fn seal_number(
        &self,
        live: &Live,
        now: Timestamp,
    ) -> Result<(VaultRow, Commitment), SubmitError> {
        let number = live.to.reveal_e164();
        let (owner, purpose) = (live.id.sequence(), rows::Purpose::Number);
        let entropy = self.entropy.as_ref();
        let sealed = self
            .vault
            .seal(owner, purpose, number.as_bytes(), entropy, now);
        let sealed = sealed.ok_or(SubmitError::Unavailable)?;
        Ok((sealed.row, sealed.commitment))
    }

    fn draw_code(&self, length: CodeLength) -> Code {
        loop {
            let mut chance = Zeroizing::new([0; 32]);
            self.entropy.fill(chance.as_mut());
            if let Some(code) = Code::from_random(length, &chance) {
                return code;
            }
        }
    }

    fn draw_key(&self) -> CodeKey {
        let mut chance = Zeroizing::new([0; 32]);
        self.entropy.fill(chance.as_mut());
        CodeKey::from_bytes(*chance)
    }
}
