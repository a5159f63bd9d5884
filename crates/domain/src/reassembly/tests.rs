//! Tests of [`super`]: parts come together in any order, bounds hold, and no part is ever lost.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::text::decode::Decoded;
use crate::text::segment::{ReferenceWidth, segments};

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
const LIMITS: Limits = Limits {
    buffers_max: 4,
    per_sender_max: 2,
    parts_max: 10,
    octets_max: 1_000,
    age_max: Duration::from_mins(10),
};

fn part(handset: u64, reference: u16, (ordinal, total): (u8, u8), octets: &[u8]) -> Part {
    Part {
        sender: Msisdn::from_digits(447_700_900_000 + handset).unwrap(),
        short_code: ShortCode::parse("12345").unwrap(),
        concatenation: Concatenation::new(reference, ReferenceWidth::Eight, total, ordinal)
            .unwrap(),
        data_coding: 0,
        octets: octets.into(),
        row: handset * 10_000 + u64::from(reference) * 100 + u64::from(ordinal),
    }
}

fn after_seconds(seconds: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(seconds))
}

fn text(assembled: &Assembled) -> String {
    match assembled.decode() {
        Decoded::Text(text) => text.reveal().to_owned(),
        Decoded::Octets => panic!("{assembled:?} is no text"),
    }
}

#[track_caller]
fn completed(insertion: Insertion) -> Assembled {
    match insertion.outcome {
        Reassembled::Complete(assembled) => assembled,
        other => panic!("{other:?}"),
    }
}

fn texts(messages: &[Assembled]) -> Vec<String> {
    messages.iter().map(text).collect()
}

#[test]
fn parts_in_any_order_make_the_message() {
    let mut waiting = Reassembly::new(LIMITS);
    assert_eq!(
        waiting.insert(part(1, 7, (3, 3), b"c"), START).outcome,
        Reassembled::Incomplete
    );
    assert_eq!(
        waiting.insert(part(1, 7, (1, 3), b"a"), START).outcome,
        Reassembled::Incomplete
    );
    assert_eq!((waiting.buffers(), waiting.octets()), (1, 2));
    let message = completed(waiting.insert(part(1, 7, (2, 3), b"b"), START));
    assert_eq!(text(&message), "abc");
    assert_eq!(message.reveal(), b"abc");
    assert!(message.is_complete());
    assert_eq!(message.rows().collect::<Vec<_>>(), [10_701, 10_702, 10_703]);
    assert_eq!((waiting.buffers(), waiting.octets()), (0, 0));
}

#[test]
fn a_single_part_is_complete_at_once() {
    let mut waiting = Reassembly::new(LIMITS);
    let message = completed(waiting.insert(part(1, 7, (1, 1), b"hi"), START));
    assert_eq!(text(&message), "hi");
}

#[test]
fn messages_with_anything_different_stay_apart() {
    let mut waiting = Reassembly::new(Limits {
        per_sender_max: 9,
        buffers_max: 9,
        ..LIMITS
    });
    let first = part(1, 7, (1, 2), b"a");
    let wide = Concatenation::new(7, ReferenceWidth::Sixteen, 2, 2).unwrap();
    let others = [
        part(2, 7, (2, 2), b"x"),
        part(1, 8, (2, 2), b"x"),
        part(1, 7, (2, 3), b"x"),
        Part {
            short_code: ShortCode::parse("54321").unwrap(),
            ..part(1, 7, (2, 2), b"x")
        },
        Part {
            concatenation: wide,
            ..part(1, 7, (2, 2), b"x")
        },
    ];
    for part in [first].into_iter().chain(others) {
        assert_eq!(waiting.insert(part, START).outcome, Reassembled::Incomplete);
    }
    assert_eq!(
        text(&completed(waiting.insert(part(1, 7, (2, 2), b"b"), START))),
        "ab"
    );
}

#[test]
fn a_repeated_part_is_dropped() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (1, 2), b"a"), START);
    let again = Part {
        row: 99,
        ..part(1, 7, (1, 2), b"a")
    };
    let insertion = waiting.insert(again, START);
    assert_eq!(
        insertion,
        Insertion {
            outcome: Reassembled::Duplicate,
            evicted: vec![]
        }
    );
    assert_eq!(waiting.octets(), 1);
}

#[test]
fn a_reference_used_again_releases_the_old_text() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (1, 2), b"old"), START);
    let insertion = waiting.insert(part(1, 7, (1, 2), b"new"), START);
    assert_eq!(insertion.outcome, Reassembled::Incomplete);
    assert_eq!(texts(&insertion.evicted), ["old"]);
    assert_eq!(
        text(&completed(waiting.insert(part(1, 7, (2, 2), b"er"), START))),
        "newer"
    );
}

#[test]
fn a_message_that_waits_too_long_is_handed_back_incomplete() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (2, 3), b"b"), START);
    waiting.insert(part(2, 7, (1, 3), b"x"), after_seconds(60));
    assert_eq!(waiting.next_expiry(), Some(after_seconds(600)));
    assert_eq!(waiting.expire(after_seconds(599)), []);
    let expired = waiting.expire(after_seconds(600));
    assert_eq!(texts(&expired), ["b"]);
    assert_eq!((expired[0].is_complete(), expired[0].total()), (false, 3));
    assert_eq!(waiting.buffers(), 1);
}

#[test]
fn age_counts_from_the_first_part() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (1, 3), b"a"), START);
    waiting.insert(part(1, 7, (2, 3), b"b"), after_seconds(599));
    assert_eq!(texts(&waiting.expire(after_seconds(600))), ["ab"]);
}

#[test]
fn an_overdue_message_takes_no_further_part() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (1, 2), b"old"), START);
    let insertion = waiting.insert(part(1, 7, (2, 2), b"new"), after_seconds(600));
    assert_eq!(insertion.outcome, Reassembled::Incomplete);
    assert_eq!(texts(&insertion.evicted), ["old"]);
}

#[test]
fn a_clock_set_back_expires_nothing_early() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 7, (1, 2), b"a"), after_seconds(10_000));
    waiting.insert(part(2, 7, (1, 2), b"b"), START);
    assert_eq!(texts(&waiting.expire(after_seconds(600))), ["b"]);
    assert_eq!(waiting.buffers(), 1);
}

#[test]
fn a_handset_gives_way_to_itself_before_others_do() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 1, (1, 2), b"other"), START);
    waiting.insert(part(2, 1, (1, 2), b"first"), START);
    waiting.insert(part(2, 2, (1, 2), b"second"), START);
    let insertion = waiting.insert(part(2, 3, (1, 2), b"third"), START);
    assert_eq!(texts(&insertion.evicted), ["first"]);
}

#[test]
fn the_oldest_gives_way_when_all_buffers_are_taken() {
    let mut waiting = Reassembly::new(LIMITS);
    for handset in 1..=4 {
        waiting.insert(
            part(handset, 1, (1, 2), &[b'0' + u8::try_from(handset).unwrap()]),
            START,
        );
    }
    let insertion = waiting.insert(part(5, 1, (1, 2), b"5"), START);
    assert_eq!(texts(&insertion.evicted), ["1"]);
    assert_eq!(waiting.buffers(), 4);
}

#[test]
fn octets_are_bounded_too() {
    let mut waiting = Reassembly::new(Limits {
        octets_max: 10,
        ..LIMITS
    });
    waiting.insert(part(1, 1, (1, 2), b"1234"), START);
    waiting.insert(part(2, 1, (1, 3), b"abcd"), START);
    let insertion = waiting.insert(part(2, 1, (2, 3), b"efgh"), START);
    assert_eq!(texts(&insertion.evicted), ["1234"]);
    assert_eq!(
        text(&completed(waiting.insert(part(2, 1, (3, 3), b"i"), START))),
        "abcdefghi"
    );
}

#[test]
fn a_part_past_a_bound_comes_alone() {
    let mut waiting = Reassembly::new(Limits {
        octets_max: 10,
        ..LIMITS
    });
    for part in [
        part(1, 1, (2, 11), b"many"),
        part(1, 1, (1, 2), b"much too long"),
    ] {
        let expected = part.octets.to_vec();
        let Reassembled::Alone(alone) = waiting.insert(part, START).outcome else {
            panic!("the part was taken in");
        };
        assert_eq!(alone.reveal(), expected);
    }
    assert_eq!(waiting.buffers(), 0);
}

#[test]
fn a_character_cut_in_two_is_read_whole() {
    let mut waiting = Reassembly::new(LIMITS);
    let wide = |ordinal, octets: &[u8]| Part {
        data_coding: 8,
        ..part(1, 1, (ordinal, 2), octets)
    };
    waiting.insert(wide(1, &[0x00, 0x61, 0xD8, 0x3D]), START);
    assert_eq!(
        text(&completed(waiting.insert(wide(2, &[0xDE, 0x00]), START))),
        "a😀"
    );
}

#[test]
fn parts_in_different_codings_are_read_each_in_its_own() {
    let mut waiting = Reassembly::new(LIMITS);
    waiting.insert(part(1, 1, (1, 2), b"\x00"), START);
    let wide = Part {
        data_coding: 8,
        ..part(1, 1, (2, 2), &[0x04, 0x1F])
    };
    assert_eq!(text(&completed(waiting.insert(wide, START))), "@П");
    waiting.insert(part(1, 1, (1, 2), b"a"), START);
    let binary = Part {
        data_coding: 4,
        ..part(1, 1, (2, 2), b"b")
    };
    assert_eq!(
        completed(waiting.insert(binary, START)).decode(),
        Decoded::Octets
    );
}

#[test]
fn no_text_is_shown() {
    let message = part(1, 1, (1, 1), b"secret");
    assert!(!format!("{message:?}").contains("115, 101"));
    let mut waiting = Reassembly::new(LIMITS);
    let shown = format!("{:?}", waiting.insert(message, START));
    assert_eq!(
        shown,
        "Insertion { outcome: Complete(Assembled(1 of 1 parts)), evicted: [] }"
    );
}

fn any_part() -> impl Strategy<Value = Part> {
    let place = (1_u8..5).prop_flat_map(|total| (1..=total, Just(total)));
    (1_u64..5, 1_u16..4, place, vec(any::<u8>(), 0..40))
        .prop_map(|(handset, reference, place, octets)| part(handset, reference, place, &octets))
}

proptest! {
    #[test]
    fn no_part_is_lost_or_handed_back_twice(
        parts in vec((any_part(), 0_u64..400), 0..60), octets_max in 20_usize..200,
    ) {
        let limits = Limits { octets_max, ..LIMITS };
        let mut waiting = Reassembly::new(limits);
        let (mut now, mut back, mut taken) = (START, Vec::new(), Vec::new());
        for (row, (part, seconds)) in (0_u64..).zip(parts) {
            now = now.saturating_add(Duration::from_secs(seconds));
            let insertion = waiting.insert(Part { row, ..part }, now);
            let mut messages = insertion.evicted;
            match insertion.outcome {
                Reassembled::Duplicate => {}
                Reassembled::Incomplete => taken.push(row),
                Reassembled::Complete(message) => {
                    prop_assert!(message.is_complete());
                    taken.push(row);
                    messages.push(message);
                }
                Reassembled::Alone(message) => {
                    taken.push(row);
                    messages.push(message);
                }
            }
            back.extend(messages.iter().flat_map(Assembled::rows));
            prop_assert!(waiting.buffers() <= limits.buffers_max);
            prop_assert!(waiting.octets() <= limits.octets_max);
            prop_assert!(waiting.waiting.values().all(|own| own.len() <= limits.per_sender_max));
        }
        back.extend(waiting.expire(Timestamp::MAX).iter().flat_map(Assembled::rows));
        back.sort_unstable();
        prop_assert_eq!(back, taken);
        prop_assert_eq!((waiting.buffers(), waiting.octets()), (0, 0));
        prop_assert!(waiting.waiting.is_empty());
    }

    #[test]
    fn a_text_that_was_cut_comes_back_whole(text_sent in "[a-z€ж😀]{300,500}", turn in 0_usize..9) {
        let cut = segments(&text_sent, ReferenceWidth::Eight).unwrap();
        let mut parts: Vec<_> = cut.segments.iter().map(|segment| Part {
            data_coding: cut.encoding.data_coding(),
            ..part(1, 1, (segment.ordinal(), segment.total()), segment.reveal())
        }).collect();
        let count = parts.len();
        parts.rotate_left(turn % count);
        let mut waiting = Reassembly::new(Limits { octets_max: 9_000, parts_max: 20, ..LIMITS });
        let last = parts.pop().unwrap();
        for part in parts {
            prop_assert_eq!(waiting.insert(part, START).outcome, Reassembled::Incomplete);
        }
        prop_assert_eq!(text(&completed(waiting.insert(last, START))), text_sent);
    }
}
