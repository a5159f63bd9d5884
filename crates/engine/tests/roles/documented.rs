//! The table of kinds in `docs/ledger.md` against what a gateway writes: a broad story is played, and
//! every entry of it must have exactly the facts and private fields that the page names, and every
//! word of the page must turn up in the story. What the page explains in prose is not compared.

use std::collections::{BTreeMap, BTreeSet};

use ledger::Kind;
use serde_json::Value;
use testkit::TestGateway;

mod story;

const PAGE: &str = include_str!("../../../../docs/ledger.md");

/// Names of which some are always there.
#[derive(Debug, Default)]
struct Names {
    always: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Names {
    fn parse(cell: &str) -> Self {
        let mut names = Self::default();
        for word in cell.split('`').skip(1).step_by(2) {
            let name = word.trim_end_matches('?');
            names.all.insert(name.to_owned());
            if name == word {
                names.always.insert(name.to_owned());
            }
        }
        names
    }

    fn fit(&self, there: &BTreeSet<String>) -> bool {
        self.always.is_subset(there) && there.is_subset(&self.all)
    }
}

/// One form of the entries of a kind.
#[derive(Debug)]
struct Form {
    data: Names,
    private: Names,
}

/// What the page says of a kind.
#[derive(Debug)]
enum Row {
    Reserved,
    Written(Vec<Form>),
}

/// The table of kinds.
fn table() -> BTreeMap<String, Row> {
    let (_, section) = PAGE.split_once("\n## Kinds\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> (String, Row) {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, kind, what, data, private, _] = cells[..] else {
        panic!("a row has four cells: {line}")
    };
    let kind = kind.trim_matches('`').to_owned();
    if what.starts_with("*reserved*") {
        return (kind, Row::Reserved);
    }
    let private: Vec<&str> = private.split('/').collect();
    let form = |(place, data): (usize, &str)| Form {
        data: Names::parse(data),
        private: Names::parse(private.get(place).unwrap_or(&"")),
    };
    let forms = data.split('/').enumerate().map(form).collect();
    (kind, Row::Written(forms))
}

/// Every entry that became durable, the counted ones included.
fn entries_of(test: &TestGateway) -> Vec<Value> {
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let is_there = |logged: &&testkit::memory::Logged| !logged.bytes.is_empty();
    test.store
        .with_image(|image| image.entries().iter().filter(is_there).map(parse).collect())
}

fn played() -> Vec<Value> {
    let stories = [
        story::sending(),
        super::whole::crowded(),
        story::refusing(),
        story::ending(),
        story::limiting(),
        story::handsets(),
        story::opting_out(),
        story::verifying(),
        story::asking_for_factors(),
        story::enabling(),
        story::pumping(),
        story::suspecting(),
        story::factors(),
        story::esmes(),
        story::operating(),
        story::pruning(),
        story::restarting(),
        story::failing(),
        story::streaming(),
        story::witnessing(),
        story::hearing(),
        story::calling(),
        story::calling_back(),
    ];
    stories.iter().flat_map(entries_of).collect()
}

fn keys(entry: &Value, member: &str) -> BTreeSet<String> {
    let map = entry.get(member).and_then(Value::as_object);
    map.map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

/// The names that no entry has had yet, by kind and form.
type Unseen = BTreeMap<(String, usize), BTreeSet<String>>;

/// The form that an entry has, by the page.
fn form_of(table: &BTreeMap<String, Row>, entry: &Value) -> usize {
    let kind = entry["kind"].as_str().unwrap();
    let Some(Row::Written(forms)) = table.get(kind) else {
        panic!("the page says that this is not written: {entry}")
    };
    let (data, private) = (keys(entry, "data"), keys(entry, "private"));
    let fits = |form: &Form| form.data.fit(&data) && form.private.fit(&private);
    let found = forms.iter().position(fits);
    found.unwrap_or_else(|| panic!("the page says otherwise of {entry}: {forms:?}"))
}

fn words(table: &BTreeMap<String, Row>) -> Unseen {
    let mut unseen = Unseen::new();
    for (kind, row) in table {
        let Row::Written(forms) = row else { continue };
        for (place, form) in forms.iter().enumerate() {
            let names = form.data.all.union(&form.private.all).cloned();
            unseen.insert((kind.clone(), place), names.collect());
        }
    }
    unseen
}

#[test]
fn every_entry_is_as_the_page_says_and_every_word_of_the_page_is_written() {
    let table = table();
    assert_eq!(table.len(), Kind::ALL.len());
    let mut unseen = words(&table);
    let mut met = BTreeSet::new();
    for entry in played() {
        let place = (
            entry["kind"].as_str().unwrap().to_owned(),
            form_of(&table, &entry),
        );
        let names = unseen.get_mut(&place).unwrap();
        for name in keys(&entry, "data").union(&keys(&entry, "private")) {
            names.remove(name);
        }
        met.insert(place);
    }
    unseen.retain(|place, names| !names.is_empty() || !met.contains(place));
    assert!(unseen.is_empty(), "named, but never written: {unseen:?}");
}

#[test]
fn a_dispatch_within_an_acceptance_has_the_facts_of_a_dispatch() {
    let table = table();
    let Row::Written(forms) = &table["message.dispatched"] else {
        panic!("dispatches are written")
    };
    let test = story::sending();
    let entries = entries_of(&test);
    let accepted: Vec<&Value> = entries
        .iter()
        .filter(|entry| !entry["data"]["dispatch"].is_null())
        .collect();
    assert!(!accepted.is_empty());
    for entry in accepted {
        assert!(
            forms[0].data.fit(&keys(&entry["data"], "dispatch")),
            "{entry}"
        );
    }
}

/// What the prose says of outcomes and reasons that an auditor would build on.
#[test]
fn what_became_of_a_dispatch_has_the_reasons_that_the_page_lists() {
    let mut found = BTreeSet::new();
    for entry in played() {
        let word = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        if matches!(
            word("kind").as_str(),
            "message.dispatched" | "message.unknown"
        ) {
            found.insert((word("kind"), word("outcome"), word("reason")));
        }
    }
    let wanted = [
        ("message.dispatched", "accepted", ""),
        ("message.dispatched", "failed", "carrier-busy"),
        ("message.dispatched", "failed", "carrier-queue-full"),
        ("message.dispatched", "failed", "not-sent"),
        ("message.dispatched", "failed", "throttled"),
        ("message.dispatched", "unknown", "no-answer"),
        ("message.dispatched", "unknown", "restart"),
        ("message.unknown", "unknown", "no-answer"),
        ("message.unknown", "unknown", "no-receipt"),
        ("message.unknown", "unknown", "restart"),
    ];
    let wanted = wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(found, BTreeSet::from(wanted));
    let (_, prose) = PAGE
        .split_once("\n## Who, what and why, by kind\n")
        .unwrap();
    let prose = prose.split("\n## ").next().unwrap();
    for (_, _, reason) in found {
        assert!(reason.is_empty() || prose.contains(&format!("`{reason}`")));
    }
}
