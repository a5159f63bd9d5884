//! Any text is read as a number or not, without panic; what is read has one form, which reads as the same
//! number again, and one count in a limit, however it was written.

use domain::limit::book::Book;
use domain::limit::country::Destination;
use domain::limit::dimension::Dimension;
use domain::limit::facts::{Event, Facts};
use domain::limit::key::{Key, Secret};
use domain::limit::policy::{Draft, LimitName, Mode, Policy, Rule, Unit};
use domain::msisdn::Msisdn;

pub fn check(octets: &[u8]) {
    for ton in [0, 1, 2] {
        if let Ok(number) = Msisdn::from_carrier(octets, ton) {
            assert!(number.reveal() < 10_u64.pow(15));
            assert_eq!(Msisdn::from_digits(number.reveal()), Ok(number));
        }
    }
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let Ok(number) = Msisdn::parse(text) else {
        return;
    };
    let digits = text.chars().filter(char::is_ascii_digit);
    let plain = number.reveal_e164();
    assert_eq!(plain, format!("+{}", digits.collect::<String>()));
    assert_eq!(Msisdn::parse(&plain), Ok(number));
    assert_eq!(Msisdn::from_carrier(plain.as_bytes(), 1), Ok(number));
    assert_eq!(key(number), Msisdn::parse(&plain).ok().and_then(key));
    assert!(!format!("{number} {number:?}").contains(plain.trim_start_matches('+')));
}

/// The key of its count.
fn key(number: Msisdn) -> Option<Key> {
    let draft = Draft {
        name: LimitName::parse("number").ok()?,
        event: Event::Message,
        unit: Unit::Requests,
        dimensions: [Dimension::Recipient].into_iter().collect(),
        classes: domain::class::ClassSet::default(),
        rule: Rule::Held { most: 1 },
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys: 1,
    };
    let book = Book::new(vec![Policy::new(draft).ok()?], Secret::new([7; 16])).ok()?;
    let facts = Facts {
        destination: Some(Destination::of(number)),
        ..Facts::new(Event::Message)
    };
    book.key_of("number", &facts)
}
