//! Lists: order, pages, filters.

use domain::class::TrafficClass;
use domain::id::MessageId;
use domain::message::MessageState;
use engine::changes::Write;
use engine::ports::Store;
use engine::rows::{InboundFilter, MessageFilter, MessageRow};

use super::Home;
use super::samples::{
    changes, client_id, inbound, message, message_id, moment, new_message, sealed, sequence,
    short_code, subject,
};
use super::waiting::{commit, read};

/// Messages that differ in everything that can be asked for, by their place from 0.
fn varied(n: u64) -> MessageRow {
    let pick = |count: u64| usize::try_from(n % count).unwrap();
    let mut row = message(n);
    row.head.client = if n.is_multiple_of(5) {
        None
    } else {
        Some(client_id(n % 2))
    };
    row.head.class = TrafficClass::ALL[pick(3)];
    row.head.from = short_code(["12345", "777"][pick(2)]);
    row.state = MessageState::ALL[pick(8)];
    row.subject = subject(u8::try_from(n % 4).unwrap());
    row
}

fn fill(store: &dyn Store, rows: impl IntoIterator<Item = MessageRow>) {
    for row in rows {
        commit(store, changes(row.created, new_message(row))).unwrap();
    }
}

/// What has to be looked at again, and nothing that has ended.
pub fn unsettled_messages_are_read_oldest_first_between_two_sequences(home: &mut dyn Home) {
    let store = home.open();
    fill(&*store, (0..40).map(varied));
    let open: Vec<_> = (11..30)
        .map(varied)
        .filter(|row| !row.state.is_final())
        .map(|row| row.id)
        .collect();
    let (mut after, mut found) = (sequence(10), Vec::new());
    loop {
        let rows = read(store.unsettled(after, sequence(30), 3));
        assert!(rows.len() <= 3);
        let Some((last, _)) = rows.last() else { break };
        after = last.id.sequence();
        for (row, vault) in &rows {
            assert_eq!(vault[..], sealed(row.id.sequence()));
            found.push(row.id);
        }
    }
    assert!(open.len() > 3);
    assert_eq!(found, open);
}

/// Every page until the end. Pages may be short, but not longer than asked for.
fn all_pages(store: &dyn Store, filter: &MessageFilter) -> Vec<MessageId> {
    let mut found = Vec::new();
    let mut filter = filter.clone();
    loop {
        let page = read(store.messages(filter.clone()));
        assert!(page.rows.len() <= usize::from(filter.limit));
        for (row, vault) in &page.rows {
            assert_eq!(vault[..], sealed(row.id.sequence()));
            found.push(row.id);
        }
        match page.next {
            Some(next) => {
                assert!(
                    filter.cursor.is_none_or(|before| next < before),
                    "pages move down"
                );
                filter.cursor = Some(next);
            }
            None => return found,
        }
    }
}

fn any(limit: u16) -> MessageFilter {
    MessageFilter {
        limit,
        ..MessageFilter::default()
    }
}

/// Whatever the size of a page.
pub fn a_list_is_newest_first_and_pages_meet_without_gap_or_overlap(home: &mut dyn Home) {
    let store = home.open();
    assert!(read(store.messages(any(10))).rows.is_empty());
    fill(&*store, (0..25).map(message));
    let newest_first: Vec<_> = (0..25).rev().map(message_id).collect();
    for limit in [1, 7, 24, 25, 26, 1_000] {
        assert_eq!(all_pages(&*store, &any(limit)), newest_first, "{limit}");
    }
}

/// Alone and together.
pub fn each_filter_of_messages_keeps_only_what_it_names(home: &mut dyn Home) {
    let store = home.open();
    fill(&*store, (0..60).map(varied));
    let check = |filter: MessageFilter, keeps: &dyn Fn(&MessageRow) -> bool| {
        let expected: Vec<_> = (0..60)
            .rev()
            .map(varied)
            .filter(keeps)
            .map(|row| row.id)
            .collect();
        assert!(!expected.is_empty(), "{filter:?} tests nothing");
        assert_eq!(all_pages(&*store, &filter), expected, "{filter:?}");
    };
    let client = Some(client_id(1));
    check(MessageFilter { client, ..any(9) }, &|row| {
        row.head.client == client
    });
    let class = TrafficClass::Marketing;
    check(
        MessageFilter {
            class: Some(class),
            ..any(9)
        },
        &|row| row.head.class == class,
    );
    let state = MessageState::Failed;
    check(
        MessageFilter {
            state: Some(state),
            ..any(9)
        },
        &|row| row.state == state,
    );
    let from = short_code("777");
    check(
        MessageFilter {
            from: Some(from),
            ..any(9)
        },
        &|row| row.head.from == from,
    );
    let subject = subject(3);
    check(
        MessageFilter {
            subject: Some(subject),
            ..any(4)
        },
        &|row| row.subject == subject,
    );
    let (since, until) = (Some(moment(10)), Some(moment(40)));
    let within = |row: &MessageRow| row.created >= moment(10) && row.created < moment(40);
    check(
        MessageFilter {
            since,
            until,
            ..any(9)
        },
        &within,
    );
    let both = MessageFilter {
        subject: Some(subject),
        client,
        since,
        ..any(2)
    };
    check(both, &|row| {
        row.subject == subject && row.head.client == client && row.created >= moment(10)
    });
}

/// The moment its commit is answered.
pub fn a_list_by_number_sees_everything_committed(home: &mut dyn Home) {
    let store = home.open();
    let filter = MessageFilter {
        subject: Some(subject(1)),
        ..any(1_000)
    };
    for n in 0..40 {
        fill(&*store, [message(n)]);
        let found = all_pages(&*store, &filter);
        assert_eq!(found, (0..=n).rev().map(message_id).collect::<Vec<_>>());
    }
}

/// Whatever state the index was left in.
pub fn a_list_by_number_is_the_same_after_a_restart(home: &mut dyn Home) {
    let filter = MessageFilter {
        subject: Some(subject(1)),
        ..any(7)
    };
    for round in 0..3 {
        let store = home.open();
        fill(&*store, (0..20).map(|n| message(round * 20 + n)));
        let expected: Vec<_> = (0..(round + 1) * 20).rev().map(message_id).collect();
        assert_eq!(all_pages(&*store, &filter), expected);
    }
}

/// No short code asked for is none given.
pub fn inbound_lists_keep_to_the_short_codes_asked_for(home: &mut dyn Home) {
    let store = home.open();
    for n in 0..30 {
        let mut row = inbound(n);
        row.to = short_code(["12345", "777", "4321"][usize::try_from(n % 3).unwrap()]);
        row.subject = subject(u8::try_from(n % 2 + 1).unwrap());
        commit(&*store, changes(moment(n), [Write::Inbound(Box::new(row))])).unwrap();
    }
    let list = |short_codes: &[&str], subject, since| {
        let short_codes = short_codes
            .iter()
            .map(|digits| short_code(digits))
            .collect();
        let mut filter = InboundFilter {
            short_codes,
            subject,
            since,
            cursor: None,
            limit: 4,
        };
        let mut found = Vec::new();
        loop {
            let page = read(store.inbounds(filter.clone()));
            found.extend(page.rows.iter().map(|(row, _)| row.id));
            match page.next {
                Some(next) => filter.cursor = Some(next),
                None => return found,
            }
        }
    };
    let expected = |keeps: &dyn Fn(u64) -> bool| -> Vec<_> {
        (0..30)
            .rev()
            .filter(|n| keeps(*n))
            .map(|n| inbound(n).id)
            .collect()
    };
    assert_eq!(list(&["777", "4321"], None, None), expected(&|n| n % 3 > 0));
    assert_eq!(
        list(&["777"], Some(subject(1)), None),
        expected(&|n| n % 3 == 1 && n % 2 == 0)
    );
    assert_eq!(
        list(&["777"], None, Some(moment(15))),
        expected(&|n| n % 3 == 1 && n >= 15)
    );
    assert!(list(&[], None, None).is_empty());
}
