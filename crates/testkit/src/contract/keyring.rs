//! What every keyring promises: what was kept is there when it is opened again, one salt follows the
//! other, and a late call cannot drop one that it did not mean.

use domain::time::Timestamp;
use engine::ports::Keyring;
use engine::ports::keyring::{Salt, Salts};

/// Opens the same keyring again, as after a restart.
pub type Open<'a> = &'a mut dyn FnMut() -> Box<dyn Keyring>;

fn salt(octet: u8) -> Salt {
    Salt::new([octet; 32], Timestamp::from_seconds(u64::from(octet)))
}

fn holds(open: Open<'_>, current: Option<u8>, next: Option<u8>) {
    let expected = Salts {
        current: current.map(salt),
        next: next.map(salt),
    };
    assert_eq!(open().read().unwrap(), expected);
}

/// Runs the scenarios on a keyring that is empty.
pub fn run(open: Open<'_>) {
    holds(open, None, None);
    open().discard().unwrap();
    open().adopt(&salt(1)).unwrap();
    holds(open, None, None);
    open().propose(&salt(1)).unwrap();
    holds(open, None, Some(1));
    open().adopt(&salt(1)).unwrap();
    holds(open, Some(1), None);
    a_proposal_can_be_replaced_and_taken_back(open);
    only_the_salt_that_is_meant_is_adopted(open);
}

fn a_proposal_can_be_replaced_and_taken_back(open: Open<'_>) {
    open().propose(&salt(2)).unwrap();
    open().propose(&salt(3)).unwrap();
    holds(open, Some(1), Some(3));
    open().discard().unwrap();
    holds(open, Some(1), None);
}

fn only_the_salt_that_is_meant_is_adopted(open: Open<'_>) {
    open().propose(&salt(4)).unwrap();
    open().adopt(&salt(3)).unwrap();
    holds(open, Some(1), Some(4));
    open().adopt(&salt(4)).unwrap();
    open().adopt(&salt(4)).unwrap();
    holds(open, Some(4), None);
}
