//! What a queue promises: order within a line, at least once, and bounds.

use domain::event::EventType;
use domain::id::MessageId;
use domain::message::MessageState;
use ledger::leaf_hash;

use super::super::event::{EventId, Happening};
use super::stored::Damaged;
use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

fn event(index: u64, line: u64) -> Arc<Event> {
    Arc::new(Event {
        index,
        id: EventId::of(leaf_hash(&index.to_be_bytes())),
        event_type: EventType::MessageSubmitted,
        at: NOW,
        client: None,
        short_code: None,
        happening: Happening::Message {
            id: MessageId::new(line, 0),
            state: MessageState::Submitted,
            error: None,
            done: None,
        },
        line,
    })
}

fn queue(bounds: QueueBounds, events: &[(u64, u64)]) -> Queue {
    let mut queue = Queue::new(0, bounds);
    let all = events.iter().map(|(index, line)| event(*index, *line));
    queue.take_in(all, 100, NOW);
    queue
}

fn indices(ready: &[Ready]) -> Vec<u64> {
    ready.iter().map(|ready| ready.event.index).collect()
}

fn later(seconds: u64) -> Timestamp {
    NOW.saturating_add(std::time::Duration::from_secs(seconds))
}

#[test]
fn events_of_one_line_wait_for_each_other_and_others_pass() {
    let mut queue = queue(QueueBounds::default(), &[(1, 7), (2, 8), (3, 7), (4, 9)]);
    assert_eq!(indices(&queue.take(10, NOW)), [1, 2, 4]);
    assert!(queue.take(10, NOW).is_empty(), "they are on their way");
    queue.later(1, later(5), NOW);
    assert!(queue.take(10, NOW).is_empty(), "3 waits behind 1");
    let again = queue.take(10, later(5));
    assert_eq!((indices(&again), again[0].attempt), (vec![1], 2));
    queue.done(1);
    assert_eq!(indices(&queue.take(10, later(5))), [3]);
}

#[test]
fn an_event_that_is_given_up_lets_its_line_go_on_and_can_be_told_again() {
    let mut queue = queue(QueueBounds::default(), &[(1, 7), (3, 7)]);
    queue.take(1, NOW);
    let (gone, letter) = queue.give_up(1, "status", NOW).unwrap();
    assert_eq!((letter.index, letter.attempts), (1, 1));
    assert_eq!(indices(&queue.take(10, NOW)), [3]);
    queue.done(3);
    let letters = queue.revive(vec![Arc::clone(&gone)], later(9));
    assert_eq!(queue.dead().len(), 0);
    assert!(
        queue.take(10, later(9)).is_empty(),
        "not before it is recorded"
    );
    queue.bury(letters);
    assert_eq!((queue.dead().len(), queue.waiting()), (1, 0));
    queue.revive(vec![gone], later(9));
    queue.give_back(1);
    let again = queue.take(10, later(9));
    assert_eq!((indices(&again), again[0].attempt), (vec![1], 1));
}

#[test]
fn a_full_queue_reads_no_further_and_loses_nothing() {
    let bounds = QueueBounds {
        waiting_max: 2,
        dead_max: 2,
    };
    let mut queue = queue(bounds, &[(1, 1), (2, 2), (3, 3)]);
    assert_eq!((queue.next(), queue.waiting()), (3, 2));
    queue.take(10, NOW);
    queue.done(1);
    queue.take_in([event(2, 2), event(3, 3)], 100, NOW);
    assert_eq!((queue.next(), queue.waiting()), (100, 2));
    for index in [2, 3] {
        queue.take(10, NOW);
        queue.give_up(index, "status", NOW);
    }
    queue.take_in([event(200, 1)], 201, NOW);
    queue.take(10, NOW);
    queue.give_up(200, "status", NOW);
    let dead: Vec<_> = queue.dead().map(|letter| letter.index).collect();
    assert_eq!(dead, [3, 200], "of more than two the oldest goes");
}

#[test]
fn what_was_on_its_way_is_told_again_after_a_restart() {
    let mut queue = queue(QueueBounds::default(), &[(1, 7), (2, 8), (3, 9)]);
    queue.take(2, NOW);
    queue.later(1, later(5), NOW);
    queue.take(10, NOW);
    queue.give_up(3, "status", NOW);
    let stored = Stored::parse(&queue.store().to_octets()).unwrap();
    assert_eq!(stored, queue.store());
    let read = |index| Ok::<_, ()>(Some(event(index, index)));
    let mut again = Queue::restore(stored, QueueBounds::default(), read).unwrap();
    assert_eq!((again.next(), again.dead().len()), (100, 1));
    assert_eq!(again.trouble().1, Some(NOW));
    let ready = again.take(10, later(5));
    assert_eq!(indices(&ready), [1, 2]);
    assert_eq!(ready[0].attempt, 2, "tries are counted on");
}

#[test]
fn trouble_lasts_until_something_is_taken() {
    let mut queue = queue(QueueBounds::default(), &[(1, 7), (2, 8)]);
    queue.take(10, NOW);
    queue.later(1, later(5), NOW);
    queue.later(2, later(6), later(1));
    assert_eq!(queue.trouble(), (2, Some(NOW)));
    queue.take(10, later(5));
    queue.done(1);
    assert_eq!(queue.trouble(), (0, None));
    queue.hurry(NOW);
    assert_eq!(indices(&queue.take(10, NOW)), [2]);
}

#[test]
fn octets_that_are_no_progress_are_refused() {
    for wrong in ["", "[]", "{}", r#"{"next":-1}"#, r#"{"next":1,"x":2}"#] {
        assert_eq!(Stored::parse(wrong.as_bytes()), Err(Damaged), "{wrong}");
    }
}

#[test]
fn what_there_is_nothing_to_tell_of_says_nothing_of_whoever_is_told() {
    let mut queue = queue(QueueBounds::default(), &[(1, 7), (2, 8)]);
    queue.take(10, NOW);
    queue.later(1, later(5), NOW);
    queue.pass_over(2);
    assert_eq!((queue.waiting(), queue.trouble()), (1, (1, Some(NOW))));
}

#[test]
fn a_line_that_is_over_stays_so_when_it_is_kept_and_of_too_many_the_oldest_is_forgotten() {
    let mut queue = queue(QueueBounds::default(), &[]);
    for line in 0..=1_000 {
        queue.end_line(line);
        queue.end_line(line);
    }
    let kept = Stored::parse(&queue.store().to_octets()).unwrap();
    let none = |_| Ok::<_, Damaged>(None);
    let queue = Queue::restore(kept, QueueBounds::default(), none).unwrap();
    assert!(!queue.is_over(0));
    assert!(queue.is_over(1) && queue.is_over(1_000));
}
