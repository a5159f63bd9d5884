//! What every keeper of counts promises: nothing at first, then what was kept last, over a restart too.

use engine::ports::Counts;

/// Runs the scenarios. `fresh` has never kept anything, and `again` takes it up as a new process does.
pub fn run(fresh: &dyn Counts, again: &dyn Fn() -> Box<dyn Counts>) {
    assert_eq!(fresh.kept(), Ok(None));
    for value in [&b"one"[..], b"", &[7; 100_000], b"two"] {
        fresh.keep(value).unwrap();
        assert_eq!(fresh.kept(), Ok(Some(value.to_vec())));
        assert_eq!(again().kept(), Ok(Some(value.to_vec())));
    }
}
