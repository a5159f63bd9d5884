//! Any octets are read as a limit, or as the counts of a book, or as neither, without panic; a limit that is
//! read writes itself as the same limit, and counts that are taken back give nobody more than the limit.

use domain::class::ClassSet;
use domain::limit::book::snapshot::{Laid, Snapshot};
use domain::limit::book::{Book, Verdict};
use domain::limit::dimension::Dimension;
use domain::limit::facts::{Event, Facts};
use domain::limit::key::Secret;
use domain::limit::policy::{Draft, LimitName, Mode, Policy, Rule, Unit};
use domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
/// What each source may do: of a quota, and at once of a rate.
const MOST: u32 = 3;

pub fn check(octets: &[u8]) {
    if let Ok(policy) = serde_json::from_slice::<Policy>(octets) {
        let text = serde_json::to_string(&policy).expect("a policy is plain data");
        let again = serde_json::from_str::<Policy>(&text).expect("it was just written");
        assert_eq!(policy, again);
        assert!((1..=40).contains(&policy.name().as_str().len()));
    }
    let Ok(snapshot) = serde_json::from_slice::<Snapshot>(octets) else {
        return;
    };
    let Ok(mut book) = Book::restore(policies(), secret(), &snapshot) else {
        return;
    };
    let full: usize = book.summaries(NOW).iter().map(|limit| limit.octets).sum();
    for source in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        let facts = Facts {
            source: source.parse().ok(),
            ..Facts::new(Event::Request)
        };
        let went =
            (0..2 * MOST).filter(|_| book.check_and_take(&facts, NOW).verdict == Verdict::Granted);
        assert!(went.count() <= usize::try_from(MOST).unwrap_or(0));
    }
    let after: usize = book.summaries(NOW).iter().map(|limit| limit.octets).sum();
    assert_eq!(full, after);
    let counts = book.snapshot(NOW, Laid::default());
    assert!(Book::restore(policies(), secret(), &counts).is_ok());
}

/// The secret of the seeds.
pub fn secret() -> Secret {
    Secret::new([7; 16])
}

/// The limits of the seeds.
pub fn policies() -> Vec<Policy> {
    let hour = core::time::Duration::from_hours(1);
    let rate = Rule::Rate {
        count: MOST,
        period: hour,
        burst: MOST,
    };
    let quota = Rule::Quota {
        amount: u64::from(MOST),
        window: hour,
    };
    let limit = |name, rule| {
        let draft = Draft {
            name: LimitName::parse(name).ok()?,
            event: Event::Request,
            unit: Unit::Requests,
            dimensions: [Dimension::Source].into_iter().collect(),
            classes: ClassSet::default(),
            rule,
            mode: Mode::Enforce,
            overrides: Vec::new(),
            keys: 8,
        };
        Policy::new(draft).ok()
    };
    [limit("rate", rate), limit("quota", quota)]
        .into_iter()
        .flatten()
        .collect()
}
