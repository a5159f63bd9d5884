//! Checks of `[verifications]`: an origin that leaves room for brand and code, and budgets that hold.

use domain::sender::ShortCode;
use domain::verification::budget::policy::{CheckPolicy, Policy};
use domain::verification::budget::sends::SendPolicy;
use domain::verification::code::CodeLength;
use domain::verification::state::Rules;
use domain::verification::template::fits_always;
use domain::verification::template::insert::Brand;
use domain::verification::template::language::Language;
use domain::verification::template::last_line::{LastLine, OriginHost};
use engine::VerificationSettings;

use super::super::verifications::Verifications;
use super::super::{Config, Problems};

/// The terms; `None` without a brand, and when something is wrong.
pub fn settings(config: &Config, problems: &mut Problems) -> Option<Box<VerificationSettings>> {
    let raw = &config.verifications;
    let brand = raw.brand.as_deref().map(Brand::parse);
    let brand = brand.and_then(|brand| problems.keep("verifications.brand", brand));
    let length = length(raw, problems);
    let rules = Rules::new(raw.valid_seconds, raw.checks_max, raw.sends_max);
    let rules = problems.keep("verifications.valid_seconds", rules);
    let policy = policy(raw, problems);
    let language = language(raw, problems);
    let last_line = last_line(raw, problems);
    let short_code = short_code(config, problems);
    let settings = VerificationSettings {
        brand: brand?,
        short_code,
        length: length?,
        few_digits: raw.few_digits,
        rules: rules?,
        policy: policy?,
        language: language?,
        last_line: last_line?,
    };
    fits(&settings, problems);
    Some(Box::new(settings))
}

fn length(raw: &Verifications, problems: &mut Problems) -> Option<CodeLength> {
    let key = "verifications.length";
    let length = problems.keep(key, CodeLength::new(raw.length))?;
    let accepted = problems.keep(key, raw.few_digits.accept(length))?;
    Some(accepted.get())
}

fn policy(raw: &Verifications, problems: &mut Problems) -> Option<Policy> {
    let checks = CheckPolicy::new(raw.failed_checks_day_max, raw.failed_checks_row_max);
    let checks = problems.keep("verifications.failed_checks_day_max", checks);
    let sends = SendPolicy::new(
        raw.sends_ten_minutes_max,
        raw.sends_hour_max,
        raw.sends_day_max,
    );
    let sends = problems.keep("verifications.sends_day_max", sends);
    let checks = checks?;
    Some(Policy {
        sms: checks,
        mo: checks,
        sends: sends?,
        ..Policy::default()
    })
}

fn language(raw: &Verifications, problems: &mut Problems) -> Option<Language> {
    let mut all = Language::ALL.into_iter();
    let found = all.find(|language| language.tag() == raw.language);
    if found.is_none() {
        let tags: Vec<&str> = Language::ALL.iter().map(|known| known.tag()).collect();
        let says = format!(
            "is no language of the texts; use one of {}",
            tags.join(", ")
        );
        problems.add("verifications.language", says);
    }
    found
}

fn last_line(raw: &Verifications, problems: &mut Problems) -> Option<LastLine> {
    let Some(origin) = &raw.origin else {
        return Some(LastLine::None);
    };
    let host = problems.keep("verifications.origin", OriginHost::parse(origin))?;
    Some(LastLine::Origin(host))
}

fn short_code(config: &Config, problems: &mut Problems) -> Option<ShortCode> {
    let text = config.verifications.short_code.as_deref()?;
    let mut sections = config.short_codes.iter();
    if !sections.any(|section| section.number.as_deref() == Some(text)) {
        let says = format!("names `{text}`, but no [[short_code]] has that number");
        problems.add("verifications.short_code", says);
    }
    problems.keep("verifications.short_code", ShortCode::parse(text))
}

/// Without a last line every brand fits, so that it is the origin that asks for too much.
fn fits(settings: &VerificationSettings, problems: &mut Problems) {
    let (brand, last_line) = (&settings.brand, &settings.last_line);
    if let Err(language) = fits_always(brand, last_line, settings.length) {
        let says = format!(
            "leaves no room in one segment for brand and code in the language {language}; use a shorter \
             origin or brand"
        );
        problems.add("verifications.origin", says);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Checked, Config, Overlay};

    fn of(brand: &str, origin: &str) -> Vec<String> {
        let text = format!("[verifications]\nbrand = '{brand}'\norigin = '{origin}'");
        let config = Config::parse(&text, Overlay::default()).unwrap();
        let problems = Checked::try_from(&config).err();
        let told =
            problems.map(|problems| problems.list().iter().map(ToString::to_string).collect());
        let told: Vec<String> = told.unwrap_or_default();
        let mine = told.into_iter();
        mine.filter(|says| says.contains("verifications."))
            .collect()
    }

    #[test]
    fn brand_and_origin_of_the_example_stand_together() {
        assert_eq!(of("Example", "login.example.com"), Vec::<String>::new());
    }

    #[test]
    fn an_origin_that_leaves_no_room_is_named_itself() {
        let told = of("Банк", "a-very-long-name-for-a-host.login.example.com");
        assert!(told.join(" ").contains("verifications.origin"), "{told:?}");
    }
}
