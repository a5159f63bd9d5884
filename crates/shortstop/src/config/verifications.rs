//! `[verifications]`: codes for the firm's users.

use domain::verification::budget::policy::FewDigits;
use domain::verification::fixed_lines::FixedLines;

use super::section::section;

section! {
    /// Verifications: codes by which the firm's users prove that a handset is theirs. There are none until
    /// a brand is named. All of it is taken on a reload, for verifications that begin after it.
    pub struct Verifications {
        /// Who asks for the code, as your users know you: at most 16 characters, no link.
        pub brand: Option<String> = None => "Example",
        /// The short code of requests that name none. Without it a client uses the only one that it has.
        pub short_code: Option<String> = None => "12345",
        /// Digits of a code when the request does not say: 4 to 10. Fewer than 6 need few_digits.
        pub length: u8 = 6,
        /// Whether codes of fewer than 6 digits are given. "weak-codes-accepted" lets them be guessed ten or a
        /// hundred times as easily; a failed check then takes ten or a hundred from the day's budget.
        pub few_digits: FewDigits = FewDigits::Forbidden,
        /// Whether codes are sent to numbers that surely are fixed lines: "refuse" or "send". Hardly any shows a text,
        /// some read it aloud to whoever picks up. Where fixed and mobile numbers look alike (North America) none is
        /// refused.
        pub fixed_lines: FixedLines = FixedLines::Refuse,
        /// How long a code is valid: 60 to 600 (NIST SP 800-63B-4 section 3.1.3.2). It is said in whole
        /// minutes in the text.
        pub valid_seconds: u16 = 600,
        /// Checks of one code: 1 to 5.
        pub checks_max: u8 = 5,
        /// Sends of one code, the first one counted: 1 to 5. Between them lie 30 seconds, a minute, and so on.
        pub sends_max: u8 = 5,
        /// Failed checks of a number at one client in any 24 hours, over all codes: 1 to 100. No new code
        /// resets them. 20 leave a guesser 0.002 % a day.
        pub failed_checks_day_max: u8 = 20,
        /// Failed checks without a success between them, after which no code of the number is looked at any
        /// more: 1 to 100 (NIST SP 800-63B-4 section 3.2.2).
        pub failed_checks_row_max: u8 = 100,
        /// Codes sent to a number for one client in any ten minutes.
        pub sends_ten_minutes_max: u8 = 3,
        /// In any hour.
        pub sends_hour_max: u8 = 5,
        /// In any 24 hours: at most 100.
        pub sends_day_max: u8 = 10,
        /// The language of texts when the request asks for none that there is: ar, de, el, en, es, fr, hi, it, ja,
        /// nl, pl, pt, ru, sv, tr, zh or zh-Hant.
        pub language: String = "en".to_owned(),
        /// The site whose pages take the code, for the last line that browsers read (`@host #code`), when the
        /// request names none.
        pub origin: Option<String> = None => "login.example.com",
    }
}
