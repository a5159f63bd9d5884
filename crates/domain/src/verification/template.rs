//! The text that carries a code: in the person's language, in one segment, with the brand, the purpose, the
//! minutes of validity and the warning not to share it, and without a link. Beside a long last line it
//! says less, and then says it in English. What comes from outside is [checked](insert) before, and is put in once and never read again, so that it cannot make
//! a line, a link or a second code.

pub mod act;
mod digits;
pub mod insert;
pub mod language;
pub mod last_line;
mod wording;

use std::borrow::Cow;

use self::act::Act;
use self::insert::{Brand, Occasion, Purpose};
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
    /// The act that it is bound to, if it names an amount or a payee.
    pub act: Option<&'n Act>,
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
    "the text does not fit one segment with its last line: use a shorter host, brand, purpose or payee"
)]
pub struct DoesNotFit;

impl Notice<'_> {
    /// Writes the text: the fullest form of the language that fits one segment with the last line, or
    /// else of English, whose letters take less room.
    pub fn render(&self) -> Result<MessageText, DoesNotFit> {
        let last_line = self.last_line.write(self.code);
        let languages = [self.language, Language::English];
        let mut forms = languages
            .into_iter()
            .flat_map(|language| self.forms(language));
        forms
            .find_map(|form| one_segment(form + &last_line))
            .ok_or(DoesNotFit)
    }

    /// The forms of the text in a language, the fullest first. The last leaves the occasion out; the
    /// client's own words and the act are never left out, since they are what the person agrees to.
    fn forms(&self, language: Language) -> Vec<String> {
        let wording = language.wording();
        let mut forms = vec![self.full(wording), self.short(wording), self.brief(wording)];
        if matches!(self.purpose, Purpose::Known(_)) && self.act.is_none() {
            forms.push(self.bare(wording));
        }
        forms
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
                "purpose" => text.push_str(&self.words(wording)),
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

    /// Brand, code and warning alone.
    fn bare(&self, wording: &Wording) -> String {
        let (brand, code) = (self.brand.as_str(), self.code.reveal());
        format!("{brand}: {code}. {}", wording.warning)
    }

    fn facts(&self, wording: &Wording) -> String {
        let (brand, code) = (self.brand.as_str(), self.code.reveal());
        format!("{brand}: {code} ({})", self.words(wording))
    }

    /// What the code is for. The act says more than an occasion, and stands behind the client's own words
    /// unless they say it.
    fn words<'w>(&'w self, wording: &'w Wording) -> Cow<'w, str> {
        let words = self.purpose.words(wording);
        match (self.act, self.purpose) {
            (None, _) => words.into(),
            (Some(act), Purpose::Known(_)) => act.words().into(),
            (Some(act), Purpose::Text(_)) if act.is_told_by(words) => words.into(),
            (Some(act), Purpose::Text(_)) => format!("{words}, {}", act.words()).into(),
        }
    }
}

fn one_segment(text: String) -> Option<MessageText> {
    let text = is_one_segment(&text).then_some(text)?;
    MessageText::parse(&text).ok()
}

fn is_one_segment(text: &str) -> bool {
    count_segments(text, ReferenceWidth::Eight).is_ok_and(|count| count.segments == 1)
}

/// Whether texts with this brand and last line fit for every occasion, whatever language is wanted; if
/// not, the first language in which one does not. For checking a configuration; a client's own words
/// are checked when they come.
pub fn fits_always(
    brand: &Brand,
    last_line: &LastLine,
    length: CodeLength,
) -> Result<(), Language> {
    let code = Code::from_number(length, 0);
    for language in Language::ALL {
        for purpose in Occasion::ALL.map(Purpose::Known) {
            let notice = Notice {
                language,
                brand,
                purpose: &purpose,
                act: None,
                code: &code,
                rules: Rules::default(),
                last_line,
            };
            notice.render().map_err(|DoesNotFit| language)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
