//! Memory against disk: whenever nothing is on its way, the state in memory is the durable one.

use std::collections::{BTreeMap, BTreeSet};

use domain::message::{MessageState, SegmentState};
use engine::rows::{MessageRow, PartRow};
use engine::{Moving, Standing};

use super::world::World;

/// Compares them, if nothing is on its way.
pub fn memory_is_the_durable_state(world: &World) {
    let store = &world.node.store;
    if store.waiting() > 0 || store.unanswered() > 0 || !world.node.gateway.health().is_ready() {
        return;
    }
    let snapshot = world.node.gateway.snapshot();
    let memory: BTreeMap<u64, &Moving> = snapshot
        .messages
        .iter()
        .map(|message| (message.sequence, message))
        .collect();
    store.with_image(|image| {
        for row in image.messages() {
            same_message(row, memory.get(&row.id.sequence()).copied());
        }
        assert!(
            memory
                .keys()
                .all(|sequence| image.message_row(*sequence).is_some())
        );
        let standing = image.standing_opt_outs();
        let standing: Vec<_> = standing
            .iter()
            .map(|row| (row.short_code, row.subject))
            .collect();
        assert_eq!(snapshot.opt_outs, standing, "opt-outs");
        // What was pruned in memory is pruned on disk in the next round, if its commit came late.
        let keep = world.settings.bounds.unmatched_keep;
        let latest = world.clients.latest.unwrap_or(world.clock.peek());
        let old = latest.saturating_sub(keep);
        let unmatched: Vec<_> = image.unmatched().collect();
        let is_known = |sequence: &u64| unmatched.iter().any(|row| row.sequence == *sequence);
        assert!(
            snapshot.unmatched.iter().all(is_known),
            "receipts in memory only"
        );
        let missing = unmatched
            .iter()
            .find(|row| row.at >= old && !snapshot.unmatched.contains(&row.sequence));
        assert_eq!(missing, None, "receipts on disk only");
        let parts: Vec<_> = image.parts().collect();
        let sealed = |part: &&PartRow| image.vault_of(part.sequence).len() == 2;
        assert!(parts.iter().all(sealed), "a part without its text");
        // No two long messages of a run share a reference.
        let texts: BTreeSet<u16> = parts.iter().map(|part| part.reference).collect();
        assert_eq!(
            snapshot.reassembly_buffers,
            texts.len(),
            "long messages: {parts:?}"
        );
    });
    for (place, waiting) in snapshot.waiting.iter().enumerate() {
        let of_class =
            |row: &&&Moving| row.standing == Standing::InLine && class_of(world, row) == place;
        assert_eq!(
            *waiting,
            memory.values().filter(of_class).count(),
            "the count of class {place}"
        );
    }
    let seen = world.carrier.seen();
    for (bind, used) in &snapshot.windows {
        let outstanding = seen.outstanding.get(bind).map_or(0, Vec::len);
        assert_eq!(usize::from(*used), outstanding, "the window of {bind:?}");
    }
}

fn class_of(world: &World, message: &Moving) -> usize {
    let row = world
        .node
        .store
        .with_image(|image| image.message_row(message.sequence).cloned());
    row.unwrap().head.class.index()
}

fn same_message(row: &MessageRow, memory: Option<&Moving>) {
    let Some(memory) = memory else {
        let moves = |state| matches!(state, SegmentState::Pending | SegmentState::Dispatched);
        let settled = row.state.is_final() || !row.segments.iter().any(|s| moves(s.state()));
        assert!(
            settled,
            "{} is open on disk and not in memory: {row:?}",
            row.id
        );
        return;
    };
    assert_eq!(memory.version, row.version, "{row:?}");
    assert_eq!(memory.state, row.state);
    assert_eq!(memory.segments, row.segments);
    let waits = row
        .segments
        .iter()
        .any(|s| s.state() == SegmentState::Pending);
    let waits = waits && !row.state.is_final();
    assert_eq!(memory.standing == Standing::InLine, waits, "{row:?}");
    if row.state.is_final() {
        assert_eq!(
            row.state,
            MessageState::Unknown,
            "a settled message is forgotten"
        );
    }
}
