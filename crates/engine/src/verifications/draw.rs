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

use super::plan::{self, Plan};
use super::secret::Secret;
use super::served::Serving;
use super::start::{Ended, StartVerification, StartVerificationError, Starting};
use crate::gateway::Gateway;
use crate::keys::Blind;
use crate::rows::{self, SealedCode, VaultRow};
use crate::state::verifications::{Live, Means};
use crate::submit::{Prepared, SubmitError, SubmitRequest, TextKept};

/// Everything that is made before the state is locked.
pub(super) struct Drawn {
    pub(super) live: Live,
    /// The blind index of the number, or of the user of a factor.
    pub(super) subject: Blind,
    /// The number, or the reference of the user.
    pub(super) person: (VaultRow, Commitment),
    pub(super) code: SealedCode,
    /// None where nothing is sent.
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
        plan: &Plan,
        request: &StartVerification,
        now: Timestamp,
    ) -> Result<Drawn, Ended> {
        let terms = starting.terms;
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
        let (text, message) = self.carrying(starting, plan, request, (&code, now))?;
        let id: VerificationId = self.ids.id(self.entropy.as_ref(), now);
        let secret = Secret {
            key: key.clone(),
            tag: Some(tag),
            binding,
            text: Some(text),
        };
        let sealed = self.seal_code(id.sequence(), &secret, now);
        let live = Live {
            id,
            holder: (starting.caller.client, self.blind().budget(request.to)),
            means: Means::Handset {
                to: request.to,
                from: plan.from,
            },
            service: starting.serving.map(Serving::id),
            messages: message.iter().map(|message| message.id).collect(),
            version: 1,
            key,
            verification,
        };
        Ok(Drawn {
            person: self.seal_person(id, &request.to.reveal_e164(), now)?,
            subject: self.blind().subject(request.to),
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
        plan: &Plan,
        request: &StartVerification,
        (code, now): (&Code, Timestamp),
    ) -> Result<(MessageText, Option<Prepared>), Ended> {
        let terms = starting.terms;
        if request.channel == Channel::Mo {
            let alone = MessageText::parse(code.reveal());
            return Ok((alone.map_err(|_| StartVerificationError::DoesNotFit)?, None));
        }
        let text = plan::text(starting, request, plan, code)?;
        let message = SubmitRequest {
            to: request.to,
            from: plan.from,
            text: text.clone(),
            class: plan::CLASS,
            reference: None,
            campaign: None,
            valid_for: Some(terms.rules.valid().min(starting.settings.validity.max)),
            risk: None,
            callback: None,
        };
        let client = Some(starting.caller.client);
        let kept = TextKept::WithVerification;
        let prepared = self.prepare_kept(starting.settings, client, message, kept, now)?;
        Ok((text, Some(prepared)))
    }

    /// Seals whom a verification is about: a number, or the reference of a user.
    pub(super) fn seal_person(
        &self,
        id: VerificationId,
        person: &str,
        now: Timestamp,
    ) -> Result<(VaultRow, Commitment), SubmitError> {
        let (owner, purpose) = (id.sequence(), rows::Purpose::Number);
        let entropy = self.entropy.as_ref();
        let sealed = self
            .vault
            .seal(owner, purpose, person.as_bytes(), entropy, now);
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

    pub(super) fn draw_key(&self) -> CodeKey {
        let mut chance = Zeroizing::new([0; 32]);
        self.entropy.fill(chance.as_mut());
        CodeKey::from_bytes(*chance)
    }
}
