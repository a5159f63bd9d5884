//! A picture of the state in memory, for comparing it with the durable one. Nothing personal is in it:
//! sequences, states and blind indexes only.

use domain::class::TrafficClass;
use domain::message::{MessageState, Segment};
use domain::sender::ShortCode;

use crate::dispatch::ticket;
use crate::gateway::Gateway;
use crate::keys::Blind;
use crate::ports::carrier::BindId;

/// Whether a message stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits to be sent, in a line.
    InLine,
    /// It is in no line.
    Out,
}

/// One message in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    /// The sequence of its id.
    pub sequence: u64,
    /// Its version.
    pub version: u32,
    /// Where it stands.
    pub state: MessageState,
    /// The facts of its segments.
    pub segments: Vec<Segment>,
    /// Whether it stands in a line.
    pub standing: Standing,
}

/// The state in memory at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Messages, oldest first.
    pub messages: Vec<Moving>,
    /// Messages counted as waiting, by [`TrafficClass::index`].
    pub waiting: [usize; 3],
    /// Unanswered segments of each bind.
    pub windows: Vec<(BindId, u16)>,
    /// Sequences of the receipts without a segment, oldest first.
    pub unmatched: Vec<u64>,
    /// The opt-outs that stand, sorted.
    pub opt_outs: Vec<(ShortCode, Blind)>,
    /// Long inbound messages that wait for parts.
    pub reassembly_buffers: usize,
}

impl Gateway {
    /// The state in memory. It is ahead of the durable one by the commits on their way.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let moving = |open: &crate::state::Open| Moving {
            sequence: open.id.sequence(),
            version: open.version,
            state: open.state,
            segments: open.segments.clone(),
            standing: if state.queue.holds(ticket(open)) {
                Standing::InLine
            } else {
                Standing::Out
            },
        };
        let mut messages: Vec<Moving> = state.messages.values().map(moving).collect();
        messages.sort_unstable_by_key(|message| message.sequence);
        let mut opt_outs: Vec<(ShortCode, Blind)> = state.opt_outs.keys().copied().collect();
        opt_outs.sort_unstable();
        let windows = state.binds.iter();
        Snapshot {
            messages,
            waiting: TrafficClass::ALL.map(|class| state.queue.waiting(class)),
            windows: windows
                .map(|(id, bind)| (id.clone(), bind.window_used()))
                .collect(),
            unmatched: state.unmatched.sequences(),
            opt_outs,
            reassembly_buffers: state.parts.buffers(),
        }
    }
}
