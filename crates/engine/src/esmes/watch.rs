//! Who failed to bind, and for how long that one is shut out. In memory only and bounded; what is counted
//! over restarts are the limits on binds. Time is that of a clock that nobody sets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use domain::system_id::SystemId;

use crate::coalesce::coarse;
use crate::settings::DoorSettings;

/// As many are watched. Beyond it, newcomers are watched together.
const WATCHED_MAX: usize = 10_000;

/// A network as a whole, and an account as a whole, may fail so many times as often as one pair of them.
const WHOLE: u32 = 4;

/// The answer to the first failure comes after so long; that to each further one after twice as long.
const PAUSE: Duration = Duration::from_millis(250);

/// But after no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Watched {
    /// A network under one name, known or not.
    Pair(IpAddr, Box<[u8]>),
    /// A network under any name.
    Network(IpAddr),
    /// An account, from wherever it may bind.
    Account(SystemId),
    /// All that found the table full.
    Rest,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    /// Since the last ban.
    count: u32,
    bans: u32,
    last: Duration,
    until: Duration,
}

impl Failures {
    /// Whether they count no more: the longest ban has passed since the last of them, and since the last ban.
    fn is_stale(&self, door: &DoorSettings, now: Duration) -> bool {
        now.saturating_sub(self.last.max(self.until)) >= door.ban_max
    }
}

/// An attempt to bind, as far as it is watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) source: IpAddr,
    /// The name that was given, known or not.
    pub(super) name: &'a [u8],
    /// The account, when it may bind from there: strangers cannot have it shut out.
    pub(super) account: Option<&'a SystemId>,
}

impl Attempt<'_> {
    fn watched(&self) -> impl Iterator<Item = (Watched, u32)> {
        let network = coarse(self.source);
        let pair = Watched::Pair(network, self.name.into());
        let account = self.account.map(|id| (Watched::Account(id.clone()), WHOLE));
        [(pair, 1), (Watched::Network(network), WHOLE)]
            .into_iter()
            .chain(account)
    }
}

/// Everybody who failed of late.
#[derive(Debug, Default)]
pub(super) struct Watch(HashMap<Watched, Failures>);

impl Watch {
    /// Whether an attempt is not even looked at.
    pub(super) fn is_banned(&self, attempt: &Attempt<'_>, now: Duration) -> bool {
        let is_out = |watched: &Watched| self.0.get(watched).is_some_and(|kept| kept.until > now);
        // Whoever may bind as an account is never watched with strangers.
        let with_rest = attempt.account.is_none() && self.is_filled();
        attempt.watched().any(|(watched, _)| is_out(&watched))
            || (with_rest && is_out(&Watched::Rest))
    }

    /// Counts a failure. Returns how long its answer waits.
    pub(super) fn failed(
        &mut self,
        attempt: &Attempt<'_>,
        door: &DoorSettings,
        now: Duration,
    ) -> Duration {
        let mut worst = 0;
        for (watched, times) in attempt.watched() {
            let kept = self.entry(watched, door, now);
            if kept.is_stale(door, now) {
                *kept = Failures::default();
            }
            kept.last = now;
            kept.count = kept.count.saturating_add(1);
            if times == 1 {
                worst = kept.count;
            }
            if kept.count >= door.failures_max.saturating_mul(times) {
                kept.until = now.saturating_add(ban(door, kept.bans));
                kept.bans = kept.bans.saturating_add(1);
                kept.count = 0;
            }
        }
        doubled(worst)
    }

    /// How long the answer to a failure would wait, without counting one.
    pub(super) fn pause(
        &self,
        attempt: &Attempt<'_>,
        door: &DoorSettings,
        now: Duration,
    ) -> Duration {
        let pair = attempt.watched().find(|(_, times)| *times == 1);
        let kept = pair.and_then(|(pair, _)| {
            let kept = self.0.get(&pair);
            kept.or_else(|| self.0.get(&Watched::Rest).filter(|_| self.is_filled()))
        });
        let kept = kept.filter(|kept| !kept.is_stale(door, now));
        doubled(kept.map_or(0, |kept| kept.count).saturating_add(1))
    }

    /// Forgets the failures of an account that has bound, and of its network under its name.
    pub(super) fn succeeded(&mut self, attempt: &Attempt<'_>) {
        for (watched, _) in attempt.watched() {
            if !matches!(watched, Watched::Network(_)) {
                self.0.remove(&watched);
            }
        }
    }

    fn entry(&mut self, watched: Watched, door: &DoorSettings, now: Duration) -> &mut Failures {
        // There are no more accounts than are configured.
        let has_place = matches!(watched, Watched::Account(_));
        if self.is_filled() && !has_place && !self.0.contains_key(&watched) {
            self.0.retain(|_, kept| !kept.is_stale(door, now));
            if self.is_filled() {
                return self.0.entry(Watched::Rest).or_default();
            }
        }
        self.0.entry(watched).or_default()
    }

    fn is_filled(&self) -> bool {
        self.0.len() >= WATCHED_MAX
    }
}

/// How long the answer to the failure of this number waits.
fn doubled(failure: u32) -> Duration {
    let doubled = PAUSE.saturating_mul(1_u32 << failure.saturating_sub(1).min(8));
    doubled.min(PAUSE_MAX)
}

/// How long the next ban is.
fn ban(door: &DoorSettings, before: u32) -> Duration {
    door.ban
        .saturating_mul(1_u32 << before.min(16))
        .min(door.ban_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn attempt(name: &[u8]) -> Attempt<'_> {
        Attempt {
            source: HOME,
            name,
            account: None,
        }
    }

    fn fail(watch: &mut Watch, attempt: &Attempt<'_>, times: u32, now: Duration) {
        for _ in 0..times {
            watch.failed(attempt, &DoorSettings::default(), now);
        }
    }

    #[test]
    fn a_name_that_keeps_failing_is_shut_out_for_longer_and_longer() {
        let (mut watch, esme) = (Watch::default(), attempt(b"esme1"));
        fail(&mut watch, &esme, 4, SECOND);
        assert!(!watch.is_banned(&esme, SECOND));
        fail(&mut watch, &esme, 1, SECOND);
        assert!(watch.is_banned(&esme, SECOND * 60));
        assert!(!watch.is_banned(&esme, SECOND * 61));
        fail(&mut watch, &esme, 5, SECOND * 61);
        assert!(watch.is_banned(&esme, SECOND * 180), "twice as long");
        assert!(!watch.is_banned(&attempt(b"esme2"), SECOND * 180));
    }

    #[test]
    fn who_fails_on_after_the_longest_ban_gets_the_longest_again() {
        let (mut watch, esme) = (Watch::default(), attempt(b"esme1"));
        let longest = DoorSettings::default().ban_max;
        let mut now = SECOND;
        for _ in 0..10 {
            fail(&mut watch, &esme, 5, now);
            now += longest;
        }
        fail(&mut watch, &esme, 5, now);
        assert!(watch.is_banned(&esme, now + longest.saturating_sub(SECOND)));
        let calm = now + longest + longest;
        fail(&mut watch, &esme, 5, calm);
        assert!(!watch.is_banned(&esme, calm + SECOND * 60), "it was calm");
    }

    #[test]
    fn who_tries_many_names_has_his_network_shut_out() {
        let mut watch = Watch::default();
        for name in 0..20_u8 {
            fail(&mut watch, &attempt(&[b'a' + name]), 1, SECOND);
        }
        assert!(watch.is_banned(&attempt(b"esme1"), SECOND));
        let elsewhere = Attempt {
            source: "192.0.2.7".parse().unwrap(),
            ..attempt(b"esme1")
        };
        assert!(!watch.is_banned(&elsewhere, SECOND));
    }

    #[test]
    fn an_account_is_shut_out_by_those_alone_who_may_bind_as_it() {
        let id = SystemId::parse("esme1").unwrap();
        let mut watch = Watch::default();
        for host in 0..20_u8 {
            let stranger = Attempt {
                source: IpAddr::from([192, 0, 2, host]),
                ..attempt(b"esme1")
            };
            fail(&mut watch, &stranger, 1, SECOND);
        }
        let owner = Attempt {
            account: Some(&id),
            ..attempt(b"esme1")
        };
        assert!(!watch.is_banned(&owner, SECOND));
        for host in 0..20_u8 {
            let near = Attempt {
                source: IpAddr::from([10, 0, 0, host]),
                ..owner
            };
            fail(&mut watch, &near, 1, SECOND);
        }
        assert!(watch.is_banned(&owner, SECOND));
    }

    #[test]
    fn answers_to_failures_come_later_and_later() {
        let (mut watch, esme) = (Watch::default(), attempt(b"esme1"));
        let door = DoorSettings {
            failures_max: 100,
            ..DoorSettings::default()
        };
        let fails = |_: u32| {
            let foretold = watch.pause(&esme, &door, SECOND);
            assert_eq!(
                foretold,
                watch.pause(&esme, &door, SECOND),
                "nothing is counted"
            );
            let pause = watch.failed(&esme, &door, SECOND);
            assert_eq!(pause, foretold);
            pause.as_millis()
        };
        let pauses: Vec<_> = (0..6).map(fails).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 4_000]);
    }

    #[test]
    fn what_is_watched_is_bounded_and_the_rest_is_watched_together() {
        let mut watch = Watch::default();
        for host in 0..20_000_u32 {
            let source = IpAddr::from(host.to_be_bytes());
            let stranger = Attempt {
                source,
                ..attempt(b"x")
            };
            fail(&mut watch, &stranger, 1, SECOND);
        }
        assert!(watch.0.len() <= WATCHED_MAX + 1);
        let newcomer = Attempt {
            source: "203.0.113.9".parse().unwrap(),
            ..attempt(b"y")
        };
        assert!(watch.is_banned(&newcomer, SECOND), "with the rest");
    }
}
