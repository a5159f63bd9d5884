//! Tests of [`super`]: how many segments, how they are cut, and that nothing is lost between them.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::text::decode::{Decoded, Fidelity, decode_text};
use crate::text::{MAX_CHARACTERS, MessageText};

const BOTH: [ReferenceWidth; 2] = [ReferenceWidth::Eight, ReferenceWidth::Sixteen];

fn lengths(text: &str, width: ReferenceWidth) -> Vec<usize> {
    let cut = segments(text, width).unwrap();
    cut.segments
        .iter()
        .map(|segment| segment.reveal().len())
        .collect()
}

/// Checks the lengths in octets with an 8-bit and with a 16-bit reference.
fn check(text: &str, encoding: Encoding, eight: &[usize], sixteen: &[usize]) {
    for (width, expected) in BOTH.into_iter().zip([eight, sixteen]) {
        assert_eq!(segments(text, width).unwrap().encoding, encoding);
        assert_eq!(
            lengths(text, width),
            expected,
            "{} characters",
            text.chars().count()
        );
        let count = count_segments(text, width).unwrap();
        assert_eq!(
            (count.encoding, usize::from(count.segments)),
            (encoding, expected.len())
        );
    }
}

/// Every segment read by itself, and put together.
fn read_back(cut: &Segmented) -> String {
    let mut text = String::new();
    for segment in &cut.segments {
        match decode_text(cut.encoding.data_coding(), segment.reveal()) {
            Decoded::Text(part) if part.fidelity() == Fidelity::Exact => {
                text.push_str(part.reveal());
            }
            _ => panic!("{segment:?} does not stand by itself"),
        }
    }
    text
}

#[test]
fn seven_bit_texts_are_cut_at_160_153_and_152() {
    check("", Encoding::Gsm7, &[0], &[0]);
    check(&"x".repeat(160), Encoding::Gsm7, &[160], &[160]);
    check(&"x".repeat(161), Encoding::Gsm7, &[153, 8], &[152, 9]);
    check(&"x".repeat(304), Encoding::Gsm7, &[153, 151], &[152, 152]);
    check(
        &"x".repeat(306),
        Encoding::Gsm7,
        &[153, 153],
        &[152, 152, 2],
    );
    check(
        &"x".repeat(307),
        Encoding::Gsm7,
        &[153, 153, 1],
        &[152, 152, 3],
    );
}

#[test]
fn an_escape_pair_is_never_cut() {
    check(&"€".repeat(80), Encoding::Gsm7, &[160], &[160]);
    check(&"€".repeat(81), Encoding::Gsm7, &[152, 10], &[152, 10]);
    let odd = format!("x{}", "€".repeat(80));
    check(&odd, Encoding::Gsm7, &[153, 8], &[151, 10]);
    let at_the_edge = format!("{}€{}", "x".repeat(152), "x".repeat(7));
    check(&at_the_edge, Encoding::Gsm7, &[152, 9], &[152, 9]);
}

#[test]
fn sixteen_bit_texts_are_cut_at_70_67_and_66() {
    check(&"ж".repeat(70), Encoding::Ucs2, &[140], &[140]);
    check(&"ж".repeat(71), Encoding::Ucs2, &[134, 8], &[132, 10]);
    check(
        &"ж".repeat(134),
        Encoding::Ucs2,
        &[134, 134],
        &[132, 132, 4],
    );
    check(
        &format!("{}`", "x".repeat(69)),
        Encoding::Ucs2,
        &[140],
        &[140],
    );
}

#[test]
fn a_surrogate_pair_is_never_cut() {
    check(&"😀".repeat(35), Encoding::Ucs2, &[140], &[140]);
    check(&"😀".repeat(36), Encoding::Ucs2, &[132, 12], &[132, 12]);
    check(
        &format!("ж{}", "😀".repeat(35)),
        Encoding::Ucs2,
        &[134, 8],
        &[130, 12],
    );
}

#[test]
fn septets_go_out_unpacked_and_units_big_endian() {
    let seven = segments("@a€", ReferenceWidth::Eight).unwrap();
    assert_eq!(seven.segments[0].reveal(), [0x00, 0x61, 0x1B, 0x65]);
    let sixteen = segments("Привет", ReferenceWidth::Eight).unwrap();
    let expected = [
        0x04, 0x1F, 0x04, 0x40, 0x04, 0x38, 0x04, 0x32, 0x04, 0x35, 0x04, 0x42,
    ];
    assert_eq!(sixteen.segments[0].reveal(), expected);
}

#[test]
fn only_several_segments_have_a_header() {
    let lone = segments("x", ReferenceWidth::Eight).unwrap();
    assert_eq!(lone.segments[0].header(7, ReferenceWidth::Eight), None);
    let two = segments(&"x".repeat(161), ReferenceWidth::Eight).unwrap();
    let header = two.segments[1].header(0xA7, ReferenceWidth::Eight).unwrap();
    assert_eq!(header.as_octets(), [0x05, 0x00, 0x03, 0xA7, 0x02, 0x02]);
}

#[test]
fn more_than_255_segments_are_refused() {
    let most = "x".repeat(153 * 255);
    assert_eq!(lengths(&most, ReferenceWidth::Eight).len(), 255);
    assert_eq!(
        count_segments(&most, ReferenceWidth::Eight)
            .unwrap()
            .segments,
        255
    );
    let more = most + "x";
    assert_eq!(
        segments(&more, ReferenceWidth::Eight),
        Err(SegmentError::TooMany)
    );
    assert_eq!(
        count_segments(&more, ReferenceWidth::Eight),
        Err(SegmentError::TooMany)
    );
}

#[test]
fn the_longest_message_needs_49_segments() {
    let text = MessageText::parse(&"😀".repeat(MAX_CHARACTERS)).unwrap();
    for width in BOTH {
        assert_eq!(segments(text.reveal(), width).unwrap().segments.len(), 49);
    }
}

#[test]
fn a_segment_shows_its_place_and_length_only() {
    let cut = segments("secret", ReferenceWidth::Eight).unwrap();
    assert_eq!(format!("{:?}", cut.segments), "[Segment(1 of 1, 6 octets)]");
}

proptest! {
    #[test]
    fn nothing_is_lost_and_no_segment_is_too_long(
        text in "([ -_a-z]{0,40}|[€{|^]{0,40}|(ж|😀|x){0,30}){0,12}", wide in any::<bool>(),
    ) {
        let width = BOTH[usize::from(wide)];
        let cut = segments(&text, width).unwrap();
        prop_assert_eq!(read_back(&cut), text.clone());
        let total = cut.segments.len();
        for (index, segment) in cut.segments.iter().enumerate() {
            prop_assert_eq!(usize::from(segment.ordinal()), index + 1);
            prop_assert_eq!(usize::from(segment.total()), total);
            let header = segment.header(7, width).map_or(0, |header| header.as_octets().len());
            let octets = match cut.encoding {
                Encoding::Gsm7 => (header * 8).div_ceil(7) + segment.reveal().len(),
                Encoding::Ucs2 => header + segment.reveal().len(),
            };
            prop_assert!(octets <= lone_octets(cut.encoding));
        }
    }

    #[test]
    fn counting_and_cutting_agree(
        text in "([ -~]{0,60}|[€{|^]{0,60}|(ж|😀|x){0,40}){0,9}", wide in any::<bool>(),
    ) {
        let width = BOTH[usize::from(wide)];
        let (cut, count) = (segments(&text, width).unwrap(), count_segments(&text, width).unwrap());
        prop_assert_eq!(cut.encoding, count.encoding);
        prop_assert_eq!(cut.segments.len(), usize::from(count.segments));
    }

    #[test]
    fn any_text_is_cut_or_refused(text in any::<String>()) {
        for width in BOTH {
            prop_assert_eq!(read_back(&segments(&text, width).unwrap()), text.clone());
        }
    }
}
