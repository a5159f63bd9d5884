//! Carriers that throttle, fail, fall silent or vanish: every token is answered exactly once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use engine::ports::carrier::{Answer, Carriers};
use smpp::link::{LinkConfig, Security, Timers};
use smpp::sim::{Account, Behaviour, SimConfig, Simulator, Span};
use smpp::status::Status;
use testkit::contract::carriers::{Outcome, ToldCarrier, each_outcome_has_its_answer};
use tokio::time::Instant;

use crate::gateway::{
    FixedClock, Gateway, Told, behaviour, bind, bound_to, config, listener, simulator, submission,
    token,
};

/// What a carrier that refuses with this status means.
async fn check_refusal(status: Status, expected: Answer) {
    let refusing = Behaviour {
        failure_rate: 1.0,
        failure_statuses: vec![status],
        ..behaviour()
    };
    let (mut gateway, sim) = bound_to(refusing).await;
    gateway.submit(1);
    assert_eq!(gateway.answers(1).await, [(token(0), expected)]);
    assert_eq!((sim.stats().submits, sim.stats().refused), (0, 1));
}

/// A link of its own to a simulator for each outcome.
struct Simulated;

impl ToldCarrier for Simulated {
    async fn meet(&mut self, outcome: Outcome) -> Answer {
        let refusing = |status| Behaviour {
            failure_rate: 1.0,
            failure_statuses: vec![status],
            ..behaviour()
        };
        let (mut throttling, mut silent, mut breaking) = (behaviour(), behaviour(), behaviour());
        throttling.throttle_rate = 1.0;
        silent.silence_rate = 1.0;
        breaking.disconnect_rate = 1.0;
        let sim = simulator(match outcome {
            Outcome::Taken | Outcome::Away => behaviour(),
            Outcome::Refused => refusing(Status::SUBMIT_FAILED),
            Outcome::TooFast => throttling,
            Outcome::QueueFull => refusing(Status::QUEUE_FULL),
            Outcome::Busy => refusing(Status::SYSTEM_ERROR),
            Outcome::Unanswered => silent,
            Outcome::HungUp => breaking,
        })
        .await;
        let mut link = config(&sim, Security::PlainLoopback);
        link.timers.response = Duration::from_millis(200);
        if outcome == Outcome::Away {
            let gone = listener().await.local_addr().unwrap().port();
            link = crate::gateway::config_to(gone, Security::PlainLoopback);
        }
        let mut gateway = Gateway::start(vec![link]);
        if outcome != Outcome::Away {
            gateway.bound().await;
        }
        gateway.submit(1);
        gateway.answers(1).await.remove(0).1
    }
}

#[tokio::test]
async fn each_outcome_has_the_answer_that_it_has_with_every_carrier() {
    each_outcome_has_its_answer(&mut Simulated).await;
}

#[tokio::test]
async fn each_status_becomes_its_answer() {
    check_refusal(Status::QUEUE_FULL, Answer::QueueFull(0x14)).await;
    check_refusal(Status::SUBMIT_FAILED, Answer::Rejected(0x45)).await;
    check_refusal(Status::SYSTEM_ERROR, Answer::Later(0x08)).await;
    check_refusal(Status(0x410), Answer::Rejected(0x410)).await;
}

#[tokio::test]
async fn throttling_is_told_as_it_is() {
    let (mut gateway, _sim) = bound_to(Behaviour {
        throttle_rate: 1.0,
        ..behaviour()
    })
    .await;
    gateway.submit(3);
    let answers = gateway.answers(3).await;
    assert!(
        answers
            .iter()
            .all(|(_, answer)| *answer == Answer::Throttled(0x58))
    );
}

#[tokio::test]
async fn a_submit_without_an_answer_is_silence_after_the_response_time() {
    let sim = simulator(Behaviour {
        silence_rate: 1.0,
        ..behaviour()
    })
    .await;
    let timers = Timers {
        response: Duration::from_millis(200),
        ..Timers::default()
    };
    let hasty = LinkConfig {
        timers,
        ..config(&sim, Security::PlainLoopback)
    };
    let mut gateway = Gateway::start(vec![hasty]);
    gateway.bound().await;
    let begin = Instant::now();
    gateway.submit(2);
    let answers = gateway.answers(2).await;
    assert!(answers.iter().all(|(_, answer)| *answer == Answer::Silence));
    assert!(begin.elapsed() >= Duration::from_millis(200));
    // The link itself goes on.
    sim.behave(behaviour());
    gateway.submit(1);
    assert!(matches!(gateway.answers(1).await[0].1, Answer::Accepted(_)));
    assert_eq!(sim.stats().binds, 1);
}

#[tokio::test]
async fn a_lost_link_answers_every_open_token_and_comes_back() {
    let (mut gateway, sim) = bound_to(Behaviour {
        disconnect_rate: 1.0,
        ..behaviour()
    })
    .await;
    gateway.submit(10);
    let mut answers = Vec::new();
    let mut reason = String::new();
    while answers.len() < 10 {
        match gateway.next().await {
            Told::Answered(more) => answers.extend(more),
            Told::Lost(why) => reason = why,
            _ => {}
        }
    }
    assert!(reason.contains("connection"), "{reason}");
    let mut tokens: Vec<_> = answers.iter().map(|(token, _)| token.message).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (0..10).collect::<Vec<_>>());
    assert!(
        answers
            .iter()
            .all(|(_, answer)| matches!(answer, Answer::Silence | Answer::NotSent))
    );
    // What the carrier took is told on the next bind.
    sim.behave(behaviour());
    gateway.bound().await;
    let taken = usize::try_from(sim.stats().submits).unwrap();
    assert!(taken >= 1);
    assert_eq!(gateway.receipts(taken).await.len(), taken);
}

#[tokio::test]
async fn what_is_handed_over_without_a_link_certainly_did_not_go() {
    let gone = listener().await.local_addr().unwrap().port();
    let nowhere = crate::gateway::config_to(gone, Security::PlainLoopback);
    let mut gateway = Gateway::start(vec![nowhere]);
    gateway.submit(2);
    let answers = gateway.answers(2).await;
    assert_eq!(
        answers,
        [(token(0), Answer::NotSent), (token(1), Answer::NotSent)]
    );
}

#[tokio::test]
async fn more_than_the_window_is_handed_back() {
    let slow = Behaviour {
        latency: Span::millis(50, 50),
        ..behaviour()
    };
    let sim = simulator(slow).await;
    let narrow = LinkConfig {
        window_max: 2,
        ..config(&sim, Security::PlainLoopback)
    };
    let mut gateway = Gateway::start(vec![narrow]);
    gateway.bound().await;
    gateway.submit(3);
    let answers = gateway.answers(3).await;
    assert_eq!(answers[0], (token(2), Answer::NotSent));
    assert!(
        answers[1..]
            .iter()
            .all(|(_, answer)| matches!(answer, Answer::Accepted(_)))
    );
}

#[tokio::test]
async fn a_delivery_that_was_not_taken_comes_again() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    gateway.takes_deliveries(false);
    sim.inject_mo("447700900123", "12345", "hello").unwrap();
    gateway.mobiles(2).await;
    gateway.takes_deliveries(true);
    while sim.stats().mo_acked == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((sim.stats().mo_acked, sim.stats().waiting), (1, 0));
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way() {
    let slow = Behaviour {
        latency: Span::millis(150, 150),
        ..behaviour()
    };
    let (mut gateway, sim) = bound_to(slow).await;
    gateway.submit(5);
    // The links stop only when they have taken the batch.
    while sim.stats().submits < 5 {
        tokio::task::yield_now().await;
    }
    gateway.links.stop(Duration::from_secs(10)).await;
    let answers = gateway.answers(5).await;
    assert!(
        answers
            .iter()
            .all(|(_, answer)| matches!(answer, Answer::Accepted(_)))
    );
    assert_eq!(gateway.lost().await, "the gateway stops");
    // Nothing is taken any more and nothing is bound again; the engine hears that nothing left.
    gateway.links.submit(&bind(0), vec![submission(9, "late")]);
    let late = gateway.answers(1).await;
    assert_eq!(late, [(token(9), Answer::NotSent)]);
    assert_eq!(sim.stats().submits, 5);
    assert_eq!(sim.stats().binds, 1);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let (mut gateway, _sim) = bound_to(Behaviour {
        silence_rate: 1.0,
        ..behaviour()
    })
    .await;
    gateway.submit(1);
    gateway.links.stop(Duration::from_millis(50)).await;
    let answer = gateway.answers(1).await.remove(0).1;
    assert!(matches!(answer, Answer::Silence | Answer::NotSent));
}

#[tokio::test]
async fn a_wrong_password_never_binds() {
    let account = Account {
        system_id: "esme1".to_owned(),
        password: "other".to_owned(),
    };
    let sim_config = SimConfig {
        accounts: vec![account],
        ..SimConfig::new(Arc::new(FixedClock))
    };
    let sim = Simulator::start(sim_config, listener().await);
    let gateway = Gateway::start(vec![config(&sim, Security::PlainLoopback)]);
    let reason = gateway.down().await;
    assert_eq!(
        reason,
        "the carrier refused the bind with ESME_RINVPASWD (0xe)"
    );
    assert_eq!(sim.stats().binds, 0);
}

#[tokio::test]
async fn dropped_links_come_back_by_themselves() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    for round in 2..5 {
        sim.drop_links();
        gateway.lost().await;
        gateway.bound().await;
        assert_eq!(sim.stats().binds, round);
    }
}

#[tokio::test]
async fn answers_are_true_whatever_the_carrier_does() {
    let wild = Behaviour {
        throttle_rate: 0.05,
        failure_rate: 0.05,
        silence_rate: 0.01,
        disconnect_rate: 0.01,
        latency: Span::millis(0, 20),
        ..behaviour()
    };
    let sim = simulator(wild).await;
    let timers = Timers {
        response: Duration::from_millis(100),
        ..Timers::default()
    };
    let hasty = LinkConfig {
        timers,
        ..config(&sim, Security::PlainLoopback)
    };
    let mut gateway = Gateway::start(vec![hasty]);
    gateway.bound().await;
    let mut answers = HashMap::new();
    for batch in 0..15 {
        let numbers = batch * 100..(batch + 1) * 100;
        let batch = numbers.map(|number| submission(number, &format!("message {number}")));
        gateway.links.submit(&bind(0), batch.collect());
        for (token, answer) in gateway.answers(100).await {
            assert!(
                answers.insert(token.message, answer).is_none(),
                "answered twice"
            );
        }
    }
    let inbox: HashSet<String> = sim
        .inbox()
        .into_iter()
        .map(|message| message.text)
        .collect();
    for (number, answer) in &answers {
        let arrived = inbox.contains(&format!("message {number}"));
        match answer {
            Answer::Accepted(_) => assert!(arrived, "{number} was accepted"),
            Answer::Silence => {}
            refused => assert!(!arrived, "{number} was answered {refused:?}"),
        }
    }
    let kinds: HashSet<_> = answers.values().map(std::mem::discriminant).collect();
    assert!(kinds.len() >= 4, "the carrier was tame");
}
