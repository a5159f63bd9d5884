//! The pumping guard: refuses to send codes that nobody is going to use. Fraudsters make an application
//! send codes to numbers whose carriers pay them; such codes are not typed in, and their numbers lie
//! close together. The guard sees every send and every verification, keeps bounded counts of
//! both, and judges the next send by them.
//!
//! It is a detector with bounded memory and not a limit: it counts in quarters, hours and days, and a window
//! holds up to one step more than its name says.

mod adjacency;
mod blocks;
mod finding;
mod history;
mod places;
mod policy;
mod safe_list;
mod shared;
mod snapshot;
mod table;

use core::fmt;
use core::time::Duration;

pub use blocks::BlockState;
pub use finding::{
    BlockNews, Country, Evidence, Finding, NoPrefix, Prefix, PrefixStats, Reach, Reason, Verdict,
};
pub use history::Count;
pub use policy::{Adjacent, Mode, PumpingPolicy, Threshold};
pub use safe_list::{SafeList, SafeListError};
pub use snapshot::Snapshot;

use self::adjacency::Neighbours;
use self::blocks::{Blocks, Standing, Trial};
use self::history::{DAYS, Event, HOUR, HOURS, History, OPEN, Window};
use self::places::{Pile, Places, Proof};
use self::shared::Shared;
use crate::id::ClientId;
use crate::msisdn::Msisdn;
use crate::time::Timestamp;

/// The most pairs of client and country that are counted: 64 clients that send everywhere. About 5 MB.
const COUNTRIES_MAX: usize = 16_384;

/// A send that is asked about, or a verification that succeeded.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Whose it is.
    pub client: ClientId,
    /// The number.
    pub to: Msisdn,
}

/// The counts of a pair of client and country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountryStats {
    /// Whose they are.
    pub client: ClientId,
    /// Where to.
    pub country: Country,
    /// In the last hour.
    pub hour: Count,
    /// In the last 24 hours.
    pub day: Count,
}

/// The guard. `Debug` shows how much it holds and nothing of it.
#[derive(Clone)]
pub struct PumpingGuard {
    countries: Shared<(ClientId, Country), History>,
    places: Places,
    neighbours: Neighbours,
    blocks: Blocks,
    /// The latest moment it was told: a clock that goes back does not go back here.
    latest: Timestamp,
}

impl PumpingGuard {
    /// Judges a send, and counts it if it goes ahead. A new block is noted. Nothing is taken back when
    /// the commit that follows fails. Call it once for each verification: resends have their own
    /// budget, would only look like codes that nobody used, and are [judged](Self::judge_again) alone.
    pub fn consider(&mut self, ask: Ask, policy: &PumpingPolicy, now: Timestamp) -> Verdict {
        let verdict = self.judge(ask, policy, now);
        if !matches!(verdict, Verdict::Refuse(_)) {
            self.sent(ask, policy, now);
        }
        verdict
    }

    /// Judges a send without counting it, for whoever has still other questions to ask. A new block is
    /// noted. What goes ahead then is told by [`PumpingGuard::sent`].
    pub fn judge(&mut self, ask: Ask, policy: &PumpingPolicy, now: Timestamp) -> Verdict {
        let now = self.tick(now);
        if policy.safe_list.holds(ask.to) {
            return Verdict::Clear;
        }
        let Some(finding) = self.find(ask, Country::of(ask.to), policy, now) else {
            return Verdict::Clear;
        };
        self.verdict(ask, finding, policy.mode)
    }

    /// Judges a code that is sent once more: it was judged and counted when it was sent first, so only a
    /// block of its prefix speaks against it.
    pub fn judge_again(&mut self, ask: Ask, policy: &PumpingPolicy, now: Timestamp) -> Verdict {
        let now = self.tick(now);
        let (country, prefix) = (Country::of(ask.to), Prefix::of(ask.to));
        if policy.safe_list.holds(ask.to) {
            return Verdict::Clear;
        }
        let Some(news) = self.blocks.standing_block((prefix, ask.client), now) else {
            return Verdict::Clear;
        };
        let place = Place { country, prefix };
        let finding = self.against_prefix(place, Reason::PrefixBlocked, now);
        self.verdict(ask, finding.with(news), policy.mode)
    }

    fn verdict(&mut self, ask: Ask, finding: Finding, mode: Mode) -> Verdict {
        match mode {
            Mode::Record => Verdict::Shadow(finding),
            Mode::Enforce => {
                self.blocks.refused((Prefix::of(ask.to), ask.client));
                Verdict::Refuse(finding)
            }
        }
    }

    /// Counts a send that goes ahead. Gives whether it counts: what is on the safe list does not.
    pub fn sent(&mut self, ask: Ask, policy: &PumpingPolicy, now: Timestamp) -> bool {
        if policy.safe_list.holds(ask.to) {
            return false;
        }
        self.recount(ask, now);
        true
    }

    /// Counts a send again that was counted before a restart.
    pub fn recount(&mut self, ask: Ask, now: Timestamp) {
        let now = self.tick(now);
        self.count(ask, Country::of(ask.to), now);
    }

    /// Puts a block back that began before a restart.
    pub fn block_again(&mut self, prefix: Prefix, block: BlockState, now: Timestamp) {
        let now = self.tick(now);
        self.blocks.put(prefix, block, now);
    }

    /// A verification of this client and number succeeded.
    pub fn verified(&mut self, ask: Ask, now: Timestamp) {
        let now = self.tick(now);
        let (country, prefix) = (Country::of(ask.to), Prefix::of(ask.to));
        self.note(ask, country, Event::Verified, now);
        self.neighbours.verified(ask);
        self.blocks.verified((prefix, ask.client), now);
    }

    /// Forgets that a number waits for its first success, for every client. Counts stay: they name nobody.
    /// Gives whether one did.
    pub fn forget(&mut self, number: Msisdn) -> bool {
        self.neighbours.forget(number)
    }

    /// Ends the block of a prefix, if there is one, with all that is held against it.
    pub fn release(&mut self, prefix: Prefix) {
        self.blocks.release(prefix);
        self.places.release(prefix);
    }

    /// Everything that would be refused for its prefix now, and how it came to that.
    pub fn blocks(&self, now: Timestamp) -> Vec<(Prefix, BlockState)> {
        self.blocks.standing(self.moment(now))
    }

    /// What is counted for each client and country.
    pub fn stats(&self, now: Timestamp) -> Vec<CountryStats> {
        let now = self.moment(now);
        let rows = self.countries.iter();
        rows.map(|((client, country), history)| CountryStats {
            client: *client,
            country: *country,
            hour: history.over(HOUR, now),
            day: history.over(HOURS, now),
        })
        .collect()
    }

    /// What is counted for each prefix.
    pub fn prefixes(&self, now: Timestamp) -> Vec<PrefixStats> {
        self.places.stats(self.moment(now))
    }

    /// The block of a prefix: one that stands, or whose trial goes on.
    pub fn block_of(&self, prefix: Prefix) -> Option<BlockState> {
        self.blocks.state_of(prefix)
    }

    /// Sends, verifications and blocks that were not counted because a table was full of rows that each tell
    /// much. While it grows, only what was seen before is judged by its prefix or country.
    pub const fn uncounted(&self) -> u64 {
        self.countries
            .turned_away()
            .saturating_add(self.places.turned_away())
            .saturating_add(self.neighbours.turned_away())
            .saturating_add(self.blocks.turned_away())
    }

    /// The latest moment it was told. Time goes on from there after a restart, or nothing would ever be over.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    fn moment(&self, now: Timestamp) -> Timestamp {
        now.max(self.latest)
    }

    fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.moment(now);
        self.latest
    }

    fn count(&mut self, ask: Ask, country: Country, now: Timestamp) {
        self.note(ask, country, Event::Sent, now);
        self.neighbours.sent(ask, now);
        self.blocks.sent((Prefix::of(ask.to), ask.client), now);
    }

    fn note(&mut self, ask: Ask, country: Country, event: Event, now: Timestamp) {
        let pair = (ask.client, country);
        if let Some(history) = self.countries.entry(pair, COUNTRIES_MAX, now) {
            history.add(event, now);
        }
        let place = (Prefix::of(ask.to), ask.client);
        self.places.note(place, event, now);
    }

    /// The first thing that speaks against a send, most exact first.
    fn find(
        &mut self,
        ask: Ask,
        country: Country,
        policy: &PumpingPolicy,
        now: Timestamp,
    ) -> Option<Finding> {
        let prefix = Prefix::of(ask.to);
        let place = Place { country, prefix };
        let own = (prefix, ask.client);
        if let Some(news) = self.blocks.standing_block(own, now) {
            return Some(
                self.against_prefix(place, Reason::PrefixBlocked, now)
                    .with(news),
            );
        }
        match self.blocks.trial(own, now) {
            Trial::Failed(block) => {
                return Some(self.blocking(place, (block.reason, block.client), policy, now));
            }
            Trial::Awaited => return Some(self.against_prefix(place, Reason::PrefixBlocked, now)),
            Trial::Goes => {}
        }
        let standing = self.blocks.standing_of(own, now);
        if let Some(numbers) = self.neighbours.too_close(ask, policy.adjacent, now) {
            let day = self.places.over(prefix, HOURS, now);
            let reason = Reason::AdjacentNumbers;
            // A range whose codes are used otherwise is not shut for a few numbers of it.
            let finding = if standing == Standing::Free && policy.prefix_conversion_is_poor(day) {
                self.blocking(place, (reason, Some(ask.client)), policy, now)
            } else {
                self.against_prefix(place, reason, now)
            };
            return Some(finding.with_numbers(numbers));
        }
        // On trial the codes of before the block count no more, or the block would never end.
        let pile = (standing == Standing::Free)
            .then(|| self.places.piled(own, policy, now))
            .flatten();
        if let Some(pile) = pile {
            return Some(self.concentration(place, pile, policy, now));
        }
        self.poor_conversion(ask.client, place, policy, now)
    }

    /// A finding about the last day of a prefix.
    fn against_prefix(&self, place: Place, reason: Reason, now: Timestamp) -> Finding {
        let day = self.places.over(place.prefix, HOURS, now);
        let evidence = Evidence::new(place.country, HOURS.span(), day, 0);
        Finding::new(reason, evidence.about(place.prefix))
    }

    /// The same, and the prefix is blocked from now on, for a client or for all.
    fn blocking(
        &mut self,
        place: Place,
        (reason, client): (Reason, Option<ClientId>),
        policy: &PumpingPolicy,
        now: Timestamp,
    ) -> Finding {
        let length = Duration::from_secs(policy.block_seconds);
        let finding = self.against_prefix(place, reason, now);
        let news = self
            .blocks
            .begin((place.prefix, client), reason, length, now);
        finding.with(news)
    }

    /// Too much to one prefix that nobody uses. The prefix is blocked once enough of the codes have ended;
    /// before that the person whose code is on its way may still type it in, and it is only not sent.
    fn concentration(
        &mut self,
        place: Place,
        pile: Pile,
        policy: &PumpingPolicy,
        now: Timestamp,
    ) -> Finding {
        let reason = Reason::PrefixConcentration;
        let finding = match pile.proof {
            Proof::Ended => self.blocking(place, (reason, pile.client), policy, now),
            Proof::Open => self.against_prefix(place, reason, now),
        };
        let evidence = Evidence::new(place.country, pile.window.span(), pile.used, pile.allowed);
        Finding {
            evidence: evidence.about(place.prefix),
            ..finding
        }
    }

    /// Too much from one client to one country that nobody uses, unless the prefix itself does well: an
    /// attack must not shut out a whole country.
    fn poor_conversion(
        &self,
        client: ClientId,
        place: Place,
        policy: &PumpingPolicy,
        now: Timestamp,
    ) -> Option<Finding> {
        let history = self.countries.get(&(client, place.country))?;
        let found = too_many_unused(history, policy, now)?;
        let (window, used, allowed) = found;
        let found = Evidence::new(place.country, window.span(), used, allowed);
        let own = self.places.own((place.prefix, client), DAYS, now);
        let all = self.places.over(place.prefix, DAYS, now);
        let is_spared = policy.vouches(own) || policy.vouches(all);
        (!is_spared).then(|| Finding::new(Reason::PoorConversion, found))
    }
}

/// The window with too many unused codes of a client to a country, what was sent and used in it, and how many
/// it allows. Codes that can still be typed in count only when those that have ended speak against them;
/// there may be no more than so many of them all the same.
fn too_many_unused(
    history: &History,
    policy: &PumpingPolicy,
    now: Timestamp,
) -> Option<(Window, Count, u32)> {
    let most = history.most_verified(now);
    let today = most.max(history.over(HOURS, now).verified);
    let in_an_hour = (most / 6).max(history.over(HOUR, now).verified);
    let distrusts = policy.distrusts(history, now);
    let held = |window| {
        if distrusts {
            history.over(window, now)
        } else {
            history.ended(window, now)
        }
    };
    let windows = [
        (HOURS, policy.country_day, held(HOURS), today),
        (HOUR, policy.country_hour, held(HOUR), in_an_hour),
        (
            OPEN,
            policy.country_open,
            history.over(OPEN, now),
            in_an_hour,
        ),
    ];
    let mut windows = windows.into_iter();
    windows.find_map(|(window, threshold, used, baseline)| {
        let allowed = threshold.allowed(baseline);
        threshold
            .is_exceeded(used, allowed)
            .then_some((window, used, allowed))
    })
}

/// Where a send goes.
#[derive(Clone, Copy)]
struct Place {
    country: Country,
    prefix: Prefix,
}

impl Default for PumpingGuard {
    /// Nothing seen.
    fn default() -> Self {
        Self {
            countries: Shared::default(),
            places: Places::default(),
            neighbours: Neighbours::default(),
            blocks: Blocks::default(),
            latest: Timestamp::EPOCH,
        }
    }
}

impl fmt::Debug for PumpingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (countries, prefixes) = (self.countries.len(), self.places.len());
        write!(
            f,
            "PumpingGuard({countries} countries, {prefixes} prefixes)"
        )
    }
}

#[cfg(test)]
mod tests;
