//! The languages that there are texts in, and how one of them is chosen by the locale of a person: BCP 47
//! tags, looked up as RFC 4647 section 3.4 says, from the most exact to the plain language.

use core::fmt;

/// A language of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// `en`
    English,
    /// `es`
    Spanish,
    /// `fr`
    French,
    /// `de`
    German,
    /// `pt`
    Portuguese,
    /// `it`
    Italian,
    /// `nl`
    Dutch,
    /// `pl`
    Polish,
    /// `tr`
    Turkish,
    /// `sv`
    Swedish,
    /// `ar`
    Arabic,
    /// `hi`
    Hindi,
    /// `zh`
    ChineseSimplified,
    /// `zh-Hant`
    ChineseTraditional,
    /// `ja`
    Japanese,
    /// `ru`
    Russian,
    /// `el`
    Greek,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 17] = [
        Self::English,
        Self::Spanish,
        Self::French,
        Self::German,
        Self::Portuguese,
        Self::Italian,
        Self::Dutch,
        Self::Polish,
        Self::Turkish,
        Self::Swedish,
        Self::Arabic,
        Self::Hindi,
        Self::ChineseSimplified,
        Self::ChineseTraditional,
        Self::Japanese,
        Self::Russian,
        Self::Greek,
    ];

    /// Its tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::German => "de",
            Self::Portuguese => "pt",
            Self::Italian => "it",
            Self::Dutch => "nl",
            Self::Polish => "pl",
            Self::Turkish => "tr",
            Self::Swedish => "sv",
            Self::Arabic => "ar",
            Self::Hindi => "hi",
            Self::ChineseSimplified => "zh",
            Self::ChineseTraditional => "zh-Hant",
            Self::Japanese => "ja",
            Self::Russian => "ru",
            Self::Greek => "el",
        }
    }

    /// The first of the wanted locales that there are texts for, or else the fallback.
    pub fn negotiate(wanted: &[Locale], fallback: Self) -> Self {
        let mut found = wanted.iter().filter_map(Locale::language);
        found.next().unwrap_or(fallback)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The most characters of a locale (RFC 5646 section 4.4.1 asks for 35).
const LOCALE_CHARACTERS: usize = 35;

/// A locale as a client writes it, for example `pt-BR` or `zh-Hant-TW`. That such a place or language
/// exists is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale(Box<str>);

/// The text is no locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the locale as BCP 47 says, for example en, pt-BR or zh-Hant")]
pub struct LocaleError;

impl Locale {
    /// Reads a tag: a language of 2 to 8 letters, then parts of 1 to 8 letters and digits with hyphens
    /// between them, at most 35 characters.
    pub fn parse(text: &str) -> Result<Self, LocaleError> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let is_language = (2..=8).contains(&language.len())
            && language.bytes().all(|octet| octet.is_ascii_alphabetic());
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_alphanumeric())
        };
        if is_language && parts.all(is_part) && text.len() <= LOCALE_CHARACTERS {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(LocaleError)
        }
    }

    /// The language for this locale, found by leaving out its last part until one fits.
    fn language(&self) -> Option<Language> {
        let mut range = self.widened();
        loop {
            let mut all = Language::ALL.into_iter();
            let fits = all.find(|language| language.tag().eq_ignore_ascii_case(range));
            if fits.is_some() {
                return fits;
            }
            (range, _) = range.rsplit_once('-')?;
        }
    }

    /// The tag itself, or for the places that write Chinese in the traditional script without saying
    /// so the tag that says so.
    fn widened(&self) -> &str {
        match &*self.0 {
            "zh-tw" | "zh-hk" | "zh-mo" => "zh-hant",
            tag => tag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(locale: &str, expected: Option<Language>) {
        assert_eq!(
            Locale::parse(locale).unwrap().language(),
            expected,
            "{locale}"
        );
    }

    #[test]
    fn a_locale_falls_back_to_its_language() {
        check("en", Some(Language::English));
        check("EN-us", Some(Language::English));
        check("pt-BR", Some(Language::Portuguese));
        check("de-CH-1996", Some(Language::German));
        check("sr-Latn-RS", None);
        check("zh", Some(Language::ChineseSimplified));
        check("zh-Hans-CN", Some(Language::ChineseSimplified));
        check("zh-Hant-TW", Some(Language::ChineseTraditional));
        check("zh-HK", Some(Language::ChineseTraditional));
        check("eng", None);
    }

    #[test]
    fn every_language_is_found_by_its_own_tag() {
        for language in Language::ALL {
            check(language.tag(), Some(language));
        }
    }

    #[test]
    fn the_first_wanted_locale_that_is_there_wins() {
        let wanted = ["fi", "nl-BE", "fr"].map(|tag| Locale::parse(tag).unwrap());
        let negotiated = Language::negotiate(&wanted, Language::English);
        assert_eq!(negotiated, Language::Dutch);
        let finnish = &wanted[..1];
        assert_eq!(
            Language::negotiate(finnish, Language::English),
            Language::English
        );
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in [
            "",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "3n",
            "en-toolongpart",
            "e\u{301}n",
            "en-US-US-US-US-US-US-US-US-US-US-US-US",
        ] {
            assert_eq!(Locale::parse(text), Err(LocaleError), "{text:?}");
        }
    }
}
