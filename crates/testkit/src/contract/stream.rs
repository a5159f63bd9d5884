//! What every collector's line promises: octets in order and once, an end that is noticed, and nothing
//! said to have arrived that has not.

use std::sync::Arc;

use engine::ports::Collector;
use engine::ports::stream::{Arrival, OnItsWay};

/// A receiver at the other end.
pub trait Receiver {
    /// The way to it.
    fn collector(&self) -> Arc<dyn Collector>;
    /// Waits until so many octets came over a line, which are counted from 1, and gives all that came.
    fn heard(&self, line: usize, octets: usize) -> OnItsWay<'_, Vec<u8>>;
    /// Ends every line at once.
    fn hang_up(&self);
}

/// Runs the scenarios on a receiver that nobody has called yet.
pub async fn run(receiver: &dyn Receiver) {
    octets_come_in_order(receiver).await;
    an_end_is_noticed_and_a_new_line_begins_anew(receiver).await;
    a_line_closed_in_order_has_told_everything(receiver).await;
}

async fn octets_come_in_order(receiver: &dyn Receiver) {
    let mut line = receiver.collector().connect().await.unwrap();
    assert_eq!(line.arrived(), 0, "nothing was sent");
    line.send(b"5 hello".to_vec()).await.unwrap();
    line.send(vec![b'x'; 300_000]).await.unwrap();
    let heard = receiver.heard(1, 300_007).await;
    assert!(heard.starts_with(b"5 hellox"));
    assert_eq!(heard.len(), 300_007);
    assert!(line.arrived() <= 300_007);
}

async fn an_end_is_noticed_and_a_new_line_begins_anew(receiver: &dyn Receiver) {
    let mut line = receiver.collector().connect().await.unwrap();
    line.send(b"1 a".to_vec()).await.unwrap();
    receiver.heard(2, 3).await;
    receiver.hang_up();
    let _broken = line.ended().await;
    let mut next = receiver.collector().connect().await.unwrap();
    next.send(b"1 b".to_vec()).await.unwrap();
    assert_eq!(receiver.heard(3, 3).await, b"1 b");
}

async fn a_line_closed_in_order_has_told_everything(receiver: &dyn Receiver) {
    let mut line = receiver.collector().connect().await.unwrap();
    line.send(b"1 c".to_vec()).await.unwrap();
    assert_eq!(line.close().await, Arrival::Everything);
    assert_eq!(receiver.heard(4, 3).await, b"1 c");
}
