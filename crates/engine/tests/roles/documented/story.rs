//! The story: what clients, carriers, handsets and operators can bring about, one chapter a gateway.
//! It asserts little; what it must have led to is compared with the page.

mod credentials;
mod streams;
mod telling;

use std::sync::Arc;
use std::time::Duration;

use domain::class::TrafficClass;
use domain::consent::Basis;
use domain::message::ReceiptState;
use domain::text::udh::{Concatenation, ReferenceWidth};
use domain::verification::factor::FactorKind;
use domain::verification::pumping::{Mode, Prefix};
use domain::verification::risk::{MaxAgeHours, SimSwap, WhenUnknown};
use engine::changes::Changes;
use engine::ports::carrier::{Answer, Delivery, Token};
use engine::ports::storage::Level;
use engine::ports::{CarrierEvents, Log as _};
use engine::{
    ConfigChange, ErasureBasis, ErasureScope, EsmeEnd, InboundQuery, KEEP_YEAR, Least,
    LedgerExport, LedgerQuery, LimitQuestion, MessageQuery, OptOutRequest, Prune, Redaction,
    Restored, RiskHints, RiskParts, Rotation, Scope, Searcher, UnblockReason, VerifyServiceWish,
    WitnessPolicy,
};
use ledger::{Kind, Outcome};
use testkit::contract::log::filling::publish;
use testkit::gateway::{HOME, everything, handset, unknown_key};
use testkit::settings::{primary, short_code, usual};
use testkit::witness::MemoryWitness;
use testkit::{MemoryRisk, TestGateway};
use tokio::sync::watch;

use super::super::enabling::{disabled, enable};
use super::super::esmes::{bind, bound, reading, submit_by};
use super::super::factors::{self as persons, code_now, confirm, enrol, issue};
use super::super::limits::{only, settings};
use super::super::on_factor::{self, app_of};
use super::super::prune::{live, prune};
use super::super::served;
use super::super::stage::{
    accept, answer, bring_back, deliver, dispatch, mobile, receipt, request_to, running, submit,
    submit_to,
};
use super::super::texted::start_by_text;
use super::super::verifications::{check, code, other_than, start};

pub use streams::streaming;
pub use telling::{calling, calling_back, hearing};

/// Sent at once and from the queue, long and short; receipts early, late, twice and with an error.
pub fn sending() -> TestGateway {
    let test = TestGateway::queued();
    submit(&test, "waits for a bind").unwrap();
    test.bind_all();
    let queued = dispatch(&test).remove(0);
    deliver(
        &test,
        vec![receipt(queued.submission.token, ReceiptState::Delivered)],
    );
    accept(&test, &queued);
    let mut told = request_to(2, &"long ".repeat(100));
    told.campaign = Some("spring".into());
    told.risk = Some(RiskHints {
        ip: Some(HOME),
        ..RiskHints::default()
    });
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, told, None))
        .unwrap();
    for segment in test.carriers.take() {
        accept(&test, &segment);
        let failed = || with_error(segment.submission.token);
        deliver(&test, vec![failed(), failed()]);
    }
    test
}

fn with_error(token: Token) -> Delivery {
    let Delivery::Receipt(mut failed) = receipt(token, ReceiptState::Failed) else {
        unreachable!("a receipt")
    };
    failed.error = Some(21);
    failed.done = domain::message::DoneDate::parse(b"2611260941");
    Delivery::Receipt(failed)
}

/// Every answer of a carrier that is not a yes, and silence.
pub fn refusing() -> TestGateway {
    let answers = [
        Answer::Throttled(0x58),
        Answer::QueueFull(0x14),
        Answer::Later(0x64),
        Answer::NotSent,
        Answer::Silence,
        Answer::Rejected(0x0b),
    ];
    let test = running();
    for answered in answers {
        submit(&test, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        answer(&test, &handed, answered);
        test.clock.advance(Duration::from_mins(1));
        for handed in dispatch(&test) {
            accept(&test, &handed);
        }
    }
    submit_to(&test, 1, TrafficClass::Marketing, "sale").unwrap();
    let handed = test.carriers.take().remove(0);
    answer(&test, &handed, Answer::Silence);
    test
}

/// Cancelled, expired, refused by the gateway, never heard of again; and looked at.
pub fn ending() -> TestGateway {
    let test = TestGateway::queued();
    let caller = test.caller();
    let taken_back = submit(&test, "taken back").unwrap();
    test.settle(test.gateway.cancel(&caller, taken_back.id))
        .unwrap();
    let redacted = test.gateway.redact(&caller, taken_back.id, Redaction::Text);
    test.settle(redacted).unwrap();
    submit_to(&test, 1, TrafficClass::Otp, "code").unwrap();
    test.clock.advance(Duration::from_mins(10));
    assert_eq!(test.gateway.expire(), 1);
    let mut bare = everything("bare");
    bare.short_codes.clear();
    let (_, key) = test.add_client(bare);
    let bare = test.caller_with(&key);
    let refused = test.gateway.submit(&bare, request_to(1, "hello"), None);
    assert!(test.settle(refused).is_err());
    test.bind_all();
    let lost = submit(&test, "never heard of again").unwrap();
    accept(&test, &dispatch(&test)[0]);
    test.clock.advance(Duration::from_hours(73));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    test.settle(test.gateway.message(&caller, lost.id)).unwrap();
    let query = MessageQuery {
        to: Some(handset(1)),
        ..MessageQuery::default()
    };
    test.settle(test.gateway.messages(&caller, query)).unwrap();
    test.gateway.checkpoint(&caller);
    test
}

/// Limits that refuse messages, requests and keys.
pub fn limiting() -> TestGateway {
    let policies = [
        only("recipient-otp-hour", 1),
        only("client-concurrency", 1),
        only("source-logins", 1),
    ];
    let test = TestGateway::queued_with(settings(policies.concat()));
    let code = || submit_to(&test, 1, TrafficClass::Otp, "code");
    code().unwrap();
    assert!(code().is_err());
    let caller = test.caller();
    let underway = test.gateway.begin_request(&caller).unwrap();
    assert!(test.gateway.begin_request(&caller).is_err());
    drop(underway);
    test.settle(test.gateway.show_limits("root", 3)).unwrap();
    let question = LimitQuestion {
        client: caller.client,
        to: handset(1),
        from: Some(short_code()),
        class: TrafficClass::Otp,
        campaign: None,
        source: None,
        segments: 1,
    };
    let asked = test.gateway.explain_limits("root", question);
    test.settle(asked).unwrap();
    for _ in 0..2 {
        let guess = test.gateway.authenticate(unknown_key().reveal(), HOME);
        assert!(guess.is_err());
    }
    test
}

fn part(ordinal: u8, reference: u16) -> Delivery {
    let Delivery::Mobile(mut mobile) = mobile(1, "part") else {
        unreachable!("a message from a handset")
    };
    let part = Concatenation::new(reference, ReferenceWidth::Eight, 2, ordinal).unwrap();
    mobile.udh = part.header().as_octets().to_vec();
    Delivery::Mobile(mobile)
}

/// Messages from handsets: whole, in parts, incomplete; keywords.
pub fn handsets() -> TestGateway {
    let test = running();
    deliver(&test, vec![mobile(1, "hello"), part(1, 7), part(2, 7)]);
    deliver(&test, vec![part(1, 8)]);
    test.clock.advance(Duration::from_hours(1));
    assert_eq!(test.gateway.expire_parts(), 1);
    for word in ["STOP", "HELP", "START"] {
        deliver(&test, vec![mobile(1, word)]);
    }
    let query = InboundQuery {
        limit: 10,
        ..InboundQuery::default()
    };
    let caller = test.caller();
    test.settle(test.gateway.inbound(&caller, query)).unwrap();
    test
}

/// Opt-outs that a client records, records again, looks up and removes.
pub fn opting_out() -> TestGateway {
    let test = running();
    let caller = test.caller();
    let wish = OptOutRequest {
        short_code: short_code(),
        number: handset(1),
        basis: Basis::Request,
        evidence: "a letter of 3 May".into(),
    };
    for _ in 0..2 {
        let recorded = test.gateway.record_opt_out(&caller, wish.clone());
        test.settle(recorded).unwrap();
    }
    let look_up = test
        .gateway
        .look_up_opt_out(&caller, short_code(), handset(1));
    test.settle(look_up).unwrap();
    assert!(submit(&test, "hello").is_err());
    test.settle(test.gateway.remove_opt_out(&caller, wish))
        .unwrap();
    test
}

/// Verifications that end in every way, and those that are refused.
pub fn verifying() -> TestGateway {
    let test = running();
    let caller = test.caller();
    let right = start(&test, 1).unwrap();
    let shown = code(&test);
    assert!(start(&test, 1).is_err(), "too early");
    let resending = || test.gateway.resend_verification(&caller, right.id);
    assert!(test.settle(resending()).is_err(), "too early");
    test.clock.advance(Duration::from_secs(30));
    test.settle(resending()).unwrap();
    check(&test, right.id, &other_than(&shown)).unwrap();
    check(&test, right.id, &shown).unwrap();
    assert!(check(&test, right.id, &shown).is_err(), "it ended");
    test.settle(test.gateway.verification(&caller, right.id))
        .unwrap();
    let taken_back = start(&test, 2).unwrap();
    test.settle(test.gateway.cancel_verification(&caller, taken_back.id))
        .unwrap();
    let (_, texted) = start_by_text(&test, 4);
    deliver(&test, vec![mobile(4, texted.reveal())]);
    under_a_service(&test);
    start(&test, 3).unwrap();
    test.clock.advance(Duration::from_mins(10));
    test.gateway.keep_house(test.clock.peek());
    test
}

/// A verify service is made, changed, used and removed.
fn under_a_service(test: &TestGateway) {
    let service = served::made(test, "Example Shop");
    served::begin(test, service, 5).unwrap();
    let caller = test.caller();
    let wish = VerifyServiceWish::default();
    let changing = test.gateway.change_verify_service(&caller, service, wish);
    test.settle(changing).unwrap();
    let removing = test.gateway.remove_verify_service(&caller, service);
    test.settle(removing).unwrap();
}

/// Verifications by an app and by recovery codes.
pub fn asking_for_factors() -> TestGateway {
    let test = running();
    let (app, key) = app_of(&test, "ann");
    let by_app = on_factor::start(&test, app, FactorKind::Totp).unwrap().id;
    on_factor::check(&test, by_app, "0000000").unwrap();
    on_factor::check(&test, by_app, &code_now(&test, &key)).unwrap();
    assert!(on_factor::start(&test, app, FactorKind::Recovery).is_err());
    let (set, shown) = issue(&test, "ann");
    let by_code = on_factor::start(&test, set, FactorKind::Recovery);
    on_factor::check(&test, by_code.unwrap().id, &shown[0]).unwrap();
    test
}

/// A number that too many wrong codes disabled, and an operator enables.
pub fn enabling() -> TestGateway {
    let (test, _) = disabled(20);
    enable(&test, 1).unwrap();
    test
}

/// A range that is pumped: blocked, let go by an operator, and blocked until its time is over.
pub fn pumping() -> TestGateway {
    let test = running();
    test.gateway.attach_risk(RiskParts {
        risk: MemoryRisk::saying(SimSwap::Unchanged),
        max_age: MaxAgeHours::default(),
        when_unknown: WhenUnknown::FailClosed,
    });
    pump(&test, 20);
    let prefix = Prefix::of(handset(1));
    let why = UnblockReason::parse("case 7").unwrap();
    let unblocking = test.gateway.unblock_prefix("root", prefix, &why);
    test.settle(unblocking).unwrap();
    test.clock.advance(Duration::from_hours(24));
    pump(&test, 20);
    test.clock.advance(Duration::from_hours(12));
    test.gateway.keep_house(test.clock.peek());
    test
}

/// The same where the guard only records.
pub fn suspecting() -> TestGateway {
    let mut settings = usual();
    settings.pumping.mode = Mode::Record;
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    pump(&test, 20);
    test
}

fn pump(test: &TestGateway, numbers: u16) {
    for number in 0..numbers {
        let _answer = start(test, number);
        test.carriers.take();
    }
}

/// Factors: enrolled, confirmed, checked, locked, looked at, removed, and never confirmed.
pub fn factors() -> TestGateway {
    let test = running();
    let (app, key) = enrol(&test, "ann");
    confirm(&test, app, &key);
    test.clock.advance(Duration::from_mins(2));
    let code = code_now(&test, &key);
    for _ in 0..2 {
        persons::check(&test, app, &code).unwrap();
    }
    for _ in 0..7 {
        let _ = persons::check(&test, app, "0000000");
    }
    let caller = test.caller();
    let (codes, shown) = issue(&test, "ann");
    persons::check(&test, codes, &shown[0]).unwrap();
    test.settle(test.gateway.factor(&caller, app)).unwrap();
    test.settle(test.gateway.remove_factor(&caller, app))
        .unwrap();
    let (unconfirmed, _) = enrol(&test, "bob");
    for _ in 0..7 {
        let confirming = test.gateway.confirm_factor(&caller, unconfirmed, "0000000");
        let _ = test.settle(confirming);
    }
    test.clock.advance(Duration::from_hours(2));
    let expired = test.settle(test.gateway.expire_factors());
    assert_eq!(expired.unwrap(), 1);
    test
}

/// What operators do, and those whose keys are not good enough.
pub fn operating() -> TestGateway {
    let test = running();
    let mut reader = everything("reader");
    reader.scopes.clear();
    reader.key_expires = Some(credentials::reader_end(&test));
    let (row, key) = test.add_client(reader);
    let caller = test.caller_with(&key);
    assert!(test.gateway.authorize(&caller, Scope::ALL[0]).is_err());
    let ends = credentials::reader_end(&test);
    let rotate = test
        .gateway
        .rotate_key("root", row.id, Duration::ZERO, Some(ends));
    test.settle(rotate).unwrap();
    for key in [Some(row.keys[0].id), None] {
        test.settle(test.gateway.revoke_client("root", row.id, key))
            .unwrap();
    }
    for key in [&key, &unknown_key()] {
        assert!(test.gateway.authenticate(key.reveal(), HOME).is_err());
    }
    credentials::signing(&test, credentials::reader_end(&test));
    let change = ConfigChange {
        hash_hex: "00".repeat(32),
        changed_keys: vec!["https.connections_max".to_owned()],
    };
    test.gateway.reconfigure(usual(), &change);
    test.gateway
        .config_refused("needs-restart", change.changed_keys);
    credentials::certified(&test);
    test.settle(test.gateway.read_clients("root")).unwrap();
    test.gateway.ledger_was_read("root");
    test.gateway.user_was_denied("mallory");
    test.gateway.lost(&primary(0), "the carrier closed it");
    deliver(&test, vec![mobile(2, "kept for thirty days")]);
    test.clock.advance(Duration::from_hours(31 * 24));
    test.gateway.keep_house(test.clock.peek());
    assert_eq!(test.settle(test.gateway.expire_values()).unwrap(), 1);
    let basis = ErasureBasis::parse("GDPR Art. 17", handset(1)).unwrap();
    let scope = ErasureScope::WithConsent;
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    test.settle(erasing).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let exporting = test.gateway.export_subject("root", handset(2));
    test.settle(exporting).unwrap();
    let copy = std::env::temp_dir().join(format!("documented-{}-{:p}", std::process::id(), &test));
    test.settle(test.gateway.backup("root", copy.clone()))
        .unwrap();
    std::fs::remove_file(copy).unwrap();
    let restored = Restored {
        user: "root",
        octets: 4_096,
        entries: 0,
        root: &ledger::empty_root(),
    };
    let changes = Changes::new(restored.entry(), test.clock.peek());
    engine::ports::Store::commit(&*test.store, changes, Box::new(|_| {}));
    let export = LedgerExport {
        format: "cef",
        first: 0,
        count: 3,
    };
    test.settle(test.gateway.export_ledger("root", export))
        .unwrap();
    test.rotate(&Rotation::Asked("root")).unwrap();
    searching(&test);
    test
}

/// By a user of the machine, and by a client with a number and without.
fn searching(test: &TestGateway) {
    test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let caller = test.caller();
    let now = Some(test.clock.peek());
    let filtered = LedgerQuery {
        kinds: vec![Kind::MoReceived],
        outcome: Some(Outcome::Done),
        client: Some(caller.client),
        object: Some("acme/0".parse().unwrap()),
        since: now,
        until: now,
        ..LedgerQuery::default()
    };
    let numbered = LedgerQuery {
        number: Some(handset(1)),
        ..LedgerQuery::default()
    };
    let client = Searcher::Client(&caller);
    for (who, query) in [
        (Searcher::OsUser("root"), filtered.clone()),
        (client, filtered),
        (client, numbered),
    ] {
        test.settle(test.gateway.search_ledger(who, query)).unwrap();
    }
}

/// Entries that are pruned a year later.
pub fn pruning() -> TestGateway {
    let test = running();
    live(&test, 100);
    test.clock.advance(Duration::from_hours(24 * 400));
    publish(test.store.as_ref(), test.store.size().unwrap());
    let year = Prune {
        keep: KEEP_YEAR,
        least: Least::Year,
    };
    assert!(prune(&test, year).unwrap().minimum >= 256);
    test
}

/// A witness that stops and comes back.
pub fn witnessing() -> TestGateway {
    let test = TestGateway::immediate();
    let witness = MemoryWitness::new("w1");
    test.sign_ledger(vec![witness.seat("w1")], WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        witness.go_away();
        for round in 0..5 {
            if round == 4 {
                witness.come_back();
            }
            let adding = test.gateway.add_client("root", everything("another"));
            adding.await.unwrap();
            test.gateway.make_checkpoint().await.unwrap();
        }
    });
    test
}

/// A crash with segments on their way, then a stop in good order.
pub fn restarting() -> TestGateway {
    let test = running();
    for class in [TrafficClass::Alert, TrafficClass::Marketing] {
        submit_to(&test, 1, class, "on its way").unwrap();
    }
    let test = test.crash_and_restart(usual(), 2);
    test.settle(test.gateway.stop());
    test.crash_and_restart(usual(), 3)
}

/// A store that fails, and a clock that is set.
pub fn failing() -> TestGateway {
    let test = running();
    test.store.fail_next();
    assert!(submit(&test, "refused").is_err());
    bring_back(&test);
    for level in [Level::Low, Level::Enough] {
        test.store.set_room(300, level);
        test.gateway.keep_house(test.clock.peek());
        test.store.sync();
    }
    test.clock.advance(Duration::from_hours(24 * 10));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    set_clock(&test);
    test
}

/// Sets the clock between two rounds of the housekeeper.
fn set_clock(test: &TestGateway) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let jobs = tokio::spawn(Arc::clone(&test.gateway).run(stopped));
        let before = test.clock.readings();
        while test.clock.readings() == before {
            tokio::task::yield_now().await;
        }
        test.clock.set_back(Duration::from_mins(1));
        let stepped = || {
            test.store.sync();
            test.store.with_image(|image| {
                let is_step = |kind: &[u8]| kind.windows(10).any(|word| word == b"clock.step");
                let last = image.entries().iter().rev().take(10);
                last.into_iter().any(|logged| is_step(&logged.bytes))
            })
        };
        while !stepped() {
            tokio::task::yield_now().await;
        }
        stop.send(true).unwrap();
        while !jobs.is_finished() {
            test.store.sync();
            tokio::task::yield_now().await;
        }
        jobs.await.unwrap();
    });
}

/// An ESME binds, submits and leaves; another is not let in.
pub fn esmes() -> TestGateway {
    let test = reading(TestGateway::queued());
    assert!(bind(&test, "esme1", "wrong").is_err());
    let esme = bound(&test, "esme1");
    submit_by(&test, &esme).unwrap();
    esme.end(EsmeEnd::Unbound);
    test
}
