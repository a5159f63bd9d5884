//! What the roles do: a client submits, a carrier answers and delivers, a handset writes. Each waits
//! until its act is durable, unless it says otherwise.

use std::sync::{Arc, Mutex};

use domain::class::TrafficClass;
use domain::id::MessageId;
use domain::message::{MessageState, ReceiptState};
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Answer, BindId, Delivery, Mobile, Receipt, Token, Verdict};
use engine::{SubmitError, Submitted};
use testkit::TestGateway;
use testkit::carriers::{Handed, id_of};
use testkit::gateway::{handset, request};
use testkit::settings::{primary, short_code};

/// A gateway with every bind up.
pub fn running() -> TestGateway {
    let test = TestGateway::queued();
    test.bind_all();
    test
}

/// A request for an alert.
pub fn request_to(to: u16, text: &str) -> engine::SubmitRequest {
    request(handset(to), TrafficClass::Alert, text)
}

/// The client submits an alert to handset 1.
pub fn submit(test: &TestGateway, text: &str) -> Result<Submitted, SubmitError> {
    submit_to(test, 1, TrafficClass::Alert, text)
}

/// The client submits.
pub fn submit_to(
    test: &TestGateway,
    to: u16,
    class: TrafficClass,
    text: &str,
) -> Result<Submitted, SubmitError> {
    let caller = test.caller();
    test.settle(
        test.gateway
            .submit(&caller, request(handset(to), class, text), None),
    )
}

/// The dispatcher runs once, and its commit is durable. Gives what was handed over since.
pub fn dispatch(test: &TestGateway) -> Vec<Handed> {
    test.gateway.dispatch();
    test.store.sync();
    test.carriers.take()
}

/// A carrier answers one segment over the bind that it came by.
pub fn answer(test: &TestGateway, handed: &Handed, answer: Answer) {
    test.gateway
        .answered(&handed.bind, vec![(handed.submission.token, answer)]);
    test.store.sync();
}

/// A carrier takes one segment, under the id that belongs to its token.
pub fn accept(test: &TestGateway, handed: &Handed) {
    answer(
        test,
        handed,
        Answer::Accepted(id_of(handed.submission.token)),
    );
}

/// A receipt for a segment.
pub fn receipt(token: Token, state: ReceiptState) -> Delivery {
    Delivery::Receipt(Receipt {
        carrier_id: id_of(token),
        state,
        error: None,
        recipient: None,
        done: None,
    })
}

/// A message from a handset to 12345.
pub fn mobile(from: u16, text: &str) -> Delivery {
    Delivery::Mobile(Mobile {
        id: None,
        from: handset(from),
        to: short_code(),
        data_coding: 0,
        udh: Vec::new(),
        payload: text.as_bytes().to_vec(),
    })
}

/// Where verdicts arrive.
pub type Verdicts = Arc<Mutex<Option<Vec<Verdict>>>>;

/// The primary carrier delivers over its first bind; nothing is synced.
pub fn deliver_without_sync(test: &TestGateway, batch: Vec<Delivery>) -> Verdicts {
    deliver_over(test, &primary(0), batch)
}

/// A carrier delivers; nothing is synced.
pub fn deliver_over(test: &TestGateway, bind: &BindId, batch: Vec<Delivery>) -> Verdicts {
    let verdicts = Verdicts::default();
    let place = Arc::clone(&verdicts);
    let told = Box::new(move |told| *place.lock().unwrap() = Some(told));
    test.gateway.delivered(bind, batch, told);
    verdicts
}

/// The primary carrier delivers over its first bind. Gives what it is to answer.
pub fn deliver(test: &TestGateway, batch: Vec<Delivery>) -> Vec<Verdict> {
    let verdicts = deliver_without_sync(test, batch);
    test.store.sync();
    let told = verdicts.lock().unwrap().take();
    told.expect("verdicts come once the commit is durable")
}

/// The durable state of a message.
pub fn state_of(test: &TestGateway, id: MessageId) -> MessageState {
    let row = |image: &testkit::Image| image.message_row(id.sequence()).map(|row| row.state);
    test.store.with_image(row).expect("the message is stored")
}

/// What the housekeeper does after a failure.
pub fn bring_back(test: &TestGateway) {
    let since = test.clock.peek();
    test.store.inline(|| test.gateway.reopen(since)).unwrap();
}
