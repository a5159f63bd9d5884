//! Tests of [`super`]: what shares a key and what does not.

use super::*;
use crate::id::ClientId;
use crate::limit::country::Destination;
use crate::limit::facts::Event;
use crate::limit::key::{Key, Secret};
use crate::limit::recipe::{Asked, Recipe};

fn secret() -> Secret {
    Secret::new([7; 16])
}

fn to(text: &str) -> Facts<'static> {
    Facts {
        destination: Some(Destination::of(Msisdn::parse(text).unwrap())),
        ..Facts::new(Event::Message)
    }
}

fn from(text: &str) -> Facts<'static> {
    Facts {
        source: Some(text.parse().unwrap()),
        ..Facts::new(Event::Login)
    }
}

fn key(dimension: Dimension, facts: &Facts<'_>, level: Level) -> Key {
    let recipe = Recipe::new(Dimensions::from_iter([dimension]), level);
    recipe.key(&Asked::new(facts), &secret())
}

fn own(dimension: Dimension, facts: &Facts<'_>) -> Key {
    key(dimension, facts, Level::Own)
}

#[test]
fn all_spellings_of_one_number_share_one_key() {
    let plain = own(Dimension::Recipient, &to("+447700900123"));
    for text in [
        "+44 7700 900123",
        "+44-7700-900-123",
        "+44 (7700) 900123",
        "+44.7700.900.123",
    ] {
        assert_eq!(own(Dimension::Recipient, &to(text)), plain, "{text}");
    }
    let carrier = Msisdn::from_carrier(b"00447700900123", 1).unwrap();
    let facts = Facts {
        destination: Some(Destination::of(carrier)),
        ..to("+447700900124")
    };
    assert_eq!(own(Dimension::Recipient, &facts), plain);
    assert_ne!(own(Dimension::Recipient, &to("+447700900124")), plain);
}

#[test]
fn numbers_of_one_prefix_and_of_one_country_meet_at_their_levels() {
    let (a, b, c) = (
        to("+447700900123"),
        to("+447700900999"),
        to("+447400123456"),
    );
    assert_eq!(own(Dimension::Prefix, &a), own(Dimension::Prefix, &b));
    assert_ne!(own(Dimension::Prefix, &a), own(Dimension::Prefix, &c));
    assert_eq!(own(Dimension::Country, &a), own(Dimension::Country, &c));
    let near = |facts| key(Dimension::Recipient, facts, Level::Near);
    let far = |facts| key(Dimension::Recipient, facts, Level::Far);
    assert_eq!(near(&a), near(&b));
    assert_ne!(near(&a), near(&c));
    assert_eq!(far(&a), far(&c));
    assert_ne!(far(&a), far(&to("+14155552671")));
}

#[test]
fn an_ipv6_customer_is_one_source_and_a_site_one_network() {
    let (a, b) = (from("2001:db8:1:2::1"), from("2001:db8:1:2:ffff::9"));
    let (other, far) = (from("2001:db8:1:3::1"), from("2001:db8:2::1"));
    assert_eq!(own(Dimension::Source, &a), own(Dimension::Source, &b));
    assert_ne!(own(Dimension::Source, &a), own(Dimension::Source, &other));
    assert_eq!(own(Dimension::Network, &a), own(Dimension::Network, &other));
    assert_ne!(own(Dimension::Network, &a), own(Dimension::Network, &far));
}

#[test]
fn an_ipv4_address_is_one_source_however_it_is_written() {
    let plain = own(Dimension::Source, &from("192.0.2.1"));
    assert_eq!(own(Dimension::Source, &from("::ffff:192.0.2.1")), plain);
    assert_ne!(own(Dimension::Source, &from("192.0.2.2")), plain);
    let near = |text| key(Dimension::Source, &from(text), Level::Near);
    assert_eq!(near("192.0.2.1"), near("192.0.2.200"));
    assert_ne!(near("192.0.2.1"), near("192.0.3.1"));
    let far = |text| key(Dimension::Source, &from(text), Level::Far);
    assert_eq!(far("192.0.2.1"), far("203.0.113.9"));
    assert_ne!(
        far("192.0.2.1"),
        far("2001:db8::1"),
        "cheap IPv6 addresses never crowd IPv4"
    );
    let last = |text| key(Dimension::Source, &from(text), Level::Last);
    assert_eq!(last("192.0.2.1"), last("2001:db8::1"));
}

#[test]
fn leaving_a_fact_out_is_a_value_of_its_own() {
    let none = Facts::new(Event::Message);
    let tagged = |tag| Facts {
        campaign: Some(tag),
        ..none
    };
    assert_eq!(
        own(Dimension::Campaign, &none),
        own(Dimension::Campaign, &none)
    );
    assert_ne!(
        own(Dimension::Campaign, &none),
        own(Dimension::Campaign, &tagged(""))
    );
    assert_ne!(
        own(Dimension::Campaign, &tagged("a")),
        own(Dimension::Campaign, &tagged("b"))
    );
    assert!(!Dimensions::from_iter([Dimension::Group]).apply_to(&none));
}

#[test]
fn a_limit_by_campaign_is_not_asked_for_a_message_without_one() {
    let none = Facts::new(Event::Message);
    let tagged = Facts {
        campaign: Some("autumn"),
        ..none
    };
    for by in [
        vec![Dimension::Campaign],
        vec![Dimension::Client, Dimension::Campaign],
    ] {
        let by = Dimensions::from(by);
        assert!(!by.apply_to(&none) && by.apply_to(&tagged), "{by:?}");
    }
}

#[test]
fn upper_and_lower_case_of_a_login_are_one() {
    let with = |login| Facts {
        login: Some(login),
        ..Facts::new(Event::Login)
    };
    assert_eq!(
        own(Dimension::Login, &with("Admin")),
        own(Dimension::Login, &with("aDMIN"))
    );
}

#[test]
fn every_fact_of_a_combination_counts_and_dimensions_do_not_mix() {
    let client = |random| Facts {
        client: Some(ClientId::new(5, random)),
        ..to("+447700900123")
    };
    let both = Dimensions::from_iter([Dimension::Client, Dimension::Recipient]);
    let recipe = Recipe::new(both, Level::Own);
    let at = |facts: &Facts<'_>| recipe.key(&Asked::new(facts), &secret());
    assert_eq!(at(&client(1)), at(&client(1)));
    assert_ne!(at(&client(1)), at(&client(2)));
    assert_ne!(at(&client(1)), own(Dimension::Recipient, &client(1)));
    for (place, one) in Dimension::ALL.into_iter().enumerate() {
        for other in Dimension::ALL.into_iter().skip(place + 1) {
            let facts = Facts::new(Event::Message);
            assert_ne!(own(one, &facts), own(other, &facts), "{one:?} {other:?}");
        }
    }
}

#[test]
fn a_label_tells_the_most_telling_fact() {
    let read = |dimension, facts: &Facts<'_>| {
        let dimensions = Dimensions::from_iter([dimension]);
        dimensions.read_label(dimensions.label(facts))
    };
    let number = Msisdn::parse("+447700900123").unwrap();
    assert_eq!(
        read(Dimension::Recipient, &to("+447700900123")),
        Label::Recipient(number)
    );
    let source = Label::Source("192.0.2.1".parse().unwrap());
    assert_eq!(read(Dimension::Source, &from("::ffff:192.0.2.1")), source);
    let site = Label::Network("2001:db8:1::".parse().unwrap());
    assert_eq!(read(Dimension::Network, &from("2001:db8:1:2::1")), site);
    assert_eq!(read(Dimension::Login, &from("192.0.2.1")), Label::Hidden);
    let class = Facts {
        class: Some(TrafficClass::Marketing),
        ..Facts::new(Event::Message)
    };
    assert_eq!(
        read(Dimension::Class, &class),
        Label::Class(TrafficClass::Marketing)
    );
}
