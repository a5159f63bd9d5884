//! What a start is going to do, settled before any lock: the short code, the language, the text.

use domain::class::TrafficClass;
use domain::sender::ShortCode;
use domain::text::MessageText;
use domain::verification::budget::policy::AcceptedLength;
use domain::verification::code::Code;
use domain::verification::template::Notice;
use domain::verification::template::act::Act;
use domain::verification::template::language::Language;
use domain::verification::template::last_line::LastLine;

use super::served::Serving;
use super::settings::VerificationSettings;
use super::start::{StartVerification, StartVerificationError, Starting};
use crate::client::Caller;

/// The class of every message that carries a code.
pub(super) const CLASS: TrafficClass = TrafficClass::Otp;

/// What a start is going to do.
pub(super) struct Plan {
    pub(super) from: ShortCode,
    pub(super) length: AcceptedLength,
    pub(super) language: Language,
    /// What of the binding the text tells.
    pub(super) act: Option<Act>,
    /// What the ledger says of the purpose.
    pub(super) purpose: &'static str,
}

impl Plan {
    /// Settles it, or says what is missing.
    pub(super) fn of(
        terms: &VerificationSettings,
        caller: &Caller,
        request: &StartVerification,
    ) -> Result<Self, StartVerificationError> {
        let length = request.length.unwrap_or(terms.length);
        let accepted = terms.few_digits.accept(length);
        Ok(Self {
            from: short_code(terms, caller, request)?,
            length: accepted.map_err(|_| StartVerificationError::TooFewDigits)?,
            language: Language::negotiate(&request.locales, terms.language),
            act: Act::of(&request.binding)?,
            purpose: request.purpose.kind(),
        })
    }
}

fn short_code(
    terms: &VerificationSettings,
    caller: &Caller,
    request: &StartVerification,
) -> Result<ShortCode, StartVerificationError> {
    let only = match caller.short_codes() {
        [only] => Some(*only),
        _ => None,
    };
    let named = request.from.or(terms.short_code).or(only);
    named.ok_or(StartVerificationError::WhichShortCode)
}

/// The text that carries the code.
pub(super) fn text(
    starting: &Starting<'_>,
    request: &StartVerification,
    plan: &Plan,
    code: &Code,
) -> Result<MessageText, StartVerificationError> {
    let terms = starting.terms;
    let last_line = match &request.last_line {
        LastLine::None => &terms.last_line,
        asked => asked,
    };
    let notice = Notice {
        language: plan.language,
        brand: starting.serving.map_or(&terms.brand, Serving::brand),
        purpose: &request.purpose,
        act: plan.act.as_ref(),
        code,
        rules: terms.rules,
        last_line,
    };
    let text = notice.render();
    text.map_err(|_| StartVerificationError::DoesNotFit)
}
