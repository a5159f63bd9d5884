//! What every keeper of counts promises: nothing at first, then what was kept last, over a restart too.

use engine::ports::Counts;

/// Runs the scenarios. `fresh` has never kept anything, and `again` takes it up as a new process does.
pub fn run(fresh: &dyn Counts, again: &dyn Fn() -> Box<dyn Counts>) {
    assert_eq!(fresh.kept(), Ok(None));
    for value in [
        b"one".to_vec(),
        Vec::new(),
        vec![7; 100_000],
        b"two".to_vec(),
    ] {
        fresh.keep(&value).unwrap();
        assert_eq!(fresh.kept(), Ok(Some(value.clone())));
        assert_eq!(again().kept(), Ok(Some(value)));
    }
}
