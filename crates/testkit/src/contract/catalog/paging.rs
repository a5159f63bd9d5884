//! Pages meet: nothing is lost between them and nothing comes twice.

use engine::ports::catalog::{EntryQuery, ROWS_MAX};

use super::Home;
use super::mix::{any, check, entry, fill, filters, pages};
use crate::contract::log::Opened;
use crate::contract::store::samples::moment;
use crate::contract::store::waiting::commit;
use engine::changes::Changes;

const SIZE: u64 = 1_300;

/// From one row to all.
pub fn pages_of_any_length_lose_and_repeat_nothing(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SIZE);
    home.settle();
    for limit in [1, 2, 255, 256, 257, ROWS_MAX] {
        let queries = filters(SIZE).into_iter();
        let queries: Vec<_> = queries.map(|query| EntryQuery { limit, ..query }).collect();
        check(&*log, &queries);
    }
}

/// Also when the catalogue takes it in meanwhile.
pub fn what_comes_while_somebody_pages_changes_nothing_below(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SIZE);
    for query in filters(SIZE) {
        let whole: Vec<_> = pages(&*log, &query);
        let mut paged = EntryQuery { limit: 7, ..query };
        let top = log.size().unwrap();
        let mut found = Vec::new();
        for round in 0.. {
            let page = log.search(&paged).unwrap();
            found.extend(page.rows);
            let Some(next) = page.next else { break };
            paged.cursor = Some(next);
            if round < 3 {
                let size = log.size().unwrap();
                commit(&*store, Changes::new(entry(size), moment(size))).unwrap();
                fill(&*store, size + 200);
                home.settle();
            }
        }
        found.retain(|row| row.index < top);
        let whole: Vec<_> = whole.into_iter().filter(|row| row.index < top).collect();
        assert_eq!(found, whole, "{paged:?}");
    }
}

/// Wherever they lie.
pub fn bounds_of_the_index_hold_on_every_page(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SIZE);
    home.settle();
    for (first, below) in [
        (0, 1),
        (5, 5),
        (9, 3),
        (255, 257),
        (256, 512),
        (300, 1_299),
        (700, 9_999),
        (SIZE, u64::MAX),
    ] {
        let queries = filters(SIZE).into_iter();
        let queries: Vec<_> = queries
            .map(|query| EntryQuery {
                first: Some(first),
                below: Some(below),
                limit: 40,
                ..query
            })
            .collect();
        check(&*log, &queries);
    }
}

/// Neither nothing nor everything.
pub fn a_limit_out_of_range_counts_as_the_nearer_end(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SIZE);
    assert_eq!(log.search(&any(0)).unwrap().rows.len(), 1);
    // It may come back short, but never longer.
    let most = log.search(&any(u16::MAX)).unwrap().rows.len();
    assert!((1..=usize::from(ROWS_MAX)).contains(&most), "{most}");
    check(&*log, [&any(0), &any(u16::MAX)]);
}
