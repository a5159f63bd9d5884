//! Tests of [`super`]: one segment in every language and case, the alphabet, and last lines that a browser
//! reads.

use proptest::prelude::{prop_assert, proptest};
use proptest::sample::select;

use super::insert::{BRAND_UNITS, PURPOSE_UNITS};
use super::last_line::{AppHash, OriginHost};
use super::*;
use crate::text::Encoding;
use crate::verification::binding::{Binding, BindingParts};

/// Languages whose words the GSM alphabet has.
const GSM: [Language; 10] = [
    Language::English,
    Language::Spanish,
    Language::French,
    Language::German,
    Language::Portuguese,
    Language::Italian,
    Language::Dutch,
    Language::Polish,
    Language::Turkish,
    Language::Swedish,
];

fn code(digits: &str) -> Code {
    Code::parse(digits).unwrap()
}

fn brand(text: &str) -> Brand {
    Brand::parse(text).unwrap()
}

fn render(
    language: Language,
    (brand, purpose): (&Brand, &Purpose),
    digits: &str,
    last_line: &LastLine,
) -> Result<String, DoesNotFit> {
    let notice = Notice {
        language,
        brand,
        purpose,
        act: None,
        code: &code(digits),
        rules: Rules::default(),
        last_line,
    };
    notice.render().map(|text| text.reveal().to_owned())
}

fn purposes() -> Vec<Purpose> {
    let known = Occasion::ALL.into_iter().map(Purpose::Known);
    let own = ["€", "x", "ж", "銀"].map(|letter| letter.repeat(PURPOSE_UNITS));
    let own = own.iter().map(|text| Purpose::parse(text).unwrap());
    known.chain(own).collect()
}

fn encoding(text: &str) -> Encoding {
    count_segments(text, ReferenceWidth::Eight)
        .unwrap()
        .encoding
}

#[test]
fn every_language_says_brand_code_purpose_and_minutes_once() {
    for language in Language::ALL {
        let full = language.wording().full;
        for place in ["{brand}", "{code}", "{purpose}", "{minutes}"] {
            assert_eq!(full.matches(place).count(), 1, "{language}: {place}");
        }
        assert_eq!(full.matches('{').count(), 4, "{language}");
    }
}

#[test]
fn the_longest_brand_purpose_and_code_fit_one_segment_in_every_language() {
    let brands = ["x", "€", "ж", "銀"].map(|letter| brand(&letter.repeat(BRAND_UNITS)));
    let pictures = brand(&"😀".repeat(BRAND_UNITS / 2));
    for language in Language::ALL {
        for brand in brands.iter().chain([&pictures]) {
            for purpose in purposes() {
                let text = render(language, (brand, &purpose), "1234567890", &LastLine::None);
                let text = text.unwrap_or_else(|_| panic!("{language}: {brand:?}, {purpose:?}"));
                assert!(is_one_segment(&text), "{text}");
                assert!(text.contains("1234567890") && text.contains(brand.as_str()));
                assert!(text.contains(purpose.words(language.wording())));
            }
        }
    }
}

#[test]
fn the_gsm_alphabet_is_enough_where_a_language_allows_it() {
    let brand = brand("Example Bank Ltd");
    for language in GSM {
        for occasion in Occasion::ALL {
            let purpose = Purpose::Known(occasion);
            let text = render(language, (&brand, &purpose), "1234567890", &LastLine::None).unwrap();
            assert_eq!(encoding(&text), Encoding::Gsm7, "{text}");
            assert!(text.contains("10"), "{text}");
            assert!(!text.ends_with(language.wording().warning), "{text}");
        }
        assert_eq!(encoding(language.wording().warning), Encoding::Gsm7);
    }
    for language in Language::ALL {
        let is_gsm = encoding(language.wording().warning) == Encoding::Gsm7;
        assert_eq!(is_gsm, GSM.contains(&language), "{language}");
    }
}

#[test]
fn an_ordinary_text_is_written_in_full_in_every_language() {
    let purpose = Purpose::Known(Occasion::SignIn);
    for language in Language::ALL {
        let text = render(
            language,
            (&brand("ACME"), &purpose),
            "482913",
            &LastLine::None,
        )
        .unwrap();
        let wording = language.wording();
        let full = wording
            .full
            .replace("{brand}", "ACME")
            .replace("{code}", "482913")
            .replace("{purpose}", purpose.words(wording))
            .replace("{minutes}", "10");
        assert_eq!(text, full);
    }
    let english = render(
        Language::English,
        (&brand("ACME"), &purpose),
        "482913",
        &LastLine::None,
    );
    let expected = "Your ACME code is 482913 (sign-in). Valid for 10 min. \
                    Do not share it with anyone.";
    assert_eq!(english.unwrap(), expected);
}

/// The host and code of an origin-bound text, read as its specification says.
fn origin_bound(text: &str) -> Option<(String, String)> {
    let last = text.split('\n').next_back()?;
    let mut words = last.strip_prefix('@')?.split(' ');
    let (host, code) = (words.next()?, words.next()?.strip_prefix('#')?);
    Some((host.to_owned(), code.to_owned()))
}

#[test]
fn a_browser_reads_host_and_code_from_the_last_line() {
    let host = LastLine::Origin(OriginHost::parse("login.example.com").unwrap());
    let purpose = Purpose::Known(Occasion::SignIn);
    for language in Language::ALL {
        let text = render(language, (&brand("ACME"), &purpose), "482913", &host).unwrap();
        assert!(is_one_segment(&text), "{text}");
        let read = origin_bound(&text).unwrap();
        assert_eq!(read, ("login.example.com".to_owned(), "482913".to_owned()));
    }
}

#[test]
fn an_app_finds_its_hash_in_a_line_of_its_own() {
    let hash = LastLine::App(AppHash::parse("FA+9qCX9VSu").unwrap());
    let purpose = Purpose::Known(Occasion::Payment);
    for language in Language::ALL {
        let text = render(language, (&brand("ACME"), &purpose), "482913", &hash).unwrap();
        assert!(text.ends_with("\nFA+9qCX9VSu") && is_one_segment(&text));
    }
}

#[test]
fn every_language_occasion_and_length_has_a_text_beside_an_origin_of_twenty_characters() {
    let origin = LastLine::Origin(OriginHost::parse("sign-in.example.mobi").unwrap());
    let brand = brand("Example");
    for language in Language::ALL {
        for purpose in Occasion::ALL.map(Purpose::Known) {
            for digits in (4..=10).filter_map(|most| "1234567890".get(..most)) {
                let text = render(language, (&brand, &purpose), digits, &origin);
                let text = text.unwrap_or_else(|_| panic!("{language}: {purpose:?}, {digits}"));
                assert!(is_one_segment(&text), "{text}");
                assert!(
                    text.starts_with("Example") || text.contains(" Example"),
                    "{text}"
                );
                let read = origin_bound(&text).unwrap();
                assert_eq!(read, ("sign-in.example.mobi".to_owned(), digits.to_owned()));
            }
        }
    }
}

#[test]
fn a_text_gives_up_its_occasion_before_its_language_and_both_before_its_last_line() {
    let purpose = Purpose::Known(Occasion::Confirmation);
    let write = |host: &str, purpose: &Purpose| {
        let origin = LastLine::Origin(OriginHost::parse(host).unwrap());
        let brand = brand("Example");
        render(Language::Russian, (&brand, purpose), "482913", &origin)
    };
    let briefest = "Example: 482913. Не сообщайте.\n@login.example.com #482913";
    assert_eq!(write("login.example.com", &purpose).unwrap(), briefest);
    let long = "a-very-long-name-for-a-host.login.example.com";
    let english = format!(
        "Your Example code is 482913 (confirmation). Valid for 10 min. Do not share it with \
         anyone.\n@{long} #482913"
    );
    assert_eq!(write(long, &purpose).unwrap(), english);
    let own = Purpose::parse("Pay 12,50").unwrap();
    assert!(write(long, &own).unwrap().contains("(Pay 12,50)"));
    let russian = Purpose::parse("платеж 12,50").unwrap();
    assert_eq!(write(long, &russian), Err(DoesNotFit));
}

#[test]
fn a_last_line_that_does_not_fit_is_said_before_it_is_sent() {
    let host = format!("{}.example", "a".repeat(56));
    let long = LastLine::Origin(OriginHost::parse(&host).unwrap());
    let usual = LastLine::Origin(OriginHost::parse("login.example.com").unwrap());
    let fits = |name, line| fits_always(&brand(name), line, CodeLength::SIX);
    for name in ["Example", "Example Bank Ltd", "Банк"] {
        assert_eq!(fits(name, &LastLine::None), Ok(()), "{name}");
        assert_eq!(fits(name, &usual), Ok(()), "{name}");
    }
    assert_eq!(fits("Example", &long), Ok(()));
    assert_eq!(fits("Банк", &long), Err(Language::English));
}

#[test]
fn a_text_holds_no_link_and_never_shows_itself() {
    let purpose = Purpose::Known(Occasion::SignIn);
    let code = code("482913");
    for language in Language::ALL {
        let notice = Notice {
            language,
            brand: &brand("ACME"),
            purpose: &purpose,
            act: None,
            code: &code,
            rules: Rules::default(),
            last_line: &LastLine::None,
        };
        let text = notice.render().unwrap();
        assert!(!text.reveal().contains("://") && !text.reveal().contains("www"));
        assert!(!format!("{notice:?}{text:?}").contains("482913"));
    }
}

fn paying(
    language: Language,
    purpose: &Purpose,
    (amount, payee): (&str, &str),
    last_line: &LastLine,
) -> Result<String, DoesNotFit> {
    let parts = BindingParts {
        amount: Some(amount),
        payee: Some(payee),
        session: None,
    };
    let act = Act::of(&Binding::parse(&parts).unwrap()).unwrap();
    let notice = Notice {
        language,
        brand: &brand("Example"),
        purpose,
        act: act.as_ref(),
        code: &code("482913"),
        rules: Rules::default(),
        last_line,
    };
    notice.render().map(|text| text.reveal().to_owned())
}

#[test]
fn a_bound_act_is_told_in_every_language_beside_the_last_line_too() {
    let purpose = Purpose::Known(Occasion::Payment);
    let origin = LastLine::Origin(OriginHost::parse("login.example.com").unwrap());
    for language in Language::ALL {
        for last_line in [&LastLine::None, &origin] {
            let text = paying(language, &purpose, ("EUR 12.50", "Shop"), last_line).unwrap();
            assert!(text.contains("Shop: EUR 12.50"), "{language}: {text}");
            assert!(!text.contains(purpose.words(language.wording())), "{text}");
        }
    }
}

#[test]
fn an_act_is_never_left_out_and_one_without_room_is_refused() {
    let purpose = Purpose::Known(Occasion::Payment);
    let payee = "A long name of a firm that sells things, and more things";
    let act = ("EUR 12500.00", payee);
    let text = paying(Language::Russian, &purpose, act, &LastLine::None).unwrap();
    assert!(
        text.contains(payee) && text.contains("EUR 12500.00"),
        "{text}"
    );
    assert!(text.contains("482913") && is_one_segment(&text));
    let long = "Firm ".repeat(25) + "Ltd";
    let refused = paying(
        Language::English,
        &purpose,
        ("EUR 1.00", &long),
        &LastLine::None,
    );
    assert_eq!(refused, Err(DoesNotFit));
}

#[test]
fn words_of_the_clients_own_that_say_the_act_are_not_said_twice() {
    let act = ("EUR 12.50", "Shop");
    let told = |own: &str| {
        let purpose = Purpose::parse(own).unwrap();
        paying(Language::English, &purpose, act, &LastLine::None).unwrap()
    };
    assert!(told("EUR 12.50 to Shop").contains("(EUR 12.50 to Shop)"));
    assert!(told("To Shop").contains("(To Shop, Shop: EUR 12.50)"));
}

proptest! {
    /// Whatever the client writes, the last line is ours and the code stands where we put it.
    #[test]
    fn no_variable_makes_a_line_or_a_second_code(
        own in r"[ -~\nж\u{2028}\u{202E}]{1,20}", name in "[ -~]{1,16}", language in select(&Language::ALL),
    ) {
        let (Ok(purpose), Ok(brand)) = (Purpose::parse(&own), Brand::parse(&name)) else {
            return Ok(());
        };
        let host = LastLine::Origin(OriginHost::parse("a.example").unwrap());
        if let Ok(text) = render(language, (&brand, &purpose), "482913", &host) {
            prop_assert!(text.lines().count() == 2);
            prop_assert!(origin_bound(&text).unwrap().1 == "482913");
            prop_assert!(text.matches("482913").count() == 2);
            prop_assert!(is_one_segment(&text));
        }
    }
}
