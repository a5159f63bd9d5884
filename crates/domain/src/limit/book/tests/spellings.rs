//! Whoever spells something otherwise gains nothing: one number, address or login has one count.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;

/// Separators that a number may be written with, one between two digits.
fn separators() -> impl Strategy<Value = Vec<&'static str>> {
    let one = proptest::prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("-"), 1 => Just(".")];
    proptest::collection::vec(one, 11)
}

fn spelled(digits: u64, separators: &[&str]) -> String {
    let mut text = "+".to_owned();
    let between = separators.iter().copied().chain([""]);
    for (digit, separator) in digits.to_string().chars().zip(between) {
        text.push(digit);
        text.push_str(separator);
    }
    text
}

fn to(text: &str) -> Option<Facts<'static>> {
    Some(Facts {
        destination: Some(Destination::of(Msisdn::parse(text).ok()?)),
        ..message(1, 1)
    })
}

proptest! {
    #[test]
    fn one_number_has_one_count_however_it_is_written(
        number in 447_700_900_000_u64..447_701_000_000, all in proptest::collection::vec(separators(), 1..12),
    ) {
        let mut book = book(vec![draft("number", &[Dimension::Recipient], quota(3, 60))]);
        let plain = Msisdn::from_digits(447_700_900_000 + number % 1_000).unwrap();
        let facts = Facts { destination: Some(Destination::of(plain)), ..message(1, 1) };
        let key = book.key_of("number", &facts);
        let mut went = 0;
        for separators in &all {
            let text = spelled(plain.reveal(), separators);
            let facts = to(&text).unwrap();
            prop_assert_eq!(book.key_of("number", &facts), key, "{}", text);
            went += u32::from(granted(&mut book, &facts, START));
        }
        prop_assert!(went <= 3);
    }

    #[test]
    fn numbers_that_differ_have_counts_that_differ(a in 0_usize..1_000, b in 0_usize..1_000) {
        let book = book(vec![draft("number", &[Dimension::Recipient], quota(3, 60))]);
        let key = |place: usize| {
            let destination = Some(NUMBERS[place]);
            book.key_of("number", &Facts { destination, ..message(1, 1) })
        };
        prop_assert_eq!(key(a) == key(b), a == b);
    }

    #[test]
    fn an_address_has_one_count_in_every_form_and_a_customer_of_ipv6_one_in_all(
        v4 in any::<u32>(), v6 in any::<u128>(), host in any::<u64>(),
    ) {
        let book = book(vec![draft("source", &[Dimension::Source], quota(3, 60))]);
        let key = |source| book.key_of("source", &Facts { source: Some(source), ..message(1, 1) });
        let v4 = Ipv4Addr::from(v4);
        prop_assert_eq!(key(IpAddr::V4(v4)), key(IpAddr::V6(v4.to_ipv6_mapped())));
        let neighbour = Ipv6Addr::from(v6 >> 64 << 64 | u128::from(host));
        let v6 = Ipv6Addr::from(v6);
        if v6.to_ipv4_mapped().is_none() && neighbour.to_ipv4_mapped().is_none() {
            prop_assert_eq!(key(IpAddr::V6(v6)), key(IpAddr::V6(neighbour)));
        }
    }

    #[test]
    fn a_login_has_one_count_in_capitals_or_not(login in "[a-zA-Z0-9.@-]{0,30}") {
        let book = book(vec![draft("login", &[Dimension::Login, Dimension::SystemId], quota(3, 60))]);
        let key = |login: &str| {
            let (login, system_id) = (Some(login), Some(login));
            book.key_of("login", &Facts { login, system_id, ..message(1, 1) })
        };
        prop_assert_eq!(key(&login), key(&login.to_ascii_uppercase()));
        prop_assert_eq!(key(&login), key(&login.to_ascii_lowercase()));
        let longer = format!("{login}x");
        prop_assert!(key(&login) != key(&longer));
    }
}
