//! Reads of one row, and look-ups by a carrier's id.

use domain::id::{InboundId, MessageId};
use domain::message::{CarrierName, MessageState, Segment};
use engine::changes::Write;
use engine::ports::store::CarrierIdRow;
use engine::rows::{MessageRow, MessageUpdate};

use super::Home;
use super::samples::{
    carrier_message_id, changes, dispatched, inbound, message, message_id, moment, new_message,
    sealed, sequence,
};
use super::waiting::{commit, read};

/// Every column, long ones and missing ones too.
pub fn a_message_is_read_as_it_was_committed(home: &mut dyn Home) {
    let store = home.open();
    let mut long = message(2);
    long.head.client = None;
    long.head.reference = None;
    long.head.campaign = Some("spring \"sale\"".into());
    long.segments = vec![dispatched("a-carrier-with-a-long-name", Some(&"F".repeat(64))); 40];
    for row in [message(1), long] {
        let id = row.id;
        commit(&*store, changes(moment(1), new_message(row.clone()))).unwrap();
        let (found, vault) = read(store.message(id)).unwrap();
        assert_eq!(found, row);
        assert_eq!(vault, sealed(id.sequence()));
    }
    assert!(read(store.message(message_id(3))).is_none());
}

/// In the order in which they are asked for; those that there are not keep their places too.
pub fn several_messages_are_read_each_in_its_place(home: &mut dyn Home) {
    let store = home.open();
    for n in 1..=3 {
        commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
    }
    let ids = [3, 7, 1, 3].map(message_id);
    let found = read(store.messages_of(ids.to_vec()));
    let one_by_one: Vec<_> = ids.map(|id| read(store.message(id))).into();
    assert_eq!(found, one_by_one);
    assert!(found[1].is_none() && found[3].is_some());
    assert_eq!(read(store.messages_of(Vec::new())), []);
}

/// However much longer the facts become.
pub fn updates_change_the_facts_and_nothing_else(home: &mut dyn Home) {
    let store = home.open();
    for n in 1..=3 {
        commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
    }
    let facts = [
        vec![dispatched("primary", None)],
        vec![dispatched("primary", Some("0A1B2C3D"))],
        vec![dispatched(&"p".repeat(200), Some(&"F".repeat(64)))],
        vec![Segment::default()],
    ];
    for (version, segments) in (2..).zip(facts) {
        let change = MessageUpdate {
            sequence: sequence(2),
            version,
            state: MessageState::Dispatched,
            updated: moment(50),
            segments: segments.clone(),
        };
        let write = Write::Update(Box::new(change));
        commit(&*store, changes(moment(50), [write])).unwrap();
        let expected = MessageRow {
            version,
            state: MessageState::Dispatched,
            updated: moment(50),
            segments,
            ..message(2)
        };
        assert_eq!(read(store.message(message_id(2))).unwrap().0, expected);
    }
    for n in [1, 3] {
        assert_eq!(read(store.message(message_id(n))).unwrap().0, message(n));
    }
}

/// Ids carry more than their sequence.
pub fn an_id_that_only_shares_a_sequence_finds_nothing(home: &mut dyn Home) {
    let store = home.open();
    let writes = [
        Write::Message(Box::new(message(1))),
        Write::Inbound(Box::new(inbound(2))),
    ];
    commit(&*store, changes(moment(1), writes)).unwrap();
    assert!(read(store.message(MessageId::new(sequence(1), 5))).is_none());
    assert!(read(store.inbound(InboundId::new(sequence(2), 5))).is_none());
}

/// With and without a keyword.
pub fn an_inbound_message_is_read_as_it_was_committed(home: &mut dyn Home) {
    let store = home.open();
    let mut plain = inbound(2);
    plain.keyword = None;
    for row in [inbound(1), plain] {
        let [number, text] = sealed(row.id.sequence());
        let writes = [
            Write::Inbound(Box::new(row.clone())),
            Write::Vault(number),
            Write::Vault(text),
        ];
        commit(&*store, changes(moment(1), writes)).unwrap();
        let (found, vault) = read(store.inbound(row.id)).unwrap();
        assert_eq!(found, row);
        assert_eq!(vault, sealed(row.id.sequence()));
    }
}

/// A message whose two segments went to a carrier under these ids, handed to the index.
fn with_carrier_ids(
    home: &mut dyn Home,
    ids: [&str; 2],
) -> std::sync::Arc<dyn engine::ports::Store> {
    let store = home.open();
    let mut row = message(1);
    row.state = MessageState::Submitted;
    row.segments = ids
        .iter()
        .map(|id| dispatched("primary", Some(id)))
        .collect();
    commit(&*store, changes(moment(1), new_message(row))).unwrap();
    let known = (0_u8..).zip(ids).map(|(segment, id)| CarrierIdRow {
        carrier: CarrierName::new("primary"),
        id: carrier_message_id(id),
        message: sequence(1),
        segment,
    });
    store.index_carrier_ids(known.collect());
    store
}

/// Letter case and leading zeros do not count; which reading to trust is the caller's business.
pub fn an_older_segment_is_found_by_its_carriers_id_however_it_is_written(home: &mut dyn Home) {
    let store = with_carrier_ids(home, ["00AB12", "ff"]);
    let carrier = CarrierName::new("primary");
    for (text, segment) in [("00AB12", 0), ("ab12", 0), ("0FF", 1)] {
        let found = read(store.by_carrier_id(&carrier, &carrier_message_id(text)));
        let places: Vec<_> = found.iter().map(|(row, place)| (row.id, *place)).collect();
        assert_eq!(places, [(message_id(1), segment)], "{text}");
    }
}

/// Nor an id that nobody was given.
pub fn a_carriers_id_finds_nothing_of_another_carrier(home: &mut dyn Home) {
    let store = with_carrier_ids(home, ["00AB12", "ff"]);
    let find = |carrier: &str, id: &str| {
        read(store.by_carrier_id(&CarrierName::new(carrier), &carrier_message_id(id))).len()
    };
    assert_eq!(find("primary", "ab12"), 1);
    assert_eq!(find("secondary", "ab12"), 0);
    assert_eq!(find("primary", "ab13"), 0);
}
