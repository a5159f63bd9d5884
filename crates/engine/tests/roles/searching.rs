//! Searching the ledger: what is found by number, and what the ledger says of the search.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::id::SubjectId;
use engine::ports::{Erasure, Log};
use engine::rows::Purpose;
use engine::{
    ErasureBasis, ErasureScope, LedgerPage, LedgerQuery, Proofs, SearchError, Searcher, Vault,
    WitnessPolicy, acceptance,
};
use ledger::{Kind, Outcome};
use serde_json::{Value, json};
use testkit::TestGateway;
use testkit::gateway::{handset, master};
use testkit::ledger::prove;
use tokio::runtime::Runtime;

use super::stage::{accept, deliver, mobile, running, submit_to};
use super::texted::start_by_text;
use super::verifications;

const NUMBER: &str = "447700900001";

/// A gateway whose ledger is signed, and what its searches run on.
struct Place {
    test: TestGateway,
    runtime: Runtime,
}

impl Place {
    /// With messages to two handsets, and from them.
    fn busy() -> Self {
        let test = running();
        test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
        for round in 0..40 {
            for to in [1, 2] {
                submit_to(&test, to, TrafficClass::Alert, "hello").unwrap();
                for handed in test.carriers.take() {
                    accept(&test, &handed);
                }
            }
            if round % 3 == 0 {
                deliver(&test, vec![mobile(1, "yes"), mobile(2, "no")]);
            }
        }
        let runtime = Runtime::new().unwrap();
        Self { test, runtime }
    }

    fn try_search(&self, who: Searcher<'_>, query: LedgerQuery) -> Result<LedgerPage, SearchError> {
        let _inside = self.runtime.enter();
        self.test
            .settle(self.test.gateway.search_ledger(who, query))
    }

    fn search(&self, query: LedgerQuery) -> LedgerPage {
        self.try_search(Searcher::OsUser("root"), query).unwrap()
    }

    /// Every page, one after the other.
    fn pages(&self, mut query: LedgerQuery) -> Vec<u64> {
        let mut found = Vec::new();
        loop {
            let page = self.search(query.clone());
            assert!(page.rows.len() <= usize::from(query.limit));
            found.extend(page.rows.iter().map(|row| row.index));
            if page.next.is_none() {
                return found;
            }
            query.cursor = page.next;
        }
    }

    fn entries(&self) -> Vec<Value> {
        let entries = self.test.store.entries(0, usize::MAX).unwrap();
        let parse = |bytes: &Vec<u8>| serde_json::from_slice(bytes).unwrap();
        entries.iter().map(parse).collect()
    }

    /// The entries about messages to and from a handset, the newest message first.
    fn about(&self, number: u16) -> Vec<u64> {
        let subject = self.test.store.with_image(|image| {
            // Whoever was written to first in each round is handset 1.
            let nth = usize::from(number) - 1;
            image.messages().nth(nth).unwrap().subject
        });
        let mut ids: Vec<(u64, String)> = self.test.store.with_image(|image| {
            let messages = image.messages().filter(|row| row.subject == subject);
            let messages = messages.map(|row| (row.id.sequence(), row.id.to_string()));
            let inbounds = image.inbounds().filter(|row| row.subject == subject);
            let inbounds = inbounds.map(|row| (row.id.sequence(), row.id.to_string()));
            messages.chain(inbounds).collect()
        });
        ids.sort_by(|left, right| right.cmp(left));
        let entries = self.entries();
        let of = |id: &str| {
            let is_about = move |entry: &Value| entry["object"]["id"] == id;
            let all: Vec<u64> = (0..)
                .zip(&entries)
                .filter(|(_, entry)| is_about(entry))
                .map(|(index, _)| index)
                .collect();
            all.into_iter().rev().collect::<Vec<_>>()
        };
        ids.iter().flat_map(|(_, id)| of(id)).collect()
    }
}

fn by_number(limit: u16) -> LedgerQuery {
    LedgerQuery {
        number: Some(handset(1)),
        limit,
        ..LedgerQuery::default()
    }
}

#[test]
fn a_number_leads_to_the_entries_of_its_messages_both_ways_the_newest_message_first() {
    let place = Place::busy();
    let expected = place.about(1);
    assert_eq!(expected.len(), 40 * 2 + 14);
    for limit in [1, 2, 7, 31, 1_000] {
        assert_eq!(place.pages(by_number(limit)), expected, "{limit} a page");
    }
    let mut nobody = by_number(100);
    nobody.number = Some(handset(99));
    assert_eq!(place.pages(nobody), Vec::<u64>::new());
}

/// What a handset's text did to a verification names both, and is found once.
#[test]
fn a_number_leads_to_its_verifications_and_to_nobody_elses() {
    let place = Place::busy();
    let test = &place.test;
    let before = place.pages(by_number(7)).len();
    let started = verifications::start(test, 1).unwrap();
    let code = verifications::code(test);
    let wrong = verifications::other_than(&code);
    verifications::check(test, started.id, &wrong).unwrap();
    verifications::check(test, started.id, &code).unwrap();
    let (_, shown) = start_by_text(test, 1);
    deliver(test, vec![mobile(1, shown.reveal())]);
    verifications::start(test, 2).unwrap();
    let found = place.pages(by_number(7));
    let (entries, mut kinds) = (place.entries(), Vec::new());
    for index in &found {
        let entry = &entries[usize::try_from(*index).unwrap()];
        if entry["object"]["type"] == "verification" {
            kinds.push(entry["kind"].as_str().unwrap().to_owned());
        }
    }
    kinds.sort();
    let expected = [
        "verification.checked",
        "verification.checked",
        "verification.checked",
        "verification.ended",
        "verification.ended",
        "verification.started",
        "verification.started",
    ];
    assert_eq!(kinds, expected);
    let mut once = found.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), found.len(), "nothing is found twice");
    assert!(found.len() > before + kinds.len(), "messages too");
    for limit in [1, 3, 1_000] {
        assert_eq!(place.pages(by_number(limit)), found, "{limit} a page");
    }
}

/// Days after it ended, with the gateway off meanwhile.
#[test]
fn the_end_of_a_verification_that_ran_out_while_nobody_was_there_is_found() {
    let place = Place::busy();
    let test = &place.test;
    verifications::start(test, 1).unwrap();
    test.clock.advance(Duration::from_hours(48));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    let mut ended = by_number(100);
    ended.kinds = vec![Kind::VerificationEnded];
    assert_eq!(place.pages(ended).len(), 1);
}

#[test]
fn what_rows_say_of_their_entries_is_not_believed() {
    let place = Place::busy();
    let expected = place.about(1);
    let store = &place.test.store;
    let rows: Vec<_> = store.with_image(|image| image.messages().map(|row| row.id).collect());
    for (id, entry) in rows
        .iter()
        .zip([0, 150, 1_000, u64::MAX].into_iter().cycle())
    {
        store.mislead(id.sequence(), entry);
    }
    assert_eq!(place.pages(by_number(7)), expected);
    for id in rows {
        let (index, entry) = acceptance(&**store, id).unwrap().unwrap();
        assert_eq!(
            store.entries(index, 1).unwrap(),
            std::slice::from_ref(&entry)
        );
        let entry: Value = serde_json::from_slice(&entry).unwrap();
        assert_eq!(entry["kind"], "message.accepted");
        assert_eq!(entry["object"]["id"], id.to_string());
    }
}

#[test]
fn filters_hold_in_a_search_by_number_too() {
    let place = Place::busy();
    let mut query = by_number(5);
    query.kinds = vec![Kind::MessageSubmitted];
    let entries = place.entries();
    let at = |index: &u64| &entries[usize::try_from(*index).unwrap()];
    let mut expected = place.about(1);
    expected.retain(|index| at(index)["kind"] == "message.submitted");
    assert_eq!(place.pages(query.clone()), expected);
    let message = at(&expected[3])["object"]["id"].as_str().unwrap();
    query.object = Some(message.parse().unwrap());
    assert_eq!(place.pages(query), [expected[3]]);
}

#[test]
fn a_look_up_by_number_is_an_entry_that_commits_to_the_number_and_never_shows_it() {
    let place = Place::busy();
    let caller = place.test.caller();
    place
        .try_search(Searcher::Client(&caller), by_number(1))
        .unwrap();
    let entries = place.entries();
    let last = entries.last().unwrap();
    assert_eq!(last["kind"], "ledger.searched");
    assert_eq!(last["actor"]["id"], caller.client.to_string());
    assert_eq!(
        last["data"],
        json!({"key": caller.key.unwrap().to_string()})
    );
    assert!(!last.to_string().contains(&NUMBER[2..]));
    let commitment = last["private"]["number"].as_str().unwrap();
    let sealed = place.test.store.with_image(|image| {
        let salt = place.test.keyring.salts().current;
        let keks = image.keks().cloned().collect();
        let vault = Vault::of_store(&master(), salt.as_ref(), Vec::new(), keks).unwrap();
        let rows = image.vault().filter(|row| row.purpose == Purpose::Number);
        vault.open(rows.last().unwrap()).unwrap()
    });
    assert_eq!(sealed.as_slice(), format!("+{NUMBER}").as_bytes());
    assert_eq!(commitment.len(), 64);
    assert_eq!(last["object"]["type"], "subject");
    assert!(
        place
            .entries()
            .iter()
            .all(|entry| !entry.to_string().contains(&NUMBER[2..]))
    );
}

#[test]
fn who_is_erased_is_erased_from_the_searches_too_and_nobody_else_is() {
    let place = Place::busy();
    for number in [1, 2, 1] {
        let mut query = by_number(1);
        query.number = Some(handset(number));
        place.search(query);
    }
    let owners: Vec<u64> = place
        .entries()
        .iter()
        .filter(|entry| entry["kind"] == "ledger.searched")
        .map(|entry| entry["object"]["id"].as_str().unwrap().parse().unwrap())
        .map(SubjectId::sequence)
        .collect();
    {
        let _inside = place.runtime.enter();
        let basis = ErasureBasis::parse("GDPR Art. 17", handset(1)).unwrap();
        let scope = ErasureScope::KeepConsent;
        let erase = place
            .test
            .gateway
            .erase_subject("root", handset(1), &basis, scope);
        place.test.settle(erase).unwrap();
    }
    let sealed = place.test.store.sealed_of(&owners).unwrap();
    let is_erased: Vec<bool> = sealed.iter().map(|row| row.erased_by().is_some()).collect();
    assert_eq!(is_erased, [true, false, true]);
}

#[test]
fn what_cannot_be_recorded_is_not_answered() {
    let place = Place::busy();
    place.test.store.fail_next();
    let refused = place.try_search(Searcher::OsUser("root"), by_number(1));
    assert_eq!(refused, Err(SearchError::Unavailable));
}

#[test]
fn a_clients_search_without_a_number_is_counted_and_a_users_is_written_with_its_filters() {
    let place = Place::busy();
    let caller = place.test.caller();
    let before = place.entries().len();
    let query = LedgerQuery {
        kinds: vec![Kind::MoReceived, Kind::LinkBound],
        outcome: Some(Outcome::Done),
        client: Some(caller.client),
        object: Some("acme/0".parse().unwrap()),
        since: Some(place.test.clock.peek()),
        until: Some(place.test.clock.peek()),
        limit: 10,
        ..LedgerQuery::default()
    };
    for _ in 0..3 {
        place
            .try_search(Searcher::Client(&caller), query.clone())
            .unwrap();
    }
    assert_eq!(place.entries().len(), before);
    place.test.gateway.flush_counts(place.test.clock.peek());
    place.test.store.sync();
    let entries = place.entries();
    assert_eq!(entries[before]["kind"], "ledger.searched");
    assert_eq!(entries[before]["data"]["count"], 3);
    place.search(query);
    let written = place.entries().pop().unwrap();
    let now = written["data"]["since"].clone();
    let data = json!({
        "client": caller.client.to_string(), "kinds": ["mo.received", "link.bound"],
        "object": "acme/0", "outcome": "done", "since": now, "until": now,
    });
    assert_eq!(written["data"], data);
    assert_eq!(written["actor"], json!({"id": "root", "type": "os_user"}));
    assert!(written.get("private").is_none());
}

#[test]
fn rows_come_with_their_proof_as_soon_as_a_checkpoint_covers_them() {
    let place = Place::busy();
    let query = LedgerQuery {
        limit: 300,
        proofs: Proofs::With,
        ..LedgerQuery::default()
    };
    let bare = place.search(query.clone());
    assert!(bare.rows.iter().all(|row| row.proof.is_none()));
    {
        let _inside = place.runtime.enter();
        let made = place.test.settle(place.test.gateway.make_checkpoint());
        assert!(made.unwrap());
    }
    let size = place.test.store.latest().unwrap().unwrap().size;
    accept_more(&place);
    let page = place.search(query);
    assert!(page.rows[0].index >= size && page.rows[0].proof.is_none());
    let proven = page.rows.iter().filter(|row| row.index < size);
    let checked = proven.map(|row| prove(&row.entry, row.proof.as_ref().unwrap(), &[]));
    assert!(checked.count() > 100);
}

fn accept_more(place: &Place) {
    submit_to(&place.test, 1, TrafficClass::Alert, "one more").unwrap();
}

#[test]
fn a_cursor_of_the_other_sort_of_search_is_refused() {
    let place = Place::busy();
    let mut plain = LedgerQuery {
        limit: 1,
        ..LedgerQuery::default()
    };
    let mut numbered = by_number(1);
    plain.cursor = place.search(numbered.clone()).next;
    numbered.cursor = place
        .search(LedgerQuery {
            cursor: None,
            ..plain.clone()
        })
        .next;
    for query in [plain, numbered] {
        assert!(query.cursor.is_some());
        let refused = place.try_search(Searcher::OsUser("root"), query);
        assert_eq!(refused, Err(SearchError::Cursor));
    }
}

#[test]
fn the_number_of_a_search_is_kept_as_long_as_those_of_messages() {
    let place = Place::busy();
    let query = LedgerQuery {
        number: Some(handset(1)),
        limit: 1,
        ..LedgerQuery::default()
    };
    place.search(query);
    let owner = || {
        let sealed = place.entries().into_iter().rfind(|entry| {
            entry["kind"] == "ledger.searched" && entry["private"]["number"].is_string()
        });
        let id = sealed.unwrap()["object"]["id"].as_str().unwrap().to_owned();
        id.parse::<SubjectId>().unwrap().sequence()
    };
    let owner = owner();
    let kept = || {
        place
            .test
            .store
            .with_image(|image| image.vault().filter(|row| row.owner == owner).count())
    };
    assert_eq!(kept(), 1);
    let pass = |days: u64| {
        place.test.clock.advance(Duration::from_hours(24 * days));
        place.test.gateway.keep_house(place.test.clock.peek());
        place.test.store.sync();
        let _inside = place.runtime.enter();
        place
            .test
            .settle(place.test.gateway.expire_values())
            .unwrap();
    };
    pass(395);
    assert_eq!(kept(), 1);
    pass(2);
    assert_eq!(kept(), 0);
}
