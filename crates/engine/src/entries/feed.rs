//! Entries of events out: how many were told, how far that is, and what was given up. No payload is in any.

use domain::id::ClientId;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, Shown};

use crate::batch::sound;
use crate::feed::{Addressee, DeadLetter, Event};

/// What became of events since progress was kept last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Events that were told.
    pub(crate) told: u64,
    /// Tries that failed.
    pub(crate) failed: u64,
    /// Events that were told with a number or a text.
    pub(crate) opened: u64,
    /// Whether entries were pruned before they were looked at.
    pub(crate) is_torn: bool,
}

impl Report {
    /// Whether nothing happened.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Takes in what another says.
    pub(crate) fn add(&mut self, other: Self) {
        self.told += other.told;
        self.failed += other.failed;
        self.opened += other.opened;
        self.is_torn |= other.is_torn;
    }
}

/// `events.told`: since the last such entry of this receiver. `place` is the entry that is looked at next,
/// and how many events wait.
pub(crate) fn told(
    who: &Addressee,
    client: ClientId,
    report: Report,
    (next, waiting): (u64, usize),
) -> Draft {
    let data = Facts::new()
        .put("failed", report.failed)
        .put("next", next)
        .put("opened", report.opened)
        .put("told", report.told)
        .put("waiting", waiting);
    let outcome = if report.is_torn {
        Outcome::Failed
    } else {
        Outcome::Done
    };
    let name = who.object_id();
    let mut draft = Draft::of(Kind::EventsTold, Actor::system(&"events"), outcome)
        .client(&client)
        .object(who.object(), &name)
        .origin(OriginType::Process, &"self")
        .data(data);
    if report.is_torn {
        draft = draft.reason("pruned");
    }
    sound(draft.build())
}

/// `events.dead`: an event was given up.
pub(crate) fn dead(who: &Addressee, client: ClientId, event: &Event, letter: &DeadLetter) -> Draft {
    let data = Facts::new()
        .put("attempts", u16::from(letter.attempts))
        .put("event", Shown(&event.id))
        .put("index", letter.index)
        .put("type", event.event_type.as_str());
    let name = who.object_id();
    let draft = Draft::of(Kind::EventsDead, Actor::system(&"events"), Outcome::Failed)
        .client(&client)
        .object(who.object(), &name)
        .origin(OriginType::Process, &"self")
        .reason(&letter.reason)
        .data(data);
    sound(draft.build())
}
