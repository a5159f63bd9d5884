//! Those who are told of events: queues and webhooks.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::ReceiptState;
use engine::ports::carrier::Answer;
use testkit::TestGateway;

use super::super::super::stage::{
    accept, answer, deliver, dispatch, receipt, request_to, running, submit,
};

/// Somebody hears of events, and does not take one of them; the segments of a long message move at
/// different times.
pub fn hearing() -> TestGateway {
    let test = running();
    let queue = super::super::super::events_out::open(&test);
    submit(&test, &"long ".repeat(100)).unwrap();
    let segments = test.carriers.take();
    for segment in segments.iter().take(2) {
        answer(&test, segment, Answer::Rejected(11));
    }
    submit(&test, &"long ".repeat(100)).unwrap();
    for segment in test.carriers.take() {
        accept(&test, &segment);
        let arrived = receipt(segment.submission.token, ReceiptState::Delivered);
        deliver(&test, vec![arrived]);
    }
    let mut held = request_to(3, &"long ".repeat(100));
    held.class = TrafficClass::Marketing;
    let caller = test.caller();
    test.settle(test.gateway.submit(&caller, held, None))
        .unwrap();
    for segment in test.carriers.take() {
        answer(&test, &segment, Answer::Silence);
    }
    let ready = super::super::super::events_out::due(&test, &queue);
    for one in ready {
        queue.give_up(one.event.index, "status", test.clock.peek());
    }
    queue.close();
    test.store.sync();
    test
}

/// The life of a webhook: called, left alone, given new secrets, gone.
pub fn calling() -> TestGateway {
    let stage = super::super::super::webhooks::Stage::new();
    let (row, _) = stage.add(engine::rows::Included::Number);
    let gateway = &stage.test.gateway;
    stage.settle(gateway.read_webhooks("root")).unwrap();
    let overlap = Duration::from_mins(1);
    stage
        .settle(gateway.rotate_webhook("root", row.id, overlap))
        .unwrap();
    stage
        .settle(gateway.replay_dead("root", row.id, &engine::WebhookReplay::All))
        .unwrap();
    stage
        .settle(gateway.disable_webhook("root", row.id))
        .unwrap();
    stage
        .settle(gateway.enable_webhook("root", row.id))
        .unwrap();
    stage.receiver.say(410);
    submit(&stage.test, "hello").unwrap();
    for handed in dispatch(&stage.test) {
        accept(&stage.test, &handed);
    }
    assert_eq!(stage.tell().len(), 1);
    stage
        .settle(gateway.remove_webhook("root", row.id))
        .unwrap();
    stage.test
}

/// A message with a URL of its own, and what signs what that is told.
pub fn calling_back() -> TestGateway {
    let stage = super::super::super::callbacks::Stage::new();
    stage.send(1, "https://hooks.example/status");
    stage.tell_all();
    let client = stage.test.caller().client;
    let gateway = &stage.test.gateway;
    stage
        .settle(gateway.callback_secret("root", client))
        .unwrap();
    let overlap = Duration::from_mins(1);
    stage
        .settle(gateway.rotate_callback_secret("root", client, overlap))
        .unwrap();
    stage.into_test()
}
