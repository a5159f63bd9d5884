//! Checks of `[verifications]`: an origin that leaves room for brand and code, and budgets that hold.

use std::ops::RangeInclusive;

use domain::sender::ShortCode;
use domain::verification::budget::policy::{CheckPolicy, Policy};
use domain::verification::budget::sends::SendPolicy;
use domain::verification::budget::window::MOMENTS_MAX;
use domain::verification::code::CodeLength;
use domain::verification::state::{CHECKS_MAX, Rules, SENDS_MAX, VALID_MAX};
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
    let rules = rules(raw, problems);
    let policy = policy(raw, problems);
    let language = language(raw, problems);
    let last_line = last_line(raw, problems);
    let short_code = short_code(config, problems);
    let settings = VerificationSettings {
        brand: brand?,
        short_code,
        length: length?,
        few_digits: raw.few_digits,
        fixed_lines: raw.fixed_lines,
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

/// Tells a number that is out of its range.
fn within(key: &str, value: u16, range: RangeInclusive<u16>, problems: &mut Problems) {
    if !range.contains(&value) {
        let says = format!("must lie between {} and {}", range.start(), range.end());
        problems.add(format!("verifications.{key}"), says);
    }
}

fn rules(raw: &Verifications, problems: &mut Problems) -> Option<Rules> {
    let valid_max = u16::try_from(VALID_MAX.as_secs()).unwrap_or(u16::MAX);
    within("valid_seconds", raw.valid_seconds, 60..=valid_max, problems);
    let (checks, sends) = (u16::from(raw.checks_max), u16::from(raw.sends_max));
    within("checks_max", checks, 1..=CHECKS_MAX.into(), problems);
    within("sends_max", sends, 1..=SENDS_MAX.into(), problems);
    Rules::new(raw.valid_seconds, raw.checks_max, raw.sends_max).ok()
}

fn policy(raw: &Verifications, problems: &mut Problems) -> Option<Policy> {
    let most = u16::from(MOMENTS_MAX);
    let numbers = [
        ("failed_checks_day_max", raw.failed_checks_day_max),
        ("failed_checks_row_max", raw.failed_checks_row_max),
        ("sends_ten_minutes_max", raw.sends_ten_minutes_max),
        ("sends_hour_max", raw.sends_hour_max),
        ("sends_day_max", raw.sends_day_max),
    ];
    for (key, value) in numbers {
        within(key, value.into(), 1..=most, problems);
    }
    let sends = [
        (
            "sends_hour_max",
            raw.sends_hour_max,
            "sends_ten_minutes_max",
            raw.sends_ten_minutes_max,
        ),
        (
            "sends_day_max",
            raw.sends_day_max,
            "sends_hour_max",
            raw.sends_hour_max,
        ),
    ];
    for (key, longer, other, shorter) in sends {
        if (1..shorter).contains(&longer) {
            let says = format!("is less than verifications.{other}; raise this, or lower that");
            problems.add(format!("verifications.{key}"), says);
        }
    }
    let checks = CheckPolicy::new(raw.failed_checks_day_max, raw.failed_checks_row_max).ok()?;
    let sends = SendPolicy::new(
        raw.sends_ten_minutes_max,
        raw.sends_hour_max,
        raw.sends_day_max,
    );
    Some(Policy {
        sms: checks,
        mo: checks,
        sends: sends.ok()?,
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

    fn told(text: &str) -> Vec<String> {
        let checked = Config::parse(text, Overlay::default())
            .and_then(|config| Checked::try_from(&config).map(drop));
        let problems = checked.err().unwrap_or_default();
        problems.list().iter().map(ToString::to_string).collect()
    }

    fn of(brand: &str, origin: &str) -> Vec<String> {
        let text = format!("[verifications]\nbrand = '{brand}'\norigin = '{origin}'");
        let mine = told(&text).into_iter();
        mine.filter(|says| says.contains("verifications."))
            .collect()
    }

    #[test]
    fn brand_and_origin_of_the_example_stand_together() {
        assert_eq!(of("Example", "login.example.com"), Vec::<String>::new());
    }

    /// 0 is below every range, and what is huge above every one or no such number at all.
    #[test]
    fn each_number_that_is_out_of_range_is_named_itself() {
        let numbers = [
            ("length", 255),
            ("valid_seconds", 65_535),
            ("checks_max", 255),
            ("sends_max", 255),
            ("failed_checks_day_max", 255),
            ("failed_checks_row_max", 255),
            ("sends_ten_minutes_max", 255),
            ("sends_hour_max", 255),
            ("sends_day_max", 255),
        ];
        for (key, huge) in numbers {
            for value in [-1, 0, huge, 70_000] {
                let text = format!("[verifications]\nbrand = 'Example'\n{key} = {value}");
                let told = told(&text);
                let begins = format!("verifications.{key}: ");
                assert!(told[0].starts_with(&begins), "{value}: {told:#?}");
                assert!(!told[0].contains("expected u"), "{told:#?}");
            }
        }
        let text = "[verifications]\nsends_hour_max = 2";
        assert_eq!(
            told(text),
            ["verifications.sends_hour_max: is less than \
              verifications.sends_ten_minutes_max; raise this, or lower that"]
        );
    }

    #[test]
    fn an_origin_that_leaves_no_room_is_named_itself() {
        let told = of("Банк", "a-very-long-name-for-a-host.login.example.com");
        assert!(told.join(" ").contains("verifications.origin"), "{told:?}");
    }
}
