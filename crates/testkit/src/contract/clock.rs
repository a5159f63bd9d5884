//! What every clock promises: the present moment of UTC, in the range that can be written down.

use domain::time::Timestamp;
use engine::ports::Clock;

/// The year 2025 began; no test runs before it.
const YEAR_2025: Timestamp = Timestamp::from_seconds(1_735_689_600);

/// Runs the scenarios. `clock` shows the present, or a moment that a test has set.
pub fn run(clock: &dyn Clock) {
    let first = clock.now();
    let second = clock.now();
    assert!(first >= YEAR_2025, "the clock shows {first}");
    assert!(second < Timestamp::MAX, "the clock shows {second}");
    // It may be set either way, but not while a test of a moment runs.
    assert!(second >= first, "{second} came after {first}");
}
