//! What is published for auditors, `docs/ledger.md` and `docs/entry.schema.json`, against the code:
//! the worked example is worked, and every word is in both or in neither.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use ledger::entry::KEYS;
use ledger::seal::check::{Epoch, SealChecker};
use ledger::seal::{Seal, SealKey, SealStart, Sealer};
use ledger::{
    Actor, ActorType, Commitment, CommitmentKey, Draft, Entry, Facts, FaultKind, Hash, Kind,
    NodeName, ObjectType, OriginType, Outcome, Policy, Stamp, UtcMicros, leaf_hash,
};
use serde_json::Value as Json;

const PAGE: &str = include_str!("../../../docs/ledger.md");
const SCHEMA: &str = include_str!("../../../docs/entry.schema.json");

/// The fenced block of the page with this word behind its fence.
fn block(word: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n```{word}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// What opens the example, by field.
fn openings() -> Vec<(&'static str, CommitmentKey, &'static [u8])> {
    let opening = |line: &'static str| {
        let mut parts = line.splitn(3, ' ');
        let (field, key, value) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let key = CommitmentKey::from_bytes(*Hash::from_hex(key).unwrap().as_bytes());
        (field, key, value.as_bytes())
    };
    block("openings").lines().map(opening).collect()
}

fn example() -> Vec<u8> {
    let client = "cli_agndkyl6fn76pkr4ha5qmzvkhe";
    let facts = Facts::new()
        .put("class", "otp")
        .put("encoding", "gsm7")
        .put("expires", UtcMicros(1_764_065_100_000_000))
        .put("segments", 1_u8)
        .put("sender", "12345");
    let mut builder = Draft::of(
        Kind::MessageAccepted,
        Actor::client(&client),
        Outcome::Accepted,
    )
    .client(&client)
    .correlation(&"req_7f3k2m")
    .object(ObjectType::Message, &"msg_agndkyl7d372uyvqzzj5t4vv3y")
    .origin(OriginType::Connection, &"198.51.100.7")
    .data(facts);
    for (field, key, value) in openings() {
        builder = builder.private(field, &Commitment::of(&key, field, value));
    }
    let node = NodeName::parse("gw-1").unwrap();
    let time_micros = 1_764_064_800_000_001;
    builder.build().unwrap().finish(&Stamp {
        node: &node,
        epoch: 3,
        node_seq: 41,
        time_micros,
    })
}

/// The words in backquotes of one line.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The words in backquotes of the paragraph that begins so.
fn paragraph(beginning: &str) -> Vec<&'static str> {
    let (_, rest) = PAGE.split_once(&format!("\n{beginning}")).unwrap();
    quoted(rest.split_once("\n\n").unwrap().0)
}

/// The first cells of the table under a heading, whatever its level.
fn first_cells(heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(&format!("# {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| quoted(row)[0]).collect()
}

fn schema() -> Json {
    serde_json::from_str(SCHEMA).unwrap()
}

fn words(list: &Json) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

fn names<T: Copy>(all: &'static [T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|one| name(*one)).collect()
}

/// Checks a value against the part of JSON Schema that the published one uses.
fn conforms(value: &Json, rule: &Json, root: &Json) -> bool {
    let rules = rule.as_object().unwrap();
    rules.iter().all(|(word, wanted)| match word.as_str() {
        "$ref" => {
            let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            conforms(value, root.pointer(pointer).unwrap(), root)
        }
        "type" => match wanted {
            Json::Array(types) => types.iter().any(|one| has_type(value, one)),
            one => has_type(value, one),
        },
        "const" => value == wanted,
        "enum" => wanted.as_array().unwrap().contains(value),
        "minimum" => value.as_i64().unwrap() >= wanted.as_i64().unwrap(),
        "maximum" => value.as_i64().unwrap() <= wanted.as_i64().unwrap(),
        "minProperties" => !value.as_object().unwrap().is_empty(),
        "required" => words(wanted).iter().all(|key| value.get(key).is_some()),
        "properties" => wanted.as_object().unwrap().iter().all(|(key, rule)| {
            value
                .get(key)
                .is_none_or(|value| conforms(value, rule, root))
        }),
        "additionalProperties" => value.as_object().unwrap().iter().all(|(key, value)| {
            let listed = rule
                .get("properties")
                .is_some_and(|listed| listed.get(key).is_some());
            listed || (wanted.is_object() && conforms(value, wanted, root))
        }),
        "items" => value
            .as_array()
            .unwrap()
            .iter()
            .all(|item| conforms(item, wanted, root)),
        "oneOf" => {
            let rules = wanted.as_array().unwrap();
            rules
                .iter()
                .filter(|rule| type_fits(value, rule, root))
                .count()
                == 1
        }
        // Patterns are the strict reader's to check; the rest is for people.
        "pattern" | "propertyNames" | "description" | "title" | "$schema" | "$defs" => true,
        other => panic!("the schema uses {other}, which this test does not know"),
    })
}

/// Like [`conforms`], but the type is asked first, since the other words suppose it.
fn type_fits(value: &Json, rule: &Json, root: &Json) -> bool {
    let kind = serde_json::json!({ "type": rule.get("type").cloned().unwrap_or("object".into()) });
    conforms(value, &kind, root) && conforms(value, rule, root)
}

fn has_type(value: &Json, name: &Json) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type is called {other}"),
    }
}

#[test]
fn the_worked_example_comes_out_as_the_page_has_it() {
    let bytes = example();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), block("entry"));
    assert_eq!(leaf_hash(&bytes).to_string(), block("leaf"));
}

#[test]
fn the_example_opens_by_what_the_page_gives_an_auditor() {
    let entry = Entry::parse(block("entry").as_bytes()).unwrap();
    let openings = openings();
    assert_eq!(entry.private.len(), openings.len());
    for ((field, commitment), (opened, key, value)) in entry.private.iter().zip(&openings) {
        assert_eq!(field, opened);
        assert!(commitment.opens(key, field, value));
        assert!(!commitment.opens(key, field, b"another value"));
    }
}

#[test]
fn the_commands_of_the_page_speak_of_the_example() {
    let (field, key, value) = &openings()[0];
    let value = core::str::from_utf8(value).unwrap();
    let key = Hash::from_bytes(*key.reveal());
    assert!(PAGE.contains(&format!("printf '{field}\\0{value}'")));
    assert!(PAGE.contains(&format!("hexkey:{key}")));
    assert!(PAGE.contains(&format!("b\"{field}\\0\" + \"{value}\"")));
}

#[test]
fn page_and_code_have_the_same_words() {
    assert_eq!(first_cells("Kinds"), names(Kind::ALL, Kind::as_str));
    assert_eq!(first_cells("Keys"), KEYS);
    assert_eq!(
        paragraph("Types of `object`: ")[..],
        names(ObjectType::ALL, ObjectType::as_str)
    );
    assert_eq!(
        paragraph("Types of `origin`: "),
        names(OriginType::ALL, OriginType::as_str)
    );
    let actors = paragraph("Types of `actor`: ");
    assert!(
        names(ActorType::ALL, ActorType::as_str)
            .iter()
            .all(|word| actors.contains(word))
    );
    let row = PAGE
        .lines()
        .find(|line| line.starts_with("| `outcome`"))
        .unwrap();
    assert_eq!(quoted(row)[1..], names(Outcome::ALL, Outcome::as_str));
}

#[test]
fn page_and_code_name_the_same_faults() {
    assert_eq!(
        first_cells("Faults"),
        names(FaultKind::ALL, FaultKind::as_str)
    );
}

#[test]
fn the_seals_of_the_page_come_out_and_check() {
    let start = SealStart {
        origin: "log.example/ledger".into(),
        began_micros: 1_764_064_800_000_000,
        epoch_micros: 10_000_000,
        first: 0,
    };
    let leaf = leaf_hash(block("entry").as_bytes());
    let mut sealer = Sealer::begin(start.clone(), SealKey::from_bytes([1; 32]));
    let mut checker = SealChecker::begin(start, SealKey::from_bytes([1; 32]), 0);
    let time = Entry::parse(block("entry").as_bytes()).unwrap().time_micros;
    for (line, leaves) in block("seals").lines().zip([&[leaf][..], &[]]) {
        assert_eq!(sealer.seal(leaves).line(), line);
        let times = leaves.first().map(|_| (time, time));
        let seal = Seal::parse(line).unwrap();
        checker.check(&seal, Epoch { leaves, times }).unwrap();
    }
    assert_eq!(checker.finish(1_764_064_820_000_000), Ok(1));
}

#[test]
fn the_policy_of_the_page_is_one_as_it_stands() {
    let (_, rest) = PAGE.split_once("```\nlog log.example").unwrap();
    let text = format!("log log.example{}\n", rest.split_once("\n```").unwrap().0);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 2));
    for witness in policy.witnesses() {
        assert!(policy.is_met(|one| *one == witness.key), "any of the two");
    }
    assert!(!policy.is_met(|_| false));
}

/// Of the kinds, those that the page marks as reserved.
fn reserved() -> Vec<&'static str> {
    let rows = PAGE.lines().filter(|line| line.contains("| *reserved*"));
    rows.map(|row| quoted(row)[0]).collect()
}

#[test]
fn the_schema_names_the_kinds_that_the_page_calls_reserved() {
    let schema = schema();
    let says = schema["properties"]["kind"]["description"]
        .as_str()
        .unwrap();
    let (_, kinds) = says.split_once("not written yet: ").unwrap();
    let kinds: Vec<&str> = kinds.trim_end_matches('.').split(", ").collect();
    assert_eq!(kinds, reserved());
}

#[test]
fn schema_and_code_have_the_same_words() {
    let schema = schema();
    let properties = &schema["properties"];
    let keys: BTreeSet<_> = properties
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, BTreeSet::from(KEYS));
    assert_eq!(schema["additionalProperties"], Json::Bool(false));
    let types = |key: &str| &properties[key]["properties"]["type"]["enum"];
    assert_eq!(
        words(&properties["kind"]["enum"]),
        names(Kind::ALL, Kind::as_str)
    );
    assert_eq!(
        words(&properties["outcome"]["enum"]),
        names(Outcome::ALL, Outcome::as_str)
    );
    assert_eq!(
        words(types("actor")),
        names(ActorType::ALL, ActorType::as_str)
    );
    assert_eq!(
        words(types("object")),
        names(ObjectType::ALL, ObjectType::as_str)
    );
    assert_eq!(
        words(types("origin")),
        names(OriginType::ALL, OriginType::as_str)
    );
}

#[test]
fn what_the_schema_requires_the_reader_requires_and_nothing_more() {
    let schema = schema();
    let required = words(&schema["required"]);
    let whole: Json = serde_json::from_slice(&example()).unwrap();
    for key in KEYS.into_iter().filter(|key| whole.get(key).is_some()) {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(key);
        let parsed = Entry::parse(part.to_string().as_bytes()).is_ok();
        assert_eq!(parsed, !required.contains(&key), "without {key}");
    }
}

#[test]
fn rendered_entries_conform_to_the_schema_and_bent_ones_do_not() {
    let schema = schema();
    let node = NodeName::parse("gw-1").unwrap();
    let stamp = Stamp {
        node: &node,
        epoch: 0,
        node_seq: 0,
        time_micros: 0,
    };
    let nested = Facts::new()
        .put("list", [Some(1_u64), None])
        .put("flag", true);
    let rich = Facts::new()
        .put("big", u64::MAX)
        .put("map", nested)
        .put("negative", -1_i64);
    let bare = Draft::of(Kind::LedgerStarted, Actor::system(&"ledger"), Outcome::Done);
    let full = Draft::of(Kind::ConfigLoaded, Actor::anonymous(), Outcome::Refused)
        .reason("bad \"value\"")
        .data(rich);
    let entries = [
        example(),
        bare.build().unwrap().finish(&stamp),
        full.build().unwrap().finish(&stamp),
    ];
    for bytes in entries {
        let entry: Json = serde_json::from_slice(&bytes).unwrap();
        assert!(conforms(&entry, &schema, &schema), "{entry}");
        let bends: [(&str, Json); 5] = [
            ("v", 2.into()),
            ("extra", 1.into()),
            ("kind", "message.sent".into()),
            ("epoch", (-1).into()),
            (
                "actor",
                serde_json::json!({ "id": "a", "type": "client", "more": 1 }),
            ),
        ];
        for (key, value) in bends {
            let mut bent = entry.clone();
            bent[key] = value;
            assert!(!conforms(&bent, &schema, &schema), "{key}");
        }
    }
}
