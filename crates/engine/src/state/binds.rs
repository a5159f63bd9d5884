//! What the engine knows of the binds to carriers: which are up, how full their windows are, how
//! fast they may go and whether they rest.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::message::CarrierName;
use domain::pace::{Pacer, Rate};
use domain::sender::ShortCode;
use domain::time::Timestamp;

use super::State;
use crate::dispatch::Planned;
use crate::ports::carrier::{BindId, Direction, Token};
use crate::settings::{BindSettings, CarrierSettings, CodeSettings, Settings, Unit};

/// One bind.
#[derive(Debug)]
pub(crate) struct Bind {
    /// What it carries while it is up.
    pub(crate) up: Option<Direction>,
    /// Dispatches without an answer; they outlive the connection, and a rebuilding of the state.
    pub(crate) open: BTreeSet<Token>,
    pacer: Pacer,
    rest_until: Timestamp,
    /// How long that rest was when it began.
    rest_span: Duration,
    rest: Duration,
}

impl Bind {
    pub(crate) const fn down() -> Self {
        Self {
            up: None,
            open: BTreeSet::new(),
            pacer: Pacer::new(),
            rest_until: Timestamp::EPOCH,
            rest_span: Duration::ZERO,
            rest: Duration::ZERO,
        }
    }

    /// Segments without an answer.
    pub(crate) fn window_used(&self) -> u16 {
        u16::try_from(self.open.len()).unwrap_or(u16::MAX)
    }

    /// Whether it can carry messages to handsets at all now.
    pub(crate) const fn transmits(&self) -> bool {
        matches!(self.up, Some(Direction::Transmit | Direction::Both))
    }

    /// Rests after the carrier said that we are too fast: longer each time, from `first` to `most`.
    pub(crate) fn throttle(&mut self, carrier: &CarrierSettings, now: Timestamp) {
        let first = carrier.throttle_pause;
        // A rest that still runs is not a new lesson: the other answers of the same window.
        if self.is_resting(now) {
            return;
        }
        self.rest = (self.rest * 2).clamp(first, carrier.throttle_pause_max.max(first));
        self.begin_rest(self.rest, now);
    }

    /// Rests a moment after a temporary failure, without learning.
    pub(crate) fn pause(&mut self, duration: Duration, now: Timestamp) {
        if !self.is_resting(now) || self.rest_until < now.saturating_add(duration) {
            self.begin_rest(duration, now);
        }
    }

    fn begin_rest(&mut self, span: Duration, now: Timestamp) {
        self.rest_until = now.saturating_add(span);
        self.rest_span = span;
    }

    /// Whether a rest still runs. One that lies further ahead than it was ever long is from before the
    /// clock was set back, and is over.
    fn is_resting(&self, now: Timestamp) -> bool {
        self.rest_until > now && self.rest_until.since(now) <= self.rest_span + CLOCK_SLACK
    }

    /// The carrier takes messages again.
    pub(crate) const fn recovered(&mut self) {
        self.rest = Duration::ZERO;
    }

    fn free(&mut self, settings: &BindSettings, claim: Claim, now: Timestamp) -> u16 {
        if self.is_resting(now) {
            return 0;
        }
        let window = settings.window_max.saturating_sub(self.window_used());
        let rate = rate(settings);
        let pace = self.pacer.available(rate, now);
        let pace = pace.saturating_sub(claim.leaves(rate));
        window.min(u16::try_from(pace).unwrap_or(u16::MAX))
    }

    fn next(&self, settings: &BindSettings, claim: Claim) -> Option<Timestamp> {
        let has_window = self.window_used() < settings.window_max;
        let rate = rate(settings);
        let next = || self.pacer.next(rate, claim.leaves(rate));
        (self.transmits() && has_window).then(|| self.rest_until.max(next()))
    }
}

/// How much of the pace a message may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    /// What more than is kept: it is an advertisement, or others of its client wait behind it.
    Backlog,
    /// All that is there.
    Whole,
}

/// One part in so many of each burst is kept for messages of those who have no backlog, so that they
/// need not wait for the pace behind those who have. What is kept is given back first.
const KEPT_SHARE: u32 = 8;

impl Claim {
    /// Segments of the burst that it leaves for others.
    fn leaves(self, rate: Rate) -> u32 {
        match self {
            Self::Backlog => rate.burst() / KEPT_SHARE,
            Self::Whole => 0,
        }
    }
}

/// Readings of the clock by different threads may differ by as much.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

fn rate(settings: &BindSettings) -> Rate {
    Rate::new(settings.mps, settings.burst)
}

fn code_rate(settings: &CodeSettings) -> Rate {
    Rate::new(settings.mps, settings.burst)
}

impl State {
    /// Which bind takes how many of `wanted` segments from a short code now: the first carrier of
    /// the route that has a bind up, on its emptiest bind, as its window and both paces allow.
    pub(crate) fn room(
        &mut self,
        settings: &Settings,
        (code, wanted): (ShortCode, u16),
        claim: Claim,
        now: Timestamp,
    ) -> Option<(BindId, u16)> {
        let code_settings = settings.short_codes.get(&code)?;
        let carrier = self.carrier_of(code_settings)?.clone();
        let pacer = self.codes.entry(code).or_default();
        let rate = code_rate(code_settings);
        let pace = pacer.available(rate, now);
        let pace = pace.saturating_sub(claim.leaves(rate));
        let pace = u16::try_from(pace).unwrap_or(u16::MAX);
        let (bind, free) = self.emptiest(settings, &carrier, claim, now)?;
        let room = pace.min(free);
        let count = match settings.unit(&carrier) {
            Unit::Segment => wanted.min(room),
            // A message cannot be divided here: what it takes beyond the pace is waited for behind it.
            Unit::Message if room > 0 => wanted,
            Unit::Message => 0,
        };
        (count > 0).then_some((bind, count))
    }

    /// Takes the room that [`State::room`] found.
    pub(crate) fn take(
        &mut self,
        settings: &Settings,
        code: ShortCode,
        planned: &Planned,
        now: Timestamp,
    ) {
        let count = planned.entry().segments;
        if let (Some(pacer), Some(code)) =
            (self.codes.get_mut(&code), settings.short_codes.get(&code))
        {
            pacer.take(code_rate(code), u32::from(count), now);
        }
        let bind = &planned.bind;
        if let (Some(state), Some(settings)) = (self.binds.get_mut(bind), settings.bind(bind)) {
            state
                .open
                .extend(planned.segments.iter().map(|segment| segment.token));
            state.pacer.take(rate(settings), u32::from(count), now);
        }
    }

    /// Whether a carrier still has to answer this dispatch.
    pub(crate) fn is_unanswered(&self, token: Token) -> bool {
        self.binds.values().any(|bind| bind.open.contains(&token))
    }

    /// When a short code that has no room for a claim now may have some again without anything else
    /// happening.
    pub(crate) fn next_room(
        &self,
        settings: &Settings,
        code: ShortCode,
        claim: Claim,
    ) -> Option<Timestamp> {
        let code_settings = settings.short_codes.get(&code)?;
        let carrier = self.carrier_of(code_settings)?;
        let rate = code_rate(code_settings);
        let own = self.codes.get(&code)?.next(rate, claim.leaves(rate));
        let binds = self.binds.iter().filter(|(id, _)| id.carrier == *carrier);
        let next = |(id, bind): (&BindId, &Bind)| bind.next(settings.bind(id)?, claim);
        binds.filter_map(next).min().map(|bind| bind.max(own))
    }

    fn carrier_of<'a>(&self, code: &'a CodeSettings) -> Option<&'a CarrierName> {
        let is_up = |name: &&CarrierName| {
            self.binds
                .iter()
                .any(|(id, bind)| id.carrier == **name && bind.transmits())
        };
        code.route.iter().find(is_up)
    }

    fn emptiest(
        &mut self,
        settings: &Settings,
        carrier: &CarrierName,
        claim: Claim,
        now: Timestamp,
    ) -> Option<(BindId, u16)> {
        let mut best: Option<(&BindId, u16)> = None;
        for (id, bind) in &mut self.binds {
            if id.carrier != *carrier || !bind.transmits() {
                continue;
            }
            let free = settings
                .bind(id)
                .map_or(0, |settings| bind.free(settings, claim, now));
            if free > best.map_or(0, |(_, most)| most) {
                best = Some((id, free));
            }
        }
        best.map(|(id, free)| (id.clone(), free))
    }
}
