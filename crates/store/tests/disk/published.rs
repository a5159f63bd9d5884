//! The power goes after checkpoints were published. None that was published is lost, and the nodes of
//! what is left are right; the same without syncs must lose some, or it would show nothing.

use engine::ports::Log;
use store::Durability;
use testkit::contract::log::filling::{check_nodes, checkpoint, fill, grow};

use crate::disk::{Chance, DISKS};
use crate::story::Machine;

/// Checkpoints in one run, far more than make the log of their file begin anew.
const CHECKPOINTS: u64 = 150;

/// Publishes and cuts the power again and again; gives how many checkpoints were lost.
fn losses(durability: Durability, seed: u64) -> usize {
    let mut machine = Machine::new();
    machine.durability = durability;
    let store = machine.open().unwrap();
    let mut chance = Chance(seed);
    let mut lost = 0;
    for number in 1..=CHECKPOINTS {
        let size = number * 37;
        fill(&store, size);
        let published = checkpoint(&store, size);
        store
            .publish(&grow(&store, size).nodes, &published)
            .unwrap();
        if chance.below(4) > 0 {
            continue;
        }
        let image = Machine::new();
        DISKS.cut(&machine.folder, &image.folder, &mut chance);
        let Ok(after) = image.open() else {
            lost += 1;
            continue;
        };
        lost += usize::from(after.latest().ok().flatten() != Some(published));
        check_nodes(&after, Log::size(&after).unwrap());
    }
    lost
}

#[test]
fn no_checkpoint_that_was_published_is_lost_when_the_power_goes() {
    for seed in [0x5eed_0011, 0x5eed_0012] {
        assert_eq!(losses(Durability::Synced, seed), 0, "seed {seed:#x}");
    }
}

#[test]
fn without_syncs_checkpoints_are_lost() {
    assert_ne!(
        losses(Durability::UnsyncedLosesAcknowledgedData, 0x5eed_0013),
        0
    );
}
