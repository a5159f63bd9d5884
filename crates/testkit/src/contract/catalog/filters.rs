//! What passes the filters is found, all of it, and nothing else.

use engine::changes::Changes;
use engine::ports::catalog::EntryPage;
use ledger::Kind;

use super::Home;
use super::mix::{any, both, check, entry, fill, filters, pages};
use crate::contract::log::Opened;
use crate::contract::store::samples::{draft, moment};
use crate::contract::store::waiting::commit;

/// More than one block of any catalogue, and no whole number of them.
const SOME: u64 = 1_500;
/// More than a segment of the embedded one.
const MANY: u64 = 67_000;

/// Nor is searching it a fault.
pub fn nothing_is_found_in_an_empty_ledger(home: &mut dyn Home) {
    let Opened { log, .. } = home.open();
    for query in filters(SOME) {
        assert_eq!(log.search(&query).unwrap(), EntryPage::default());
    }
}

/// Before and after it is catalogued.
pub fn each_filter_finds_what_a_look_at_every_entry_finds(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    for size in [1, 255, 256, 257, SOME] {
        fill(&*store, size);
        check(&*log, &filters(size));
        home.settle();
        check(&*log, &filters(size));
    }
}

/// Each with each.
pub fn filters_together_find_what_passes_all_of_them(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SOME);
    home.settle();
    let alone = filters(SOME);
    for left in &alone {
        let pairs: Vec<_> = alone.iter().map(|right| both(left, right)).collect();
        check(&*log, &pairs);
    }
}

/// A search is never behind the ledger.
pub fn what_was_answered_is_found_at_once(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 300);
    let mut query = any(5);
    query.kinds = vec![Kind::BackupMade];
    for count in 1..=600 {
        let at = moment(300 + count);
        let answer = commit(&*store, Changes::new(draft(Kind::BackupMade), at));
        let index = answer.unwrap().first_index;
        let page = log.search(&query).unwrap();
        assert_eq!(page.rows.first().map(|row| row.index), Some(index));
    }
    assert_eq!(pages(&*log, &query).len(), 600);
}

/// Whatever was kept to be fast.
pub fn the_same_is_found_after_a_restart(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, SOME);
    home.settle();
    drop((store, log));
    let Opened { store, log } = home.open();
    check(&*log, &filters(SOME));
    commit(&*store, Changes::new(entry(SOME), moment(SOME))).unwrap();
    fill(&*store, 2 * SOME);
    home.settle();
    check(&*log, &filters(2 * SOME));
}

/// Of several segments, at their edges and in the middle.
pub fn a_large_ledger_is_searched_to_its_end(home: &mut dyn Home) {
    let Opened { store, log } = home.open();
    fill(&*store, 65_536);
    home.settle();
    let few = |size| {
        let queries = filters(size).into_iter();
        queries.filter(|query| !query.is_open()).collect::<Vec<_>>()
    };
    check(&*log, &few(65_536));
    fill(&*store, MANY);
    home.settle();
    check(&*log, &few(MANY));
}
