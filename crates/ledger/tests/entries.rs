//! Entries from draft to parse: what a draft finishes is what a naive rendering gives, and the strict
//! reader takes that and nothing near it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use ledger::entry::{KEYS, MAX_DEPTH};
use ledger::{
    Actor, ActorType, Commitment, CommitmentKey, Draft, Entry, EntryError, Facts, Kind,
    MAX_ENTRY_BYTES, NodeName, ObjectType, OriginType, Outcome, ParseError, Stamp, Value,
};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::{collection, option, sample};

/// Everything an entry may say, as plain values.
#[derive(Clone, Debug)]
struct Saying {
    kind: Kind,
    actor: (ActorType, String),
    outcome: Outcome,
    client: Option<String>,
    correlation: Option<String>,
    object: Option<(ObjectType, String)>,
    origin: Option<(OriginType, String)>,
    reason: Option<String>,
    texts: Vec<(String, String)>,
    number: Option<i64>,
    private: Vec<(String, [u8; 32])>,
    epoch: u64,
    node_seq: u64,
    time_micros: u64,
}

const LAST_EXACT: u64 = (1 << 53) - 1;

fn saying() -> impl Strategy<Value = Saying> {
    let field = "[a-z][a-z0-9_]{0,8}";
    let who = (
        sample::select(Kind::ALL),
        sample::select(ActorType::ALL),
        any::<String>(),
    );
    let what = (
        option::of((sample::select(ObjectType::ALL), any::<String>())),
        option::of((sample::select(OriginType::ALL), any::<String>())),
        sample::select(Outcome::ALL),
    );
    let links = (
        option::of(any::<String>()),
        option::of(any::<String>()),
        option::of(any::<String>()),
    );
    let fields = (
        collection::btree_map(field, any::<String>(), 0..6),
        option::of(-9_007_199_254_740_991_i64..=9_007_199_254_740_991),
        collection::btree_map(field, any::<[u8; 32]>(), 0..4),
    );
    let stamp = (
        0..=LAST_EXACT,
        0..=LAST_EXACT,
        0..=253_402_300_799_999_999_u64,
    );
    (who, what, links, fields, stamp).prop_map(|(who, what, links, fields, stamp)| Saying {
        kind: who.0,
        actor: (who.1, who.2),
        outcome: what.2,
        client: links.0,
        correlation: links.1,
        object: what.0,
        origin: what.1,
        reason: links.2,
        // Backwards, so that the map under construction has something to sort.
        texts: fields.0.into_iter().rev().collect(),
        number: fields.1,
        private: fields.2.into_iter().rev().collect(),
        epoch: stamp.0,
        node_seq: stamp.1,
        time_micros: stamp.2,
    })
}

fn node() -> NodeName {
    NodeName::parse("gw-1.example").unwrap()
}

fn drafted(saying: &Saying) -> Draft {
    let mut builder = Draft::of(
        saying.kind,
        Actor::new(saying.actor.0, &saying.actor.1),
        saying.outcome,
    );
    if let Some(id) = &saying.client {
        builder = builder.client(id);
    }
    if let Some(id) = &saying.correlation {
        builder = builder.correlation(id);
    }
    if let Some((kind, id)) = &saying.object {
        builder = builder.object(*kind, id);
    }
    if let Some((kind, id)) = &saying.origin {
        builder = builder.origin(*kind, id);
    }
    if let Some(code) = &saying.reason {
        builder = builder.reason(code);
    }
    let facts = Facts::new().put_some("zz_a_number", saying.number);
    let facts = saying
        .texts
        .iter()
        .fold(facts, |facts, (key, text)| facts.put(key, text));
    for (field, bytes) in &saying.private {
        builder = builder.private(field, &Commitment::from_bytes(*bytes));
    }
    builder.data(facts).build().unwrap()
}

fn finished(saying: &Saying) -> Vec<u8> {
    let stamp = Stamp {
        node: &node(),
        epoch: saying.epoch,
        node_seq: saying.node_seq,
        time_micros: saying.time_micros,
    };
    drafted(saying).finish(&stamp)
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

fn number(number: u64) -> Value<'static> {
    Value::Integer(i64::try_from(number).unwrap())
}

fn map(members: Vec<(String, Value<'static>)>) -> Value<'static> {
    Value::Map(
        members
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

fn reference(kind: &str, id: &str) -> Value<'static> {
    map(vec![("type".into(), text(kind)), ("id".into(), text(id))])
}

/// The same entry by way of a tree of values, unsorted, with the time as jiff writes it.
fn naive(saying: &Saying) -> Vec<u8> {
    let time =
        jiff::Timestamp::from_microsecond(i64::try_from(saying.time_micros).unwrap()).unwrap();
    let mut members = vec![
        ("v".to_owned(), number(1)),
        ("time".into(), text(&format!("{time:.6}"))),
        ("node".into(), text(node().as_str())),
        ("node_seq".into(), number(saying.node_seq)),
        ("epoch".into(), number(saying.epoch)),
        ("kind".into(), text(saying.kind.as_str())),
        ("outcome".into(), text(saying.outcome.as_str())),
        (
            "actor".into(),
            reference(saying.actor.0.as_str(), &saying.actor.1),
        ),
    ];
    let object = saying
        .object
        .as_ref()
        .map(|(kind, id)| reference(kind.as_str(), id));
    let origin = saying
        .origin
        .as_ref()
        .map(|(kind, id)| reference(kind.as_str(), id));
    members.extend(object.map(|value| ("object".into(), value)));
    members.extend(origin.map(|value| ("origin".into(), value)));
    for (key, value) in [
        ("client", &saying.client),
        ("correlation", &saying.correlation),
        ("reason", &saying.reason),
    ] {
        members.extend(value.as_ref().map(|value| (key.to_owned(), text(value))));
    }
    let mut data: Vec<_> = saying
        .texts
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    data.extend(
        saying
            .number
            .map(|number| ("zz_a_number".into(), Value::Integer(number))),
    );
    let private: Vec<_> = saying
        .private
        .iter()
        .map(|(key, bytes)| {
            (
                key.clone(),
                text(&Commitment::from_bytes(*bytes).to_string()),
            )
        })
        .collect();
    for (key, fields) in [("data", data), ("private", private)] {
        if !fields.is_empty() {
            members.push((key.into(), map(fields)));
        }
    }
    let mut out = Vec::new();
    map(members).render(&mut out);
    out
}

fn stamp(node: &NodeName) -> Stamp<'_> {
    Stamp {
        node,
        epoch: 3,
        node_seq: 41,
        time_micros: 1_764_064_800_000_001,
    }
}

fn small() -> Vec<u8> {
    let key = CommitmentKey::from_bytes([7; 32]);
    Draft::of(
        Kind::MessageAccepted,
        Actor::client(&"cli_a"),
        Outcome::Accepted,
    )
    .client(&"cli_a")
    .correlation(&"req_b")
    .object(ObjectType::Message, &"msg_c")
    .origin(OriginType::Connection, &"https/9")
    .reason("none")
    .data(Facts::new().put("class", "otp").put("segments", 1_u8))
    .private("to", &Commitment::of(&key, "to", b"+15550100"))
    .build()
    .unwrap()
    .finish(&stamp(&node()))
}

#[test]
fn an_entry_says_back_what_the_draft_said() {
    let bytes = small();
    let entry = Entry::parse(&bytes).unwrap();
    assert_eq!(
        (entry.kind, entry.outcome),
        (Kind::MessageAccepted, Outcome::Accepted)
    );
    assert_eq!(
        (entry.actor.kind, entry.actor.id.as_ref()),
        (ActorType::Client, "cli_a")
    );
    assert_eq!(
        (entry.client.as_deref(), entry.correlation.as_deref()),
        (Some("cli_a"), Some("req_b"))
    );
    assert_eq!(entry.object.unwrap().id, "msg_c");
    assert_eq!(entry.origin.unwrap().kind, OriginType::Connection);
    assert_eq!(entry.reason.as_deref(), Some("none"));
    assert_eq!(
        (entry.node.as_ref(), entry.epoch, entry.node_seq),
        ("gw-1.example", 3, 41)
    );
    assert_eq!(entry.time_micros, 1_764_064_800_000_001);
    let data = entry.data.unwrap();
    assert_eq!(data.get("class").and_then(Value::as_text), Some("otp"));
    assert_eq!(data.get("segments").and_then(Value::as_integer), Some(1));
    let (field, commitment) = &entry.private[0];
    assert!(commitment.opens(&CommitmentKey::from_bytes([7; 32]), field, b"+15550100"));
}

#[test]
fn an_entry_has_only_its_needed_keys_when_nothing_else_was_said() {
    let draft = Draft::of(Kind::LedgerStarted, Actor::system(&"ledger"), Outcome::Done).build();
    let bytes = draft.unwrap().finish(&stamp(&node()));
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        concat!(
            r#"{"actor":{"id":"ledger","type":"system"},"epoch":3,"kind":"ledger.started","#,
            r#""node":"gw-1.example","node_seq":41,"outcome":"done","#,
            r#""time":"2025-11-25T10:00:00.000001Z","v":1}"#
        )
    );
}

#[test]
fn a_draft_too_long_too_deep_or_misnamed_is_refused() {
    let build = |facts: Facts| {
        Draft::of(Kind::ConfigLoaded, Actor::anonymous(), Outcome::Done)
            .data(facts)
            .build()
    };
    let nested = |levels: u8| {
        (1..levels).fold(Facts::new().put("a", 1_u8), |facts, _| {
            Facts::new().put("a", facts)
        })
    };
    assert!(build(nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(build(nested(MAX_DEPTH)).unwrap_err(), EntryError::TooDeep);
    assert_eq!(
        build(Facts::new().put("A", 1_u8)).unwrap_err(),
        EntryError::FieldName
    );
    let long = |length: usize| Facts::new().put("a", "x".repeat(length));
    assert_eq!(
        build(long(MAX_ENTRY_BYTES)).unwrap_err(),
        EntryError::TooLong
    );
    assert_eq!(
        Draft::of(Kind::ConfigLoaded, Actor::anonymous(), Outcome::Done)
            .private("to", &Commitment::from_bytes([0; 32]))
            .private("to", &Commitment::from_bytes([1; 32]))
            .build()
            .unwrap_err(),
        EntryError::Repeated
    );
}

#[test]
fn the_longest_draft_stays_within_the_bound_under_the_longest_stamp() {
    let node = NodeName::parse(&"n".repeat(63)).unwrap();
    let longest = Stamp {
        node: &node,
        epoch: u64::MAX,
        node_seq: u64::MAX,
        time_micros: u64::MAX,
    };
    let draft = |length: usize| {
        let facts = Facts::new().put("a", "x".repeat(length));
        Draft::of(Kind::ConfigLoaded, Actor::anonymous(), Outcome::Done)
            .data(facts)
            .build()
    };
    let most = (65_000..MAX_ENTRY_BYTES)
        .take_while(|length| draft(*length).is_ok())
        .last()
        .unwrap();
    assert_eq!(draft(most).unwrap().finish(&longest).len(), MAX_ENTRY_BYTES);
}

#[test]
fn every_departure_from_the_schema_is_named() {
    let bytes = String::from_utf8(small()).unwrap();
    let after = |from: &str, to: &str| {
        assert!(bytes.contains(from), "{from}");
        Entry::parse(bytes.replacen(from, to, 1).as_bytes())
            .map(|_| ())
            .unwrap_err()
    };
    let wrong = |key| ParseError::Wrong { key };
    let point = bytes.find(r#","segments":1"#).unwrap() + r#","segments":1"#.len();
    assert_eq!(after(r#""v":1"#, r#""v":2"#), wrong("v"));
    assert_eq!(after(r#","v":1"#, ""), ParseError::Missing { key: "v" });
    assert_eq!(
        after(r#""v":1"#, r#""v":1,"w":1"#),
        ParseError::UnknownKey { key: "w".into() }
    );
    let unknown = ParseError::UnknownKey { key: "dat".into() };
    assert_eq!(after(r#""data":"#, r#""dat":0,"data":"#), unknown);
    assert_eq!(
        after(r#","node":"gw-1.example""#, ""),
        ParseError::Missing { key: "node" }
    );
    assert_eq!(after("gw-1", "GW-1"), wrong("node"));
    assert_eq!(after(r#""epoch":3"#, r#""epoch":-3"#), wrong("epoch"));
    assert_eq!(
        after(r#""node_seq":41"#, r#""node_seq":"41""#),
        wrong("node_seq")
    );
    assert_eq!(after("message.accepted", "message.sent"), wrong("kind"));
    assert_eq!(after("00:00.000001Z", "00:00.00001Z"), wrong("time"));
    assert_eq!(
        after(r#""type":"client""#, r#""type":"robot""#),
        wrong("actor")
    );
    assert_eq!(
        after(r#"{"id":"msg_c","#, r#"{"idx":"msg_c","#),
        wrong("object")
    );
    assert_eq!(
        after(r#""outcome":"accepted""#, r#""outcome":"fine""#),
        wrong("outcome")
    );
    assert_eq!(
        after(r#"{"class":"otp","segments":1}"#, "{}"),
        wrong("data")
    );
    assert_eq!(
        after(r#""segments":1"#, r#""segments":{"Two":2}"#),
        wrong("data")
    );
    assert_eq!(after(r#""to":""#, r#""to":"0"#), wrong("private"));
    assert_eq!(after(r#""to":""#, r#""t-o":""#), wrong("private"));
    assert_eq!(
        after(r#""client":"cli_a""#, r#""client":null"#),
        wrong("client")
    );
    assert_eq!(
        after(r#""segments":1"#, r#""segments":1.5"#),
        ParseError::Form { at: point }
    );
    assert_eq!(Entry::parse(b"[]"), Err(ParseError::NotAnObject));
    assert_eq!(Entry::parse(b"\xff"), Err(ParseError::Utf8));
    assert_eq!(Entry::parse(&[b'['; 9]), Err(ParseError::TooDeep));
    assert_eq!(
        Entry::parse(&vec![b' '; MAX_ENTRY_BYTES + 1]),
        Err(ParseError::TooLong)
    );
}

#[test]
fn keys_are_listed_in_canonical_order() {
    assert!(KEYS.is_sorted());
}

proptest! {
    #[test]
    fn finish_equals_the_naive_rendering(saying in saying()) {
        prop_assert_eq!(
            String::from_utf8(finished(&saying)).unwrap(),
            String::from_utf8(naive(&saying)).unwrap()
        );
    }

    #[test]
    fn every_finished_draft_parses_to_what_was_said(saying in saying()) {
        let bytes = finished(&saying);
        let entry = Entry::parse(&bytes).unwrap();
        prop_assert_eq!(entry.kind, saying.kind);
        prop_assert_eq!(entry.actor.id.as_ref(), &saying.actor.1);
        prop_assert_eq!(entry.reason.as_deref(), saying.reason.as_deref());
        prop_assert_eq!(entry.object.map(|object| object.id.into_owned()), saying.object.map(|object| object.1));
        prop_assert_eq!(entry.time_micros, saying.time_micros);
        prop_assert_eq!((entry.epoch, entry.node_seq), (saying.epoch, saying.node_seq));
        let data = entry.data.unwrap_or(Value::Null);
        for (key, value) in &saying.texts {
            prop_assert_eq!(data.get(key).and_then(Value::as_text), Some(value.as_str()));
        }
        let private: Vec<_> = entry.private.iter().map(|(field, c)| (field.as_ref(), *c.as_bytes())).collect();
        let said: Vec<_> = saying.private.iter().rev().map(|(field, c)| (field.as_str(), *c)).collect();
        prop_assert_eq!(private, said);
    }

    #[test]
    fn a_general_json_reader_reads_the_same(saying in saying()) {
        let json: serde_json::Value = serde_json::from_slice(&finished(&saying)).unwrap();
        prop_assert_eq!(json["actor"]["id"].as_str(), Some(saying.actor.1.as_str()));
        prop_assert_eq!(json["node_seq"].as_u64(), Some(saying.node_seq));
        prop_assert_eq!(json["data"]["zz_a_number"].as_i64(), saying.number);
    }

    #[test]
    fn one_bent_byte_never_panics_and_never_reads_as_the_same_entry(
        saying in saying(), place in any::<sample::Index>(), bit in 0..8_u32
    ) {
        let bytes = finished(&saying);
        let mut bent = bytes.clone();
        let at = place.index(bent.len());
        bent[at] ^= 1 << bit;
        if let Ok(entry) = Entry::parse(&bent) {
            prop_assert!(entry != Entry::parse(&bytes).unwrap());
        }
    }

    #[test]
    fn parsing_never_panics(bytes in any::<Vec<u8>>()) {
        let _ = Entry::parse(&bytes);
    }
}
