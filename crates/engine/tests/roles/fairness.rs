//! Who goes first when many want to: classes by urgency, clients by turns, and nobody is forgotten.

use std::time::Duration;

use domain::admission::Refusal;
use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::sender::ShortCode;
use engine::{ApiKey, Settings, SubmitError, Submitted};
use testkit::TestGateway;
use testkit::carriers::Handed;
use testkit::gateway::{everything, handset, poll_once, request};
use testkit::settings::{primary, short_code, usual};

use super::stage::{accept, dispatch, request_to};

const STEP: Duration = Duration::from_millis(1);

/// Settings of a line of so many segments a second, whose window is in nobody's way.
fn paced(mps: u32, burst: u32) -> Settings {
    let mut settings = usual();
    for code in settings.short_codes.values_mut() {
        (code.mps, code.burst) = (mps, burst);
    }
    for bind in settings.carriers.values_mut().flat_map(|it| &mut it.binds) {
        bind.window_max = 1_000;
    }
    settings
}

/// A client of its own on the gateway.
fn client(test: &TestGateway, name: &str) -> (ClientId, ApiKey) {
    let (row, key) = test.add_client(everything(name));
    (row.id, key)
}

fn send(
    test: &TestGateway,
    key: &ApiKey,
    class: TrafficClass,
    text: &str,
) -> Result<Submitted, SubmitError> {
    let caller = test.caller_with(key);
    test.settle(
        test.gateway
            .submit(&caller, request(handset(1), class, text), None),
    )
}

fn text(handed: &Handed) -> String {
    String::from_utf8(handed.submission.payload.to_vec()).unwrap()
}

/// What leaves within a time, each accepted by the carrier at once, with the milliseconds at which it left.
fn sent(test: &TestGateway, milliseconds: u32) -> Vec<(u32, String)> {
    let mut sent = Vec::new();
    for at in 0..milliseconds {
        for handed in dispatch(test) {
            accept(test, &handed);
            sent.push((at, text(&handed)));
        }
        test.clock.advance(STEP);
    }
    sent
}

fn count(sent: &[(u32, String)], start: &str) -> usize {
    sent.iter()
        .filter(|(_, text)| text.starts_with(start))
        .count()
}

#[test]
fn a_flood_of_one_client_delays_no_message_of_another() {
    let test = TestGateway::queued_with(paced(100, 10));
    let ((_, flood), (_, quiet)) = (client(&test, "flood"), client(&test, "quiet"));
    for number in 0..2_000 {
        send(&test, &flood, TrafficClass::Otp, &format!("flood {number}")).unwrap();
    }
    test.bind_all();
    // Between two of the moments at which pace lets one more go.
    sent(&test, 503);
    for number in 0..20 {
        send(&test, &quiet, TrafficClass::Otp, &format!("quiet {number}")).unwrap();
        let sent = sent(&test, 50);
        let quiet: Vec<_> = sent
            .iter()
            .filter(|(_, text)| text.starts_with("quiet"))
            .collect();
        // Without turns it would wait 15 seconds behind the flood; without what is kept, 10 milliseconds.
        assert_eq!(quiet.len(), 1, "{number}: {sent:?}");
        assert_eq!(quiet[0].0, 0, "{number}: {sent:?}");
        assert_eq!(count(&sent, "flood"), 4, "the flood has what is left");
    }
}

#[test]
fn clients_that_all_flood_share_by_weight() {
    let mut settings = paced(100, 1);
    let test = TestGateway::queued_with(settings.clone());
    let ((heavy_id, heavy), (_, light)) = (client(&test, "heavy"), client(&test, "light"));
    settings.fairness.weights.insert(heavy_id, 3);
    let test = test.crash_and_restart(settings, 2);
    for number in 0..200 {
        send(
            &test,
            &light,
            TrafficClass::Alert,
            &format!("light {number}"),
        )
        .unwrap();
    }
    for number in 0..200 {
        send(
            &test,
            &heavy,
            TrafficClass::Alert,
            &format!("heavy {number}"),
        )
        .unwrap();
    }
    test.bind_all();
    let sent = sent(&test, 1_000);
    let (heavy, light) = (count(&sent, "heavy"), count(&sent, "light"));
    assert!(
        (74..=76).contains(&heavy) && (24..=26).contains(&light),
        "{heavy} {light}"
    );
    let order: Vec<&str> = sent
        .iter()
        .filter(|(_, t)| t.starts_with("light"))
        .map(|(_, t)| &**t)
        .collect();
    assert_eq!(
        order[..3],
        ["light 0", "light 1", "light 2"],
        "each keeps its order"
    );
}

#[test]
fn no_code_waits_for_marketing_and_marketing_gets_what_is_left() {
    let test = TestGateway::queued_with(paced(100, 10));
    let ((_, shop), (_, bank)) = (client(&test, "shop"), client(&test, "bank"));
    for number in 0..1_000 {
        send(
            &test,
            &shop,
            TrafficClass::Marketing,
            &format!("sale {number}"),
        )
        .unwrap();
    }
    test.bind_all();
    sent(&test, 203);
    let mut sales = 0;
    for number in 0..50 {
        send(&test, &bank, TrafficClass::Otp, &format!("code {number}")).unwrap();
        // It left with its acceptance, before any turn was given.
        let joined = test.carriers.take();
        assert_eq!(joined.len(), 1, "{number}");
        accept(&test, &joined[0]);
        sales += count(&sent(&test, 20), "sale");
    }
    assert!(
        (48..=51).contains(&sales),
        "{sales} sales beside 50 codes in a second"
    );
}

#[test]
fn marketing_is_not_forgotten_under_a_flood_of_codes() {
    let test = TestGateway::queued_with(paced(100, 10));
    let ((_, shop), (_, bank)) = (client(&test, "shop"), client(&test, "bank"));
    for number in 0..100 {
        send(
            &test,
            &shop,
            TrafficClass::Marketing,
            &format!("sale {number}"),
        )
        .unwrap();
        send(
            &test,
            &shop,
            TrafficClass::Alert,
            &format!("alert {number}"),
        )
        .unwrap();
    }
    for number in 0..2_000 {
        send(&test, &bank, TrafficClass::Otp, &format!("code {number}")).unwrap();
    }
    test.bind_all();
    let sent = sent(&test, 10_000);
    let (codes, alerts, sales) = (
        count(&sent, "code"),
        count(&sent, "alert"),
        count(&sent, "sale"),
    );
    assert!((27..=35).contains(&sales), "{sales} of one in 32");
    assert!(alerts >= 95, "{alerts} of one in 8");
    assert!(codes >= 850, "{codes}");
}

#[test]
fn codes_that_leave_at_once_do_not_starve_marketing_either() {
    let test = TestGateway::queued_with(paced(100, 10));
    let ((_, shop), (_, bank)) = (client(&test, "shop"), client(&test, "bank"));
    for number in 0..100 {
        send(
            &test,
            &shop,
            TrafficClass::Marketing,
            &format!("sale {number}"),
        )
        .unwrap();
    }
    test.bind_all();
    // As many codes as the line takes, one whenever there is room, so that none of them ever waits long.
    let mut sales = 0;
    for number in 0..1_000 {
        send(&test, &bank, TrafficClass::Otp, &format!("code {number}")).unwrap();
        for handed in test.carriers.take() {
            accept(&test, &handed);
        }
        sales += count(&sent(&test, 10), "sale");
    }
    assert!(
        (25..=60).contains(&sales),
        "{sales} sales beside a thousand codes"
    );
}

#[test]
fn turns_are_kept_over_a_restart() {
    let settings = paced(100, 1);
    let test = TestGateway::queued_with(settings.clone());
    let ((_, flood), (_, quiet)) = (client(&test, "flood"), client(&test, "quiet"));
    for number in 0..100 {
        send(
            &test,
            &flood,
            TrafficClass::Alert,
            &format!("flood {number}"),
        )
        .unwrap();
    }
    for number in 0..5 {
        send(
            &test,
            &quiet,
            TrafficClass::Alert,
            &format!("quiet {number}"),
        )
        .unwrap();
    }
    let test = test.crash_and_restart(settings, 2);
    test.bind_all();
    let sent = sent(&test, 120);
    assert_eq!(count(&sent, "quiet"), 5, "{sent:?}");
}

#[test]
fn a_client_that_fills_the_queue_leaves_room_for_others() {
    let mut settings = usual();
    settings.bounds.queue_max = [100; 3];
    let test = TestGateway::queued_with(settings);
    let ((_, flood), (_, quiet)) = (client(&test, "flood"), client(&test, "quiet"));
    let full = (0..).find_map(|_| send(&test, &flood, TrafficClass::Otp, "flood").err());
    assert!(matches!(
        full,
        Some(SubmitError::Refused(Refusal::QueueFull(_)))
    ));
    assert_eq!(test.gateway.health().queue[0], 76);
    for _ in 0..6 {
        send(&test, &quiet, TrafficClass::Otp, "quiet").unwrap();
    }
}

#[test]
fn a_short_code_without_room_holds_up_no_other() {
    let mut settings = paced(1, 1);
    let other = ShortCode::parse("54321").unwrap();
    let mut fast = settings.short_codes[&short_code()].clone();
    (fast.mps, fast.burst) = (100, 10);
    settings.short_codes.insert(other, fast);
    let test = TestGateway::queued_with(settings);
    let mut new = everything("both");
    new.short_codes.push(other);
    let (_, key) = test.add_client(new);
    let caller = test.caller_with(&key);
    for number in 0..20 {
        for code in [short_code(), other] {
            let mut asked = request_to(1, &format!("{code} {number}"));
            asked.from = code;
            test.settle(test.gateway.submit(&caller, asked, None))
                .unwrap();
        }
    }
    test.bound(&primary(0));
    let sent = sent(&test, 150);
    assert_eq!(count(&sent, "54321"), 20, "{sent:?}");
    assert_eq!(count(&sent, "12345"), 1, "{sent:?}");
}

#[test]
fn only_so_many_messages_of_a_client_are_on_their_way_to_the_disk() {
    let mut settings = usual();
    settings.fairness.commits_max = 4;
    let test = TestGateway::queued_with(settings);
    let ((_, flood), (_, quiet)) = (client(&test, "flood"), client(&test, "quiet"));
    let (flood, quiet) = (test.caller_with(&flood), test.caller_with(&quiet));
    let stored = |test: &TestGateway| test.store.with_image(|image| image.messages().count());
    let requests = (1..).zip(vec![request_to(1, "flood"); 10]).collect();
    let mut batch = Box::pin(test.gateway.submit_batch(&flood, requests, None));
    assert!(poll_once(batch.as_mut()).is_none());
    let mut single = Box::pin(test.gateway.submit(&quiet, request_to(2, "quiet"), None));
    assert!(poll_once(single.as_mut()).is_none());
    test.store.sync();
    assert_eq!(
        stored(&test),
        5,
        "four of the flood, and the other's behind no more"
    );
    assert!(poll_once(single.as_mut()).unwrap().is_ok());
    let answers = test.settle(batch);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
}
