//! The background jobs: each is woken when there is something to do, and each ends when it is told to.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{MessageState, ReceiptState};
use testkit::TestGateway;
use testkit::settings::{primary, usual};
use tokio::sync::watch;

use super::signed::Signer;
use super::stage::{accept, deliver, receipt, state_of, submit};

/// Turns of the runtime in which a woken job must have acted; far fewer than fit into its next tick.
const TURNS: usize = 200;

/// Runs the jobs, lets `act` happen, and stops them.
fn with_jobs(
    test: &TestGateway,
    act: impl FnOnce(&TestGateway),
    done: impl Fn(&TestGateway) -> bool,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let jobs = tokio::spawn(Arc::clone(&test.gateway).run(stopped));
        turn(test, TURNS, |_| false).await;
        act(test);
        turn(test, TURNS, &done).await;
        assert!(done(test), "nobody was woken");
        stop.send(true).unwrap();
        jobs.await.unwrap();
    });
}

async fn turn(test: &TestGateway, turns: usize, done: impl Fn(&TestGateway) -> bool) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
        test.store.sync();
        if done(test) {
            return;
        }
    }
}

#[test]
fn a_bind_that_comes_up_wakes_the_dispatcher() {
    let test = TestGateway::queued();
    submit(&test, "waits").unwrap();
    let act = |test: &TestGateway| test.bound(&primary(0));
    with_jobs(&test, act, |test| test.carriers.count() == 1);
}

#[test]
fn nonces_go_with_time_when_no_signed_request_comes_any_more() {
    let test = TestGateway::queued();
    let kept = |test: &TestGateway| {
        let rows = test.gateway.metrics().rows;
        let mut rows = rows.iter();
        rows.find(|row| row.name == "shortstop_signature_nonces")
            .unwrap()
            .value
    };
    let signer = Signer::hmac(&test);
    assert!(signer.comes_now(&test, "0123456789abcdef").is_ok());
    assert_eq!(kept(&test), 1);
    test.clock.advance(Duration::from_mins(6));
    with_jobs(&test, |_| (), |test| kept(test) == 0);
}

#[test]
fn an_answer_that_frees_the_window_wakes_the_dispatcher() {
    let mut settings = usual();
    for carrier in settings.carriers.values_mut() {
        carrier.binds[0].window_max = 1;
    }
    let test = TestGateway::queued_with(settings);
    test.bound(&primary(0));
    for text in ["first", "second"] {
        submit(&test, text).unwrap();
    }
    let handed = test.carriers.take().remove(0);
    let act = |test: &TestGateway| accept(test, &handed);
    with_jobs(&test, act, |test| test.carriers.count() == 2);
}

#[test]
fn a_receipt_without_a_segment_wakes_the_matcher() {
    let mut settings = usual();
    settings.bounds.receipts_pending_max = 1;
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    let first = submit(&test, "first").unwrap();
    submit(&test, "second").unwrap();
    let handed = test.carriers.take();
    for handed in &handed {
        accept(&test, handed);
    }
    let token = handed[0].submission.token;
    let act = |test: &TestGateway| {
        deliver(test, vec![receipt(token, ReceiptState::Delivered)]);
    };
    with_jobs(&test, act, |test| {
        state_of(test, first.id) == MessageState::Delivered
    });
}

#[test]
fn the_housekeeper_brings_a_failed_store_back() {
    let test = TestGateway::queued();
    test.bind_all();
    test.store.fail_next();
    assert!(submit(&test, "refused").is_err());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let jobs = tokio::spawn(Arc::clone(&test.gateway).run(stopped));
        // The reopening blocks a thread of its own, which takes as long as it takes.
        while !test.gateway.health().is_ready() {
            turn(&test, 1, |_| false).await;
        }
        stop.send(true).unwrap();
        jobs.await.unwrap();
    });
    submit(&test, "accepted").unwrap();
}
