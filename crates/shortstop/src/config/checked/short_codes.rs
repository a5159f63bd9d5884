//! Checks of `[[short_code]]`: digits, texts that can be sent, and carriers that exist.

use std::collections::BTreeMap;

use domain::message::CarrierName;
use domain::sender::ShortCode;
use domain::text::MessageText;
use domain::text::udh::ReferenceWidth;
use engine::settings::{CodeSettings, KeywordTexts};

use super::super::short_code::{Reference, ShortCodeSection};
use super::super::{Config, Problems};
use super::limits::positive;

/// Every short code by its digits.
pub fn settings(config: &Config, problems: &mut Problems) -> BTreeMap<ShortCode, CodeSettings> {
    let mut codes = BTreeMap::new();
    for (place, section) in config.short_codes.iter().enumerate() {
        let at = format!("short_code[{place}]");
        let number = number(section, &at, problems);
        let route = route(config, section, &at, problems);
        positive(&format!("{at}.mps"), section.mps, problems);
        positive(&format!("{at}.burst"), section.burst, problems);
        let texts = texts(section, &at, problems);
        let (Some(number), Some(texts)) = (number, texts) else {
            continue;
        };
        let settings = CodeSettings {
            mps: section.mps,
            burst: section.burst,
            opt_out_scope: section.opt_out_scope,
            texts,
            route,
            reference_width: width(section.reference),
        };
        if codes.insert(number, settings).is_some() {
            problems.add(
                format!("{at}.number"),
                "stands in another entry too; join the two",
            );
        }
    }
    codes
}

fn number(section: &ShortCodeSection, at: &str, problems: &mut Problems) -> Option<ShortCode> {
    let key = format!("{at}.number");
    let number = problems.need(&key, section.number.as_deref())?;
    problems.keep(&key, ShortCode::parse(number))
}

fn route(
    config: &Config,
    section: &ShortCodeSection,
    at: &str,
    problems: &mut Problems,
) -> Vec<CarrierName> {
    let key = format!("{at}.carriers");
    if section.carriers.is_empty() {
        problems.add(
            &key,
            "names no carrier; nothing could be sent from this short code",
        );
    }
    let named = |name: &str| {
        let mut names = config
            .carriers
            .iter()
            .map(|carrier| carrier.section.name.as_deref());
        names.any(|other| other == Some(name))
    };
    for name in section.carriers.iter().filter(|name| !named(name)) {
        problems.add(
            &key,
            format!("names `{name}`, but no [[carrier]] has that name"),
        );
    }
    section
        .carriers
        .iter()
        .map(|name| CarrierName::new(name))
        .collect()
}

fn texts(section: &ShortCodeSection, at: &str, problems: &mut Problems) -> Option<KeywordTexts> {
    let mut text =
        |name: &str, text: &str| problems.keep(&format!("{at}.{name}"), MessageText::parse(text));
    let stopped = text("stopped_text", &section.stopped_text);
    let help = text("help_text", &section.help_text);
    let started = text("started_text", &section.started_text);
    Some(KeywordTexts {
        stopped: stopped?,
        help: help?,
        started: started?,
    })
}

const fn width(reference: Reference) -> ReferenceWidth {
    match reference {
        Reference::Eight => ReferenceWidth::Eight,
        Reference::Sixteen => ReferenceWidth::Sixteen,
    }
}
