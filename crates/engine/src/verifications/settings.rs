//! What the engine is told about verifications.

use domain::sender::ShortCode;
use domain::verification::budget::policy::{FewDigits, Policy};
use domain::verification::code::CodeLength;
use domain::verification::fixed_lines::FixedLines;
use domain::verification::state::Rules;
use domain::verification::template::insert::Brand;
use domain::verification::template::language::Language;
use domain::verification::template::last_line::LastLine;

/// The terms of verifications.
#[derive(Clone, Debug)]
pub struct VerificationSettings {
    /// Who asks for the code, as the person knows the firm.
    pub brand: Brand,
    /// The short code of requests that name none; otherwise the only one that the client may use.
    pub short_code: Option<ShortCode>,
    /// How many digits a code has when the request does not say.
    pub length: CodeLength,
    /// Whether a request may ask for fewer than six.
    pub few_digits: FewDigits,
    /// Whether codes are sent to fixed lines.
    pub fixed_lines: FixedLines,
    /// How long a code is valid, and how often it is checked and sent.
    pub rules: Rules,
    /// How many failed checks and sends a number has at one client.
    pub policy: Policy,
    /// The language of texts when the request names none that there is.
    pub language: Language,
    /// The last line of texts when the request asks for none.
    pub last_line: LastLine,
}
