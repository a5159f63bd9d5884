//! What every bookmark promises: nothing at first, then what was kept last, over a restart too.

use engine::ports::Bookmark;

/// Runs the scenarios. `fresh` has never kept anything, and `again` takes it up as a new process does.
pub fn run(fresh: &dyn Bookmark, again: &dyn Fn() -> Box<dyn Bookmark>) {
    assert_eq!(fresh.next(), Ok(None));
    for next in [0, 7, 3, u64::MAX] {
        fresh.keep(next).unwrap();
        assert_eq!(fresh.next(), Ok(Some(next)));
        assert_eq!(again().next(), Ok(Some(next)));
    }
}
