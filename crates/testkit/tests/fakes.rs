//! The fakes keep the contracts of their ports.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::ports::CarrierEvents;
use engine::ports::carrier::Answer;
use testkit::contract::carriers::AnswerBook;
use testkit::contract::{clock, entropy};
use testkit::gateway::{handset, request};
use testkit::settings::primary;
use testkit::{ManualClock, SeededEntropy, TestGateway};

#[test]
fn the_manual_clock_is_a_clock() {
    clock::run(&ManualClock::new());
}

#[test]
fn the_seeded_entropy_is_a_source_of_chance() {
    entropy::run(&SeededEntropy::new(7));
}

#[test]
fn a_second_answer_to_one_token_is_noticed() {
    let test = TestGateway::queued();
    test.bind_all();
    let class = domain::class::TrafficClass::Alert;
    let asked = request(handset(1), class, "hello");
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, asked, None))
        .unwrap();
    let handed = test.carriers.take().remove(0);
    let book = AnswerBook::new();
    book.hand_over(&handed.bind, std::slice::from_ref(&handed.submission));
    assert_eq!(book.unanswered(), 1);
    let answer = || vec![(handed.submission.token, Answer::NotSent)];
    book.answered(&primary(0), answer());
    book.close();
    let again = catch_unwind(AssertUnwindSafe(|| book.answered(&primary(0), answer())));
    assert!(again.is_err());
}

#[test]
fn an_immediate_store_answers_from_a_thread_of_its_own() {
    let test = TestGateway::immediate();
    test.bind_all();
    let class = domain::class::TrafficClass::Otp;
    let asked = request(handset(1), class, "code");
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, asked, None))
        .unwrap();
    assert_eq!(test.carriers.count(), 1);
}
