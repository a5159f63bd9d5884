//! Messages that wait to be sent, and the moments at which they expire. Clients take turns within a
//! class, short codes take turns within what a carrier takes, and more urgent classes go first.

use std::collections::{BTreeMap, BTreeSet};

use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::limit::fair::{Fair, Front, SHARES, Share};
use domain::sender::ShortCode;
use domain::time::Timestamp;

use crate::settings::Fairness;

mod lane;

use lane::Lane;

/// When a message expires, and its sequence.
type Key = (Timestamp, u64);

/// Whose a message is; `None` is the gateway's own answer to a keyword.
pub(crate) type Owner = Option<ClientId>;

/// Of a class' room that is left, a client may hold so many times as much: alone three quarters of the
/// whole, so that the last quarter is for the others, and two that flood 3/7 each.
const ROOM_SHARE: usize = 3;

/// Sequences of messages with segments that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    codes: BTreeMap<ShortCode, [Lane; 3]>,
    turns: Fair<ShortCode>,
    waiting: [usize; 3],
    /// How many of a class an owner has waiting, under all short codes.
    held: BTreeMap<(TrafficClass, Owner), usize>,
    expiry: BTreeSet<Key>,
}

/// Where in its line a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before all others: it was already at the front once.
    Front,
    /// Behind all others.
    Back,
}

/// What the queue needs to know of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) sequence: u64,
    pub(crate) line: Line,
    pub(crate) expires: Timestamp,
}

/// The line that a message stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) code: ShortCode,
    pub(crate) class: TrafficClass,
    pub(crate) owner: Owner,
}

impl Ticket {
    const fn key(&self) -> Key {
        (self.expires, self.sequence)
    }
}

impl Queue {
    /// How many messages of a class wait.
    pub(crate) fn waiting(&self, class: TrafficClass) -> usize {
        self.waiting.get(class.index()).copied().unwrap_or(0)
    }

    /// Whether nothing waits at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.expiry.is_empty()
    }

    /// Whether a class has no room for one more of this owner's, when it has room for `most`.
    pub(crate) fn is_full(&self, class: TrafficClass, owner: Owner, most: usize) -> bool {
        let held = self.held.get(&(class, owner)).copied().unwrap_or(0);
        let left = most.saturating_sub(self.waiting(class));
        left == 0 || held > left.saturating_mul(ROOM_SHARE)
    }

    /// Whether something of this class may go under this short code without a turn: nothing of it or a
    /// more urgent class waits there, and no less urgent one was passed as often as it may be.
    pub(crate) fn is_clear(&self, code: ShortCode, class: TrafficClass) -> bool {
        let Some(lanes) = self.codes.get(&code) else {
            return true;
        };
        let mut lanes = lanes.iter().zip(SHARES).enumerate();
        lanes.all(|(place, (lane, share))| {
            if place <= class.index() {
                lane.waiting() == 0
            } else {
                !lane.is_owed(share)
            }
        })
    }

    /// Counts segments that went without a turn.
    pub(crate) fn went(&mut self, code: ShortCode, class: TrafficClass, segments: u32) {
        if let Some(lanes) = self.codes.get_mut(&code) {
            for lane in lanes.iter_mut().skip(class.index() + 1) {
                lane.pass(segments);
            }
        }
        self.turns.passed(class, segments);
    }

    /// Whether a message that is at the front may take what is kept for those who do not flood: it is
    /// alone in its line, nothing more urgent waits there, and it is no advertisement.
    pub(crate) fn is_alone(&self, line: Line) -> bool {
        let Some(lanes) = self.codes.get(&line.code) else {
            return true;
        };
        let place = line.class.index();
        let urgent = lanes.iter().take(place).any(|lane| lane.waiting() > 0);
        let own = lanes.get(place).map(|lane| lane.waiting_of(line.owner));
        line.class != TrafficClass::Marketing && !urgent && own.is_none_or(|count| count <= 1)
    }

    /// Puts a message in, unless it is there already.
    pub(crate) fn push(&mut self, ticket: Ticket, place: Place, fairness: &Fairness) {
        if !self.expiry.insert(ticket.key()) {
            return;
        }
        let Line { code, class, owner } = ticket.line;
        let lanes = self.codes.entry(code).or_default();
        let Some(lane) = lanes.get_mut(class.index()) else {
            return;
        };
        lane.push((owner, fairness.weight(owner)), ticket.key(), place);
        self.turns.wait(code, class, lane.weight());
        *self.held.entry((class, owner)).or_default() += 1;
        if let Some(count) = self.waiting.get_mut(class.index()) {
            *count += 1;
        }
    }

    /// The message at the front of a line.
    pub(crate) fn front(&mut self, of: Line) -> Option<u64> {
        let Line { code, class, owner } = of;
        let lane = self.codes.get_mut(&code)?.get_mut(class.index())?;
        lane.front(owner, |key| self.expiry.contains(key))
    }

    /// Takes a message away from the front of its line.
    pub(crate) fn pop(&mut self, line: Line, sequence: u64) {
        if let Some(lane) = self.lane(line.code, line.class) {
            lane.pop(line.owner, sequence);
        }
    }

    /// Counts a message out, wherever in its line it stands.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        if !self.expiry.remove(&ticket.key()) {
            return;
        }
        let Line { code, class, owner } = ticket.line;
        if let Some(count) = self.waiting.get_mut(class.index()) {
            *count = count.saturating_sub(1);
        }
        if let Some(held) = self.held.get_mut(&(class, owner)) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.held.remove(&(class, owner));
            }
        }
        let lanes = self.codes.get_mut(&code);
        if let Some(lane) = lanes.and_then(|lanes| lanes.get_mut(class.index())) {
            lane.leave(owner, |key| self.expiry.contains(key));
        }
    }

    /// Whether a message waits.
    pub(crate) fn holds(&self, ticket: Ticket) -> bool {
        self.expiry.contains(&ticket.key())
    }

    /// Messages whose time is over, at most `most`.
    pub(crate) fn expired(&self, now: Timestamp, most: usize) -> Vec<u64> {
        let due = self
            .expiry
            .iter()
            .take_while(|(expires, _)| *expires <= now);
        due.take(most).map(|(_, sequence)| *sequence).collect()
    }

    /// Whose turn it is of the short codes, for one round of the dispatcher. Nothing is pushed until
    /// [`Queue::return_turns`].
    pub(crate) fn take_turns(&mut self) -> Fair<ShortCode> {
        std::mem::take(&mut self.turns)
    }

    /// Puts back what [`Queue::take_turns`] gave.
    pub(crate) fn return_turns(&mut self, turns: Fair<ShortCode>) {
        self.turns = turns;
    }

    /// Whose turn it is of the owners under a short code; to be put back by [`Queue::return_share`].
    pub(crate) fn take_share(&mut self, code: ShortCode, class: TrafficClass) -> Share<Owner> {
        let lane = self.lane(code, class);
        lane.map(Lane::take_share).unwrap_or_default()
    }

    /// Puts it back, with the segments of the turn that was taken. Gives what the short code has to say.
    pub(crate) fn return_share(
        &mut self,
        (code, class): (ShortCode, TrafficClass),
        share: Share<Owner>,
        turn: Option<u32>,
    ) -> Front {
        let lane = self.lane(code, class);
        lane.map_or(Front::Empty, |lane| lane.return_share(share, turn))
    }

    /// The weights of the owners of what waits under a short code.
    pub(crate) fn weight(&self, code: ShortCode, class: TrafficClass) -> u32 {
        let lane = self.codes.get(&code).and_then(|it| it.get(class.index()));
        lane.map_or(1, Lane::weight)
    }

    fn lane(&mut self, code: ShortCode, class: TrafficClass) -> Option<&mut Lane> {
        self.codes.get_mut(&code)?.get_mut(class.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "12345";

    fn ticket(sequence: u64) -> Ticket {
        ticket_of(sequence, TrafficClass::Alert, None)
    }

    fn ticket_of(sequence: u64, class: TrafficClass, owner: Owner) -> Ticket {
        Ticket {
            sequence,
            line: Line {
                code: ShortCode::parse(CODE).unwrap(),
                class,
                owner,
            },
            expires: Timestamp::from_seconds(sequence),
        }
    }

    fn push(queue: &mut Queue, ticket: Ticket, place: Place) {
        queue.push(ticket, place, &Fairness::default());
    }

    #[test]
    fn a_message_waits_once_and_leaves_once() {
        let mut queue = Queue::default();
        push(&mut queue, ticket(1), Place::Back);
        push(&mut queue, ticket(1), Place::Back);
        push(&mut queue, ticket(2), Place::Back);
        assert_eq!(queue.waiting(TrafficClass::Alert), 2);
        queue.leave(ticket(1));
        queue.leave(ticket(1));
        assert_eq!(queue.waiting(TrafficClass::Alert), 1);
        assert!(!queue.holds(ticket(1)) && queue.holds(ticket(2)));
    }

    #[test]
    fn what_was_at_the_front_goes_back_to_the_front() {
        let mut queue = Queue::default();
        push(&mut queue, ticket(1), Place::Back);
        push(&mut queue, ticket(2), Place::Front);
        let line = ticket(1).line;
        assert_eq!(queue.front(line), Some(2));
        assert!(!queue.is_clear(line.code, TrafficClass::Marketing));
        assert!(queue.is_clear(line.code, TrafficClass::Otp));
    }

    #[test]
    fn places_of_messages_that_left_do_not_pile_up() {
        let mut queue = Queue::default();
        push(&mut queue, ticket(1), Place::Back);
        for sequence in 2..10_000 {
            push(&mut queue, ticket(sequence), Place::Back);
            queue.leave(ticket(sequence));
        }
        let line = ticket(1).line;
        assert!(queue.codes[&line.code][line.class.index()].places() < 100);
        assert_eq!(queue.front(line), Some(1));
    }

    #[test]
    fn a_message_that_leaves_takes_no_place_but_its_own() {
        let mut queue = Queue::default();
        for sequence in 1..=200 {
            push(&mut queue, ticket(sequence), Place::Back);
        }
        // As many places of others as may be kept, so that the next to leave clears them all away.
        for sequence in (2..=200).rev() {
            if queue.waiting(TrafficClass::Alert) > 46 {
                queue.leave(ticket(sequence));
            }
        }
        let mut went = Vec::new();
        while let Some(front) = queue.front(ticket(1).line) {
            queue.leave(ticket(front));
            queue.pop(ticket(front).line, front);
            went.push(front);
        }
        assert_eq!(went, (1..=46).collect::<Vec<u64>>());
        assert!(queue.is_empty() && queue.held.is_empty());
    }

    #[test]
    fn a_less_urgent_class_is_passed_only_so_often_without_a_turn() {
        let mut queue = Queue::default();
        let marketing = ticket_of(1, TrafficClass::Marketing, None);
        push(&mut queue, marketing, Place::Back);
        let code = marketing.line.code;
        for _ in 0..SHARES[2] {
            assert!(queue.is_clear(code, TrafficClass::Otp));
            queue.went(code, TrafficClass::Otp, 1);
        }
        assert!(!queue.is_clear(code, TrafficClass::Otp));
        let share = queue.take_share(code, TrafficClass::Marketing);
        queue.return_share((code, TrafficClass::Marketing), share, Some(1));
        assert!(queue.is_clear(code, TrafficClass::Otp));
    }

    #[test]
    fn no_client_fills_the_whole_room_of_a_class() {
        let mut queue = Queue::default();
        let client = |number| Some(ClientId::new(number, 0));
        let class = TrafficClass::Otp;
        let mut sequence = 0;
        let mut fill = |queue: &mut Queue, owner| {
            let mut count = 0;
            while !queue.is_full(class, owner, 1_000) {
                sequence += 1;
                count += 1;
                push(queue, ticket_of(sequence, class, owner), Place::Back);
            }
            count
        };
        assert_eq!(fill(&mut queue, client(1)), 751);
        assert_eq!(fill(&mut queue, client(2)), 187);
        assert!(queue.is_full(class, client(1), 1_000));
        assert!(!queue.is_full(class, client(3), 1_000));
        assert!(!queue.is_full(TrafficClass::Alert, client(1), 1_000));
    }

    #[test]
    fn only_what_is_alone_and_urgent_takes_what_is_kept() {
        let mut queue = Queue::default();
        let client = |number| Some(ClientId::new(number, 0));
        let of = |sequence, owner| ticket_of(sequence, TrafficClass::Alert, owner);
        push(&mut queue, of(1, client(1)), Place::Back);
        push(&mut queue, of(2, client(2)), Place::Back);
        push(&mut queue, of(3, client(2)), Place::Back);
        assert!(queue.is_alone(of(1, client(1)).line));
        assert!(!queue.is_alone(of(2, client(2)).line), "it has a backlog");
        let marketing = ticket_of(4, TrafficClass::Marketing, client(3));
        push(&mut queue, marketing, Place::Back);
        assert!(!queue.is_alone(marketing.line));
        push(
            &mut queue,
            ticket_of(5, TrafficClass::Otp, client(2)),
            Place::Back,
        );
        assert!(!queue.is_alone(of(1, client(1)).line), "a code waits");
    }

    #[test]
    fn expired_messages_are_found_oldest_first() {
        let mut queue = Queue::default();
        for sequence in [5, 3, 9] {
            push(&mut queue, ticket(sequence), Place::Back);
        }
        assert_eq!(queue.expired(Timestamp::from_seconds(5), 10), [3, 5]);
    }
}
