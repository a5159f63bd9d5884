//! What a client may rely on when a message was accepted.

use domain::class::TrafficClass;
use testkit::TestGateway;
use testkit::gateway::{handset, request};

#[test]
fn an_accepted_message_is_durable_before_its_answer_and_sent_after_it() {
    let test = TestGateway::queued();
    test.bind_all();
    let caller = test.caller();
    let mut answer = Box::pin(test.gateway.submit(
        &caller,
        request(handset(1), TrafficClass::Otp, "Your code is 1"),
        None,
    ));
    assert!(testkit::gateway::poll_once(answer.as_mut()).is_none());
    assert_eq!(test.carriers.count(), 0);
    test.store.persist(usize::MAX);
    assert_eq!(test.carriers.count(), 0);
    test.store.answer(usize::MAX);
    let accepted = testkit::gateway::poll_once(answer.as_mut())
        .unwrap()
        .unwrap();
    assert_eq!(test.carriers.count(), 1);
    let stored = test
        .store
        .with_image(|image| image.message_row(accepted.id.sequence()).cloned());
    assert_eq!(stored.unwrap().id, accepted.id);
}
