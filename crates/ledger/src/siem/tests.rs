//! Known lines of each format; the attributes that OCSF asks of each class; and every kind in each.

mod allowed;

use serde_json::{Value, json};

use super::level::Level;
use super::ocsf::{Activity, Class};
use super::*;
use crate::entry::kind::Kind;
use crate::entry::outcome::Outcome;

const ENTRY: &str = concat!(
    r#"{"actor":{"id":"cli_a","type":"client"},"client":"cli_a","correlation":"req_7","#,
    r#""data":{"class":"otp","note":"a=b"},"epoch":3,"kind":"message.accepted","node":"gw-1","node_seq":41,"#,
    r#""object":{"id":"msg_b","type":"message"},"origin":{"id":"198.51.100.7","type":"connection"},"#,
    r#""outcome":"accepted","private":{"number":"d513ad16adff801e2fbe20f7783b8b6305db08ce7d0f67283dd0524c42dab908"},"#,
    r#""time":"2025-11-25T10:00:00.000001Z","v":1}"#
);

fn producer() -> Producer {
    Producer {
        log: "log.example/ledger".to_owned(),
        version: "1.2.3".to_owned(),
    }
}

fn rendered(entry: &str, format: Format) -> String {
    let placed = Placed::parse(7, entry.as_bytes()).unwrap();
    String::from_utf8(placed.render(format, &producer())).unwrap()
}

fn event(entry: &str) -> Value {
    serde_json::from_str(&rendered(entry, Format::Ocsf)).unwrap()
}

#[test]
fn a_line_of_cef_has_its_header_and_the_keys_of_the_dictionary() {
    let leaf = leaf_hash(ENTRY.as_bytes());
    let expected = format!(
        "CEF:0|Shortstop|Shortstop|1.2.3|message.accepted|message accepted|1|rt=1764064800000 \
         externalId=7 cat=message act=accepted outcome=accepted dvchost=gw-1 \
         deviceExternalId=log.example/ledger suser=cli_a spriv=client duser=cli_a src=198.51.100.7 \
         cs1={leaf} cs1Label=leafHash cs3=message msg_b cs3Label=object cs4=req_7 \
         cs4Label=correlation cs5={{\"class\":\"otp\",\"note\":\"a\\=b\"}} cs5Label=data \
         cs6={{\"number\":\"d513ad16adff801e2fbe20f7783b8b6305db08ce7d0f67283dd0524c42dab908\"}} \
         cs6Label=commitments cn1=3 cn1Label=epoch cn2=41 cn2Label=nodeSequence"
    );
    assert_eq!(rendered(ENTRY, Format::Cef), expected);
}

#[test]
fn cef_has_a_key_of_its_own_for_ipv6_and_none_for_what_is_no_address() {
    let v6 = rendered(&ENTRY.replace("198.51.100.7", "2001:db8::1"), Format::Cef);
    assert!(v6.contains(" c6a2=2001:db8::1 c6a2Label=Source IPv6 Address "));
    let bind = rendered(&ENTRY.replace("198.51.100.7", "primary/0"), Format::Cef);
    assert!(bind.contains(" cs2=connection primary/0 cs2Label=origin ") && !bind.contains("src="));
}

#[test]
fn a_syslog_message_has_the_header_of_rfc_5424_and_its_structured_data() {
    let placed = Placed::parse(7, ENTRY.as_bytes()).unwrap();
    let leaf = placed.leaf;
    let message = syslog::message(&placed, Format::Entry, &producer());
    let expected = format!(
        "<110>1 2025-11-25T10:00:00.000001Z gw-1 shortstop 3 message.accepted [shortstop@32473 \
         log=\"log.example/ledger\" index=\"7\" leaf=\"{leaf}\" kind=\"message.accepted\" \
         outcome=\"accepted\"] {ENTRY}"
    );
    assert_eq!(String::from_utf8(message).unwrap(), expected);
    let frame = syslog::frame(&placed, Format::Entry, &producer());
    let framed = format!("{} {expected}", expected.len());
    assert_eq!(String::from_utf8(frame).unwrap(), framed);
}

#[test]
fn a_text_that_leaves_ascii_begins_with_the_byte_order_mark() {
    let entry = ENTRY.replace("req_7", "req_\u{e9}");
    let placed = Placed::parse(7, entry.as_bytes()).unwrap();
    let message = syslog::message(&placed, Format::Entry, &producer());
    let message = String::from_utf8(message).unwrap();
    assert!(message.ends_with(&format!("] \u{feff}{entry}")));
    let frame = syslog::frame(&placed, Format::Entry, &producer());
    let (length, rest) = frame.split_at(frame.iter().position(|byte| *byte == b' ').unwrap());
    let length: usize = str::from_utf8(length).unwrap().parse().unwrap();
    assert_eq!(length, rest.len() - 1, "octets are counted, not characters");
}

#[test]
fn an_event_of_ocsf_says_who_from_where_and_when() {
    let event = event(ENTRY);
    assert_eq!(event["class_uid"], 6_003);
    assert_eq!(event["type_uid"], 600_301);
    assert_eq!(event["time"], 1_764_064_800_000_u64);
    assert_eq!(event["metadata"]["log_name"], "log.example/ledger");
    assert_eq!(event["metadata"]["sequence"], 7);
    assert_eq!(
        event["metadata"]["original_time"],
        "2025-11-25T10:00:00.000001Z"
    );
    assert_eq!(event["metadata"]["correlation_uid"], "req_7");
    let leaf = leaf_hash(ENTRY.as_bytes()).to_string();
    assert_eq!(event["metadata"]["uid"], leaf);
    assert_eq!(event["actor"]["user"]["uid"], "cli_a");
    assert_eq!(event["src_endpoint"], json!({"ip": "198.51.100.7"}));
    assert_eq!(event["api"]["operation"], "message.accepted");
    assert_eq!(event["resources"][0]["uid"], "msg_b");
    assert_eq!(event["unmapped"]["data"]["class"], "otp");
    assert_eq!(event["status_id"], 1);
}

#[test]
fn a_line_of_json_holds_the_entry_as_it_is() {
    let placed = Placed::parse(7, ENTRY.as_bytes()).unwrap();
    let line = String::from_utf8(placed.json_line()).unwrap();
    assert!(line.starts_with(&format!(r#"{{"entry":{ENTRY},"#)));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["index"], 7);
    assert_eq!(line["leaf"], leaf_hash(ENTRY.as_bytes()).to_string());
}

/// What OCSF 1.3 asks of every event, and of those of a class. A `|` says that one of them is enough.
const OF_ALL: [&str; 9] = [
    "activity_id",
    "category_uid",
    "class_uid",
    "metadata.product.vendor_name",
    "metadata.product.name",
    "metadata.version",
    "severity_id",
    "time",
    "type_uid",
];

/// One of these is needed of an endpoint, a user, an actor.
const ENDPOINT: &str = "ip|uid|name|hostname";
const USER: &str = "name|uid";
const ACTOR: &str = "user|app_name";

fn asked(class: i64) -> Vec<String> {
    let within = |at: &str, one_of: &str| {
        let paths = one_of.split('|').map(|name| format!("{at}.{name}"));
        paths.collect::<Vec<_>>().join("|")
    };
    match class {
        0 => vec![],
        3_001 => vec![within("user", USER)],
        3_002 => vec![within("user", USER), within("service", USER)],
        3_004 => vec![within("entity", USER)],
        4_001 => vec![
            within("dst_endpoint", ENDPOINT),
            within("src_endpoint", ENDPOINT),
        ],
        6_002 => vec!["app.name".to_owned(), "app.vendor_name".to_owned()],
        6_003 => vec![
            within("actor", ACTOR),
            "api.operation".to_owned(),
            within("src_endpoint", ENDPOINT),
        ],
        other => panic!("{other} is no class of ours"),
    }
}

/// The activities that a class has, besides 0 and 99.
const fn activities(class: i64) -> i64 {
    match class {
        3_001 => 12,
        3_002 | 4_001 => 6,
        3_004 | 6_003 => 4,
        6_002 => 8,
        _ => 0,
    }
}

fn has(event: &Value, path: &str) -> bool {
    let found = path
        .split('.')
        .try_fold(event, |value, name| value.get(name));
    found.is_some_and(|value| !value.is_null() && value != "")
}

/// An entry of a kind, with or without all that may be left out.
fn entry_of(kind: Kind, outcome: Outcome, more: &str) -> String {
    let (object, origin) = match more {
        "" => ("", ""),
        _ => (
            r#""object":{"id":"o_1","type":"client"},"#,
            r#""origin":{"id":"2001:db8::/64","type":"connection"},"#,
        ),
    };
    format!(
        r#"{{"actor":{{"id":"a","type":"{}"}},"epoch":1,"kind":"{kind}","node":"gw-1","node_seq":0,{object}{origin}"outcome":"{outcome}","time":"2025-11-25T10:00:00.000001Z","v":1}}"#,
        if more.is_empty() { "client" } else { more },
    )
}

#[test]
fn every_kind_is_an_event_with_all_that_its_class_asks_for() {
    let actors = [
        "",
        "client",
        "operator",
        "os_user",
        "carrier",
        "system",
        "anonymous",
    ];
    for (kind, outcome, more) in Kind::ALL.iter().flat_map(|kind| {
        let outcomes = Outcome::ALL.iter();
        outcomes.flat_map(move |outcome| actors.map(|more| (*kind, *outcome, more)))
    }) {
        let event = event(&entry_of(kind, outcome, more));
        let number = |name: &str| event[name].as_i64().unwrap();
        let class = number("class_uid");
        for path in OF_ALL.map(str::to_owned).into_iter().chain(asked(class)) {
            let there = path.split('|').any(|path| has(&event, path));
            assert!(there, "{kind}: {path} in {event}");
        }
        let who = ["actor.user.name", "actor.user.uid", "actor.app_name"];
        assert!(class == 0 || who.iter().any(|path| has(&event, path)));
        let activity = number("activity_id");
        assert!(
            activity == 99 || (1..=activities(class)).contains(&activity),
            "{kind}"
        );
        assert_eq!(number("type_uid"), class * 100 + activity);
        assert_eq!(number("category_uid"), class / 1_000, "{kind}");
        assert!((1..=5).contains(&number("severity_id")));
    }
}

#[test]
fn every_kind_and_outcome_has_a_level_that_grows_the_same_way_in_each_format() {
    let mut numbers = Vec::new();
    for kind in Kind::ALL {
        for outcome in Outcome::ALL {
            let level = Level::of(*kind, *outcome);
            numbers.push((level, level.ocsf().0, level.cef(), level.syslog()));
        }
    }
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 5, "each level is used");
    for pair in numbers.windows(2) {
        assert!(pair[0].1 < pair[1].1 && pair[0].2 < pair[1].2 && pair[0].3 > pair[1].3);
    }
}

#[test]
fn what_fails_is_never_less_worth_a_look_than_what_does_not() {
    for kind in Kind::ALL {
        let done = Level::of(*kind, Outcome::Done);
        for outcome in [Outcome::Refused, Outcome::Failed, Outcome::Unknown] {
            assert!(Level::of(*kind, outcome) >= done, "{kind} {outcome}");
        }
    }
    assert_eq!(Level::of(Kind::AuthFailed, Outcome::Refused), Level::Medium);
}

#[test]
fn a_failed_authentication_and_a_lost_link_are_of_their_own_classes() {
    let class = |kind| Activity::of(kind).class;
    assert_eq!(class(Kind::AuthFailed), Class::Authentication);
    assert_eq!(class(Kind::LinkLost), Class::NetworkActivity);
    assert_eq!(class(Kind::ClientRevoked), Class::AccountChange);
    assert_eq!(class(Kind::SubjectErased), Class::EntityManagement);
    assert_eq!(class(Kind::ConfigLoaded), Class::ApplicationLifecycle);
    assert_eq!(class(Kind::WitnessLost), Class::Base);
}
