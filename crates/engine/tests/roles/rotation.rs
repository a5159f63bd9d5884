//! Replacing keys: what opens after it, what does not, and what a crash between any two steps leaves.

use std::time::Duration;

use domain::consent::Basis;
use domain::text::MessageText;
use engine::ports::keyring::Salts;
use engine::{
    MasterKey, MessageQuery, OptOutRequest, RotateError, Rotation, StartError, Submitted,
};
use ledger::{Entry, Kind};
use testkit::gateway::{handset, master};
use testkit::keyring::Step;
use testkit::settings::{short_code, usual};
use testkit::{Image, ManualClock, MemoryKeyring, MemoryStore, TestGateway};

use super::stage::{running, submit};

mod old_store;

const WEEK: Duration = Duration::from_hours(7 * 24);

fn other_master() -> MasterKey {
    MasterKey::from_bytes([9; 32])
}

/// Whether the number of a message can be read.
fn reads(test: &TestGateway, message: &Submitted) -> bool {
    let caller = test.caller();
    let read = test.gateway.message(&caller, message.id);
    test.settle(read).unwrap().to.is_some()
}

fn start(
    image: Image,
    keyring: &MemoryKeyring,
    master: MasterKey,
    clock: &std::sync::Arc<ManualClock>,
) -> Result<TestGateway, StartError> {
    let kept = (MemoryStore::open(image), keyring.clone());
    TestGateway::try_start(kept, usual(), clock.clone(), (master, 9))
}

/// The same gateway after a crash.
fn again(test: &TestGateway, master: MasterKey) -> Result<TestGateway, StartError> {
    let image = test.store.crash();
    let key = test.key.clone();
    let started = start(image, &test.keyring, master, &test.clock)?;
    Ok(TestGateway { key, ..started })
}

/// The reasons of the entries about replaced keys, with who asked.
fn rotations(test: &TestGateway) -> Vec<(String, String)> {
    test.store.with_image(|image| {
        let entries = image.entries().iter();
        let entries = entries.map(|logged| Entry::parse(&logged.bytes).unwrap());
        let entries = entries.filter(|entry| entry.kind == Kind::KeyRotated);
        let said = |entry: Entry<'_>| {
            let reason = entry.reason.unwrap_or_default();
            (reason.to_string(), entry.actor.id.to_string())
        };
        entries.map(said).collect()
    })
}

#[test]
fn after_a_re_wrap_everything_opens_and_a_copy_from_before_does_not() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    let before = (test.store.image(), test.keyring.salts());
    let rotated = test.rotate(&Rotation::Asked("root")).unwrap();
    assert!(rotated.keys > 0);
    assert!(reads(&test, &message), "without a restart");
    assert!(submit(&test, "and on").is_ok());
    let test = again(&test, master()).unwrap();
    assert!(reads(&test, &message), "after a restart");
    assert_eq!(rotations(&test), [("asked".to_owned(), "root".to_owned())]);

    let old = start(before.0.clone(), &test.keyring, master(), &test.clock);
    assert!(matches!(old, Err(StartError::WrongMaster)));
    let kept = MemoryKeyring::default();
    kept.put(before.1);
    assert!(
        start(before.0, &kept, master(), &test.clock).is_ok(),
        "with the salt of then"
    );
}

#[test]
fn no_wrapped_key_is_as_it_was() {
    let test = running();
    let wrapped = |test: &TestGateway| {
        test.store.with_image(|image| {
            image
                .keks()
                .map(|row| row.wrapped.clone())
                .collect::<Vec<_>>()
        })
    };
    let before = wrapped(&test);
    test.rotate(&Rotation::Asked("root")).unwrap();
    let after = wrapped(&test);
    assert_eq!(before.len(), after.len());
    assert!(before.iter().all(|old| !after.contains(old)));
}

#[test]
fn a_store_from_before_salts_opens_and_is_wrapped_anew_when_it_is_looked_at() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    let new = test.keyring.salts();
    // As an older program left it: wrapped under the master key alone.
    let image = old_store::without_salt(test.store.image(), &new);
    let keyring = MemoryKeyring::default();
    let old = start(image, &keyring, master(), &test.clock).unwrap();
    let old = TestGateway {
        key: test.key.clone(),
        ..old
    };
    assert!(reads(&old, &message));
    assert_eq!(old.keyring.salts(), Salts::default());
    assert_eq!(old.gateway.key_status().made, None);
    old.keep_keys();
    assert!(old.keyring.salts().current.is_some());
    assert_eq!(
        rotations(&old),
        [("weekly".to_owned(), "gateway".to_owned())]
    );
    assert!(reads(&again(&old, master()).unwrap(), &message));
}

#[test]
fn keys_are_replaced_when_their_week_is_over_and_not_before() {
    let test = running();
    test.keep_keys();
    assert_eq!(rotations(&test), []);
    test.clock.advance(WEEK);
    test.keep_keys();
    test.keep_keys();
    assert_eq!(
        rotations(&test),
        [("weekly".to_owned(), "gateway".to_owned())]
    );
    let mut never = usual();
    never.rewrap_every = None;
    let test = test.crash_and_restart(never, 2);
    test.clock.advance(WEEK * 100);
    test.keep_keys();
    assert_eq!(rotations(&test).len(), 1);
    assert_eq!(test.gateway.key_status().due, None);
}

/// Proposed and not committed; committed and not adopted.
#[test]
fn a_crash_between_any_two_steps_is_healed_by_the_next_start() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    test.store.fail_next();
    let failed = test.rotate(&Rotation::Asked("root"));
    assert!(
        matches!(failed, Err(RotateError::Unavailable)),
        "{failed:?}"
    );
    assert!(test.keyring.salts().next.is_some());
    let test = again(&test, master()).unwrap();
    assert_eq!(test.keyring.salts().next, None, "it was never in use");
    assert!(reads(&test, &message));

    test.keyring.fail(Some(Step::Adopt));
    let unfinished = test.rotate(&Rotation::Asked("root"));
    assert!(
        matches!(unfinished, Err(RotateError::Unfinished(_))),
        "{unfinished:?}"
    );
    test.keyring.fail(None);
    let proposed = test.keyring.salts().next;
    let test = again(&test, master()).unwrap();
    let salts = test.keyring.salts();
    assert_eq!((salts.current, salts.next), (proposed, None));
    assert!(reads(&test, &message));
}

/// Or the next one would take the place of the salt that everything is wrapped under.
#[test]
fn a_replacement_that_was_not_finished_is_finished_before_the_next_one() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    test.keyring.fail(Some(Step::Adopt));
    assert!(test.rotate(&Rotation::Asked("root")).is_err());
    test.store.fail_next();
    assert!(test.rotate(&Rotation::Asked("root")).is_err());
    test.keyring.fail(None);
    let test = again(&test, master()).unwrap();
    assert!(reads(&test, &message));
    assert!(test.rotate(&Rotation::Asked("root")).is_ok());
    assert!(reads(&again(&test, master()).unwrap(), &message));
}

#[test]
fn a_salt_that_is_gone_is_told_and_no_new_one_is_made() {
    let test = running();
    let keyring = MemoryKeyring::default();
    let refused = start(test.store.crash(), &keyring, master(), &test.clock);
    assert!(matches!(refused, Err(StartError::NoSalt)));
    assert_eq!(keyring.salts(), Salts::default());
}

fn opt_out(number: u16) -> OptOutRequest {
    OptOutRequest {
        short_code: short_code(),
        number: handset(number),
        basis: Basis::Request,
        evidence: "a letter".into(),
    }
}

#[test]
fn under_a_new_master_key_numbers_are_found_and_opt_outs_stand() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    let caller = test.caller();
    let recorded = test.gateway.record_opt_out(&caller, opt_out(7));
    test.settle(recorded).unwrap();
    let same = test.rotate(&Rotation::Master("root", master()));
    assert!(matches!(same, Err(RotateError::SameMaster)));
    test.rotate(&Rotation::Master("root", other_master()))
        .unwrap();
    assert_eq!(rotations(&test), [("master".to_owned(), "root".to_owned())]);

    let (image, clock) = (test.store.image(), test.clock.clone());
    let refused = start(image, &test.keyring, master(), &clock);
    assert!(matches!(refused, Err(StartError::WrongMaster)));
    let test = again(&test, other_master()).unwrap();
    assert!(reads(&test, &message));
    found_and_opted_out(&test);
    // And the root goes along from key to key.
    test.rotate(&Rotation::Due).unwrap();
    test.rotate(&Rotation::Master("root", MasterKey::from_bytes([11; 32])))
        .unwrap();
    let test = again(&test, MasterKey::from_bytes([11; 32])).unwrap();
    assert!(reads(&test, &message));
    found_and_opted_out(&test);
}

#[test]
fn a_store_whose_blind_root_was_deleted_does_not_start() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    let caller = test.caller();
    let recorded = test.gateway.record_opt_out(&caller, opt_out(7));
    test.settle(recorded).unwrap();
    test.rotate(&Rotation::Master("root", other_master()))
        .unwrap();
    let deleted = |test: &TestGateway| {
        let mut image = test.store.image();
        image.delete_secrets();
        start(image, &test.keyring, other_master(), &test.clock)
    };
    let refused = deleted(&test);
    assert!(matches!(refused, Err(StartError::NoBlindRoot)));
    let whole = again(&test, other_master()).unwrap();
    assert!(reads(&whole, &message), "nothing else was lost");
    // Nor once the keys were wrapped anew under the same master key, and others came.
    whole.clock.advance(WEEK);
    whole.keep_keys();
    whole.gateway.keep_house(whole.clock.peek());
    whole.store.sync();
    assert!(submit(&whole, "on").is_ok());
    let refused = deleted(&whole);
    assert!(matches!(refused, Err(StartError::NoBlindRoot)));
}

fn found_and_opted_out(test: &TestGateway) {
    let query = MessageQuery {
        to: Some(handset(1)),
        limit: 10,
        ..MessageQuery::default()
    };
    let caller = test.caller();
    let page = test.settle(test.gateway.messages(&caller, query)).unwrap();
    assert_eq!(page.rows.len(), 1, "a number finds its messages");
    let mut request = super::stage::request_to(7, "hello");
    request.text = MessageText::parse("hello").unwrap();
    let refused = test.gateway.submit(&caller, request, None);
    assert!(test.settle(refused).is_err(), "an opt-out stands");
}

#[test]
fn a_master_rotation_that_is_cut_off_leaves_one_of_the_two_working() {
    let test = running();
    let message = submit(&test, "hello").unwrap();
    test.store.fail_next();
    assert!(
        test.rotate(&Rotation::Master("root", other_master()))
            .is_err()
    );
    let image = test.store.image();
    let new = start(image, &test.keyring, other_master(), &test.clock);
    assert!(new.is_err(), "nothing has changed");
    let test = again(&test, master()).unwrap();
    assert!(reads(&test, &message));

    test.keyring.fail(Some(Step::Adopt));
    assert!(
        test.rotate(&Rotation::Master("root", other_master()))
            .is_err()
    );
    test.keyring.fail(None);
    let image = test.store.image();
    let old = start(image, &test.keyring, master(), &test.clock);
    assert!(old.is_err(), "the new one is in force");
    let test = again(&test, other_master()).unwrap();
    assert!(reads(&test, &message));
}

/// Or those would lie under the old salt, and nothing would ever open them.
#[test]
fn keys_are_not_replaced_while_others_are_on_their_way() {
    let test = running();
    test.clock.advance(WEEK);
    test.gateway.keep_house(test.clock.peek());
    let busy = test.gateway.rotate_wrapping(&Rotation::Due);
    assert!(matches!(busy, Err(RotateError::Busy)), "{busy:?}");
    test.store.sync();
    let message = submit(&test, "hello").unwrap();
    test.rotate(&Rotation::Due).unwrap();
    assert!(reads(&again(&test, master()).unwrap(), &message));
}
