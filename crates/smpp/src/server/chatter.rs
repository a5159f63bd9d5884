//! How fast one connection may say what is no work: `enquire_link`, answers to nothing, requests that are
//! refused at once. Each costs little; whoever says nothing else, as fast as it can, would cost a core.

use std::time::Duration;

use tokio::time::Instant;

/// What so many PDUs are counted over.
const SECOND: Duration = Duration::from_secs(1);

/// What was said of late.
#[derive(Debug)]
pub(super) struct Chatter {
    /// What one PDU uses of a second.
    share: Duration,
    /// When a second will be unused again.
    used_until: Option<Instant>,
}

impl Chatter {
    /// So many a second, and as many at once.
    pub(super) fn new(per_second_max: u32) -> Self {
        Self {
            share: SECOND / per_second_max.max(1),
            used_until: None,
        }
    }

    /// Counts one more.
    pub(super) fn one(&mut self, now: Instant) {
        let used_until = self.used_until.map_or(now, |until| until.max(now));
        self.used_until = Some(used_until + self.share);
    }

    /// When more may be heard; `None` when that is now.
    pub(super) fn quiet_until(&self, now: Instant) -> Option<Instant> {
        let until = self.used_until?.checked_sub(SECOND)?;
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_so_many_and_each_comes_back_in_its_time() {
        let (mut chatter, now) = (Chatter::new(10), Instant::now());
        for _ in 0..10 {
            assert_eq!(chatter.quiet_until(now), None);
            chatter.one(now);
        }
        assert_eq!(chatter.quiet_until(now), None);
        chatter.one(now);
        let tenth = Duration::from_millis(100);
        assert_eq!(chatter.quiet_until(now), Some(now + tenth));
        assert_eq!(chatter.quiet_until(now + tenth), None);
        chatter.one(now + tenth * 20);
        assert_eq!(chatter.quiet_until(now + tenth * 20), None, "it was calm");
    }
}
