//! What every keeper of seals promises: a chain is there as it was left when it is opened again, and is
//! begun once.

use engine::ports::Seals;
use ledger::seal::{Seal, SealKey, SealStart, Sealer};
use ledger::{Hash, leaf_hash};

/// Opens the same seals again, as after a restart.
pub type Open<'a> = &'a mut dyn FnMut() -> Box<dyn Seals>;

fn start() -> SealStart {
    SealStart {
        origin: "log.example/ledger".to_owned(),
        began_micros: 1_000_000,
        epoch_micros: 10_000_000,
        first: 3,
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|index| leaf_hash(&index.to_be_bytes()))
        .collect()
}

/// Begins a chain where none is. Gives what makes its seals.
pub fn begin(seals: &dyn Seals) -> Sealer {
    let first = SealKey::from_bytes([9; 32]);
    let sealer = Sealer::begin(start(), first.clone());
    seals.begin(&start(), &first, &sealer.state()).unwrap();
    sealer
}

/// Seals so many epochs and keeps them.
pub fn seal(seals: &dyn Seals, sealer: &mut Sealer, epochs: u64) -> Vec<Seal> {
    let made: Vec<Seal> = (0..epochs)
        .map(|count| sealer.seal(&leaves(count)))
        .collect();
    seals.append(&made, &sealer.state()).unwrap();
    made
}

fn holds(seals: &dyn Seals, sealer: &Sealer) {
    let kept = seals.read().unwrap().expect("a chain");
    assert_eq!(kept.start, start());
    assert_eq!(kept.state.reveal(), sealer.state().reveal());
    assert!(kept.ahead.is_empty(), "{:?}", kept.ahead);
}

/// Runs the scenarios where no chain is.
pub fn run(open: Open<'_>) {
    assert!(open().read().unwrap().is_none());
    let mut sealer = begin(open().as_ref());
    holds(open().as_ref(), &sealer);
    let again = open();
    let first = SealKey::from_bytes([8; 32]);
    assert!(
        again.begin(&start(), &first, &sealer.state()).is_err(),
        "a chain is never begun over another"
    );
    holds(open().as_ref(), &sealer);
    for epochs in [1, 1, 3, 50] {
        let kept = open();
        kept.read().unwrap();
        seal(kept.as_ref(), &mut sealer, epochs);
        seal(kept.as_ref(), &mut sealer, 2);
        holds(kept.as_ref(), &sealer);
        holds(open().as_ref(), &sealer);
    }
}
