//! Whether a provider can be used: it comes back when it answers a question for our account, and is away from
//! the first failure that more messages would only meet again.

use std::time::Duration;

use engine::ports::Entropy;

use super::ProviderTimers;
use super::answer::Health;

/// So many failures in a row are an outage; fewer are bad luck.
const FAILURES_MAX: u32 = 5;

/// What changes for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Stays,
    /// It can be used from now on.
    Came,
    /// It cannot be used any more, and why.
    Went(String),
    /// It is still away, for another reason than it was.
    Away(String),
}

/// Who shows how a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Witness {
    /// The question for our account.
    Probe,
    /// A message.
    Message,
}

/// How a provider stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    is_up: bool,
    /// Failures in a row.
    failures: u32,
    /// Outages since it last showed that it works.
    outages: u32,
    /// What was said last of one that is away.
    reason: String,
}

impl Standing {
    pub(super) const fn is_up(&self) -> bool {
        self.is_up
    }

    /// Takes in how a provider showed itself.
    pub(super) fn shows(&mut self, witness: Witness, health: Health) -> Turn {
        match health {
            Health::Fine => self.is_fine(witness),
            Health::Failing(reason) => {
                self.failures = self.failures.saturating_add(1);
                if self.is_up && self.failures < FAILURES_MAX {
                    return Turn::Stays;
                }
                self.goes(reason)
            }
            Health::Broken(reason) => self.goes(reason),
        }
    }

    fn is_fine(&mut self, witness: Witness) -> Turn {
        // A late answer of a message does not bring it back: others failed after it.
        if !self.is_up && witness == Witness::Message {
            return Turn::Stays;
        }
        self.failures = 0;
        if self.is_up {
            self.outages = 0;
            return Turn::Stays;
        }
        self.is_up = true;
        self.reason.clear();
        Turn::Came
    }

    fn goes(&mut self, reason: String) -> Turn {
        let was_up = std::mem::replace(&mut self.is_up, false);
        if was_up {
            self.failures = 0;
        }
        self.outages = self.outages.saturating_add(1);
        // Of an outage that goes on only what is new is told.
        if !was_up && self.reason == reason {
            return Turn::Stays;
        }
        self.reason.clone_from(&reason);
        if was_up {
            Turn::Went(reason)
        } else {
            Turn::Away(reason)
        }
    }

    /// When it is asked next: while it works now and then, while it is away after pauses that double, half of
    /// each by chance.
    pub(super) fn pause(&self, timers: &ProviderTimers, entropy: &dyn Entropy) -> Duration {
        if self.is_up {
            return timers.probe;
        }
        let doubled = 1_u32 << self.outages.saturating_sub(1).min(16);
        let whole = timers.reconnect.saturating_mul(doubled);
        let whole = whole.min(timers.reconnect_max.max(timers.reconnect));
        let mut chance = [0; 2];
        entropy.fill(&mut chance);
        let part = u32::from(u16::from_be_bytes(chance));
        whole / 2 + (whole / 2) * part / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMERS: ProviderTimers = ProviderTimers {
        connect: Duration::from_secs(1),
        response: Duration::from_secs(1),
        probe: Duration::from_secs(30),
        reconnect: Duration::from_secs(1),
        reconnect_max: Duration::from_mins(1),
    };

    /// Always the longest pause.
    struct Late;

    impl Entropy for Late {
        fn fill(&self, octets: &mut [u8]) {
            octets.fill(0xff);
        }
    }

    fn failing() -> Health {
        Health::Failing("its answer is 500".to_owned())
    }

    fn broken() -> Health {
        Health::Broken("no connection".to_owned())
    }

    fn up() -> Standing {
        let mut standing = Standing::default();
        assert_eq!(standing.shows(Witness::Probe, Health::Fine), Turn::Came);
        standing
    }

    #[test]
    fn a_few_failures_in_a_row_are_an_outage_and_one_answer_between_them_is_not() {
        let mut standing = up();
        for _ in 0..3 {
            for _ in 1..FAILURES_MAX {
                assert_eq!(standing.shows(Witness::Message, failing()), Turn::Stays);
            }
            standing.shows(Witness::Message, Health::Fine);
        }
        for _ in 1..FAILURES_MAX {
            standing.shows(Witness::Message, failing());
        }
        let went = Turn::Went("its answer is 500".to_owned());
        assert_eq!(standing.shows(Witness::Message, failing()), went);
        assert!(!standing.is_up());
    }

    #[test]
    fn what_is_broken_is_away_at_once_and_only_a_probe_brings_it_back() {
        let mut standing = up();
        let went = Turn::Went("no connection".to_owned());
        assert_eq!(standing.shows(Witness::Message, broken()), went);
        assert_eq!(standing.shows(Witness::Message, broken()), Turn::Stays);
        let away = Turn::Away("its answer is 500".to_owned());
        assert_eq!(standing.shows(Witness::Probe, failing()), away);
        assert_eq!(standing.shows(Witness::Message, Health::Fine), Turn::Stays);
        assert_eq!(standing.shows(Witness::Probe, Health::Fine), Turn::Came);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_when_it_works_again() {
        let mut standing = up();
        assert_eq!(standing.pause(&TIMERS, &Late), TIMERS.probe);
        let mut pauses = Vec::new();
        for _ in 0..40 {
            standing.shows(Witness::Probe, broken());
            pauses.push(standing.pause(&TIMERS, &Late).as_secs());
        }
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
        assert!(pauses[7..].iter().all(|pause| *pause == 60));
        // That it is there is not yet that it works.
        standing.shows(Witness::Probe, Health::Fine);
        standing.shows(Witness::Message, broken());
        assert_eq!(standing.pause(&TIMERS, &Late).as_secs(), 60);
        standing.shows(Witness::Probe, Health::Fine);
        standing.shows(Witness::Message, Health::Fine);
        standing.shows(Witness::Message, broken());
        assert_eq!(standing.pause(&TIMERS, &Late).as_secs(), 1);
    }
}
