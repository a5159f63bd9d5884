//! The text that carries a code: in the person's language, in one segment, with the brand, the purpose, the
//! minutes of validity and the warning not to share it, and without a link. What comes from outside
//! is [checked](insert) before, and is put in once and never read again, so that it cannot make
//! a line, a link or a second code.

pub mod insert;
pub mod language;
pub mod last_line;
mod wording;

use self::insert::{Brand, Purpose};
use self::language::Language;
use self::last_line::LastLine;
use self::wording::Wording;
use super::code::{Code, CodeLength};
use super::state::Rules;
use crate::text::MessageText;
use crate::text::segment::{ReferenceWidth, count_segments};

/// Everything that a text is made of.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'n> {
    /// The language.
    pub language: Language,
    /// Who asks for the code.
    pub brand: &'n Brand,
    /// What the code is for.
    pub purpose: &'n Purpose,
    /// The code.
    pub code: &'n Code,
    /// How long it is valid.
    pub rules: Rules,
    /// What a browser or an app reads, if anything.
    pub last_line: &'n LastLine,
}

/// Even the briefest text is more than one segment. Without a last line this does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the text does not fit one segment with its last line: use a shorter host, brand or purpose"
)]
pub struct DoesNotFit;

impl Notice<'_> {
    /// Writes the text: the fullest of three forms that fits one segment.
    pub fn render(&self) -> Result<MessageText, DoesNotFit> {
        let wording = self.language.wording();
        let forms = [self.full(wording), self.short(wording), self.brief(wording)];
        let last_line = self.last_line.write(self.code);
        let texts = forms.into_iter().map(|form| form + &last_line);
        texts
            .into_iter()
            .find(|text| is_one_segment(text))
            .and_then(|text| MessageText::parse(&text).ok())
            .ok_or(DoesNotFit)
    }

    /// A whole sentence or two.
    fn full(&self, wording: &Wording) -> String {
        let mut text = String::with_capacity(160);
        let mut rest = wording.full;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            match name {
                "brand" => text.push_str(self.brand.as_str()),
                "code" => text.push_str(self.code.reveal()),
                "purpose" => text.push_str(self.purpose.words(wording)),
                _ => text.push_str(&self.rules.valid_minutes().to_string()),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }

    /// The facts and the warning.
    fn short(&self, wording: &Wording) -> String {
        let (minutes, unit) = (self.rules.valid_minutes(), wording.minutes);
        let warning = wording.warning;
        format!("{}, {minutes} {unit}. {warning}", self.facts(wording))
    }

    /// The same without the minutes.
    fn brief(&self, wording: &Wording) -> String {
        format!("{}. {}", self.facts(wording), wording.warning)
    }

    fn facts(&self, wording: &Wording) -> String {
        let (brand, code) = (self.brand.as_str(), self.code.reveal());
        format!("{brand}: {code} ({})", self.purpose.words(wording))
    }
}

fn is_one_segment(text: &str) -> bool {
    count_segments(text, ReferenceWidth::Eight).is_ok_and(|count| count.segments == 1)
}

/// Whether texts with this brand and last line fit in every language, whatever purpose is given; if
/// not, the first language in which one does not. For checking a configuration.
pub fn fits_always(
    brand: &Brand,
    last_line: &LastLine,
    length: CodeLength,
) -> Result<(), Language> {
    let code = Code::from_number(length, 0);
    for language in Language::ALL {
        let notice = Notice {
            language,
            brand,
            purpose: &Purpose::longest(),
            code: &code,
            rules: Rules::default(),
            last_line,
        };
        notice.render().map_err(|DoesNotFit| language)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
