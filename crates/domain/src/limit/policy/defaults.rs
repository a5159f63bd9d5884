//! The limits out of the box. Those on what an attacker repeats (numbers, logins, binds, wrong codes)
//! refuse; those on volumes that only the firm knows (prefixes, countries, short codes, campaigns,
//! groups) record, so that the operator sees what they would do before they do it.
//!
//! Numbers are those of the field: what vendors and identity systems publish for the same purpose,
//! named at each limit. Where none is published it says so.

use core::time::Duration;

use super::{Dimension, Draft, Event, LimitName, Mode, Policy, Rule, Unit};
use crate::class::{ClassSet, TrafficClass};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

// A table takes memory as it is used, and then keeps it: 54 octets a key, and for a key of a quota with
// more than one take 16 for each that it may have, up to 64.

/// Keys of a limit on the recipients of codes: a firm that sends to so many numbers within its window, in an
/// hour 290 a second. 57 MB once all were used, 140 MB if each had more than one.
const RECIPIENTS: u32 = 1 << 20;
/// Keys of the limit on recipients a day, 24 a second on average: 54 octets for each, 214 with more than one.
const RECIPIENTS_A_DAY: u32 = 1 << 21;
/// Keys of the limit on recipients of all else: 57 MB once all were used, 560 MB if each had more than one.
const READERS: u32 = 1 << 20;
/// Keys of a limit on addresses.
const SOURCES: u32 = 1 << 16;
/// Keys of a limit on what the firm itself names: clients, codes, campaigns, logins.
const NAMED: u32 = 1 << 12;

/// The limits out of the box.
pub fn defaults() -> Vec<Policy> {
    let all = [to_recipients(), of_clients(), of_volumes(), of_strangers()].concat();
    all.into_iter()
        .filter_map(|draft| Policy::new(draft?).ok())
        .collect()
}

/// One handset: against bombing of a number, guessing and loops.
fn to_recipients() -> Vec<Option<Draft>> {
    use Dimension::Recipient;
    let otp = |name, amount, window, keys| {
        let draft = draft(name, Event::Message, &[Recipient], quota(amount, window))?;
        let classes: ClassSet = [TrafficClass::Otp].into_iter().collect();
        Some(Draft {
            classes,
            keys,
            ..draft
        })
    };
    vec![
        // 3 codes in 10 minutes to a number, 5 an hour (Telnyx's guide), 10 a day (Infobip allows 3 a
        // day, Authgear 50).
        otp("recipient-otp-10-minutes", 3, MINUTE * 10, RECIPIENTS),
        otp("recipient-otp-hour", 5, HOUR, RECIPIENTS),
        otp("recipient-otp-day", 10, DAY, RECIPIENTS_A_DAY),
        but_codes(sized(
            READERS,
            draft(
                "recipient-hour",
                Event::Message,
                &[Recipient],
                quota(30, HOUR),
            ),
        )),
    ]
}

/// All that is no code: a faulty loop was seen to send 140 an hour to a number for four hours. No number is
/// published; 30 an hour is ten times what a person reads. Codes have limits of their own, so that nobody
/// keeps a person from logging in by sending advertisements.
fn but_codes(draft: Option<Draft>) -> Option<Draft> {
    let classes = [TrafficClass::Alert, TrafficClass::Marketing];
    Some(Draft {
        classes: classes.into_iter().collect(),
        ..draft?
    })
}

/// What clients may do.
fn of_clients() -> Vec<Option<Draft>> {
    use Dimension::Client;
    vec![
        // 100 segments a second: what one vendor's short code carries (Twilio). The burst is ours: one
        // full batch.
        unit(
            Unit::Segments,
            draft(
                "client-rate",
                Event::Message,
                &[Client],
                rate(100, SECOND, 1_000),
            ),
        ),
        // A hard cap a day on what a client spends, in units of the price table's currency. Pumping cost
        // $800 within hours and $10,000 within a day in published cases; 100 is ours. It counts nothing
        // until there is a price table.
        unit(
            Unit::Micros,
            draft(
                "client-spend-day",
                Event::Message,
                &[Client],
                quota(100_000_000, DAY),
            ),
        ),
        // No number is published; more than any client needs that waits for its answers.
        draft(
            "client-concurrency",
            Event::Request,
            &[Client],
            Rule::Held { most: 256 },
        ),
    ]
}

/// Volumes that only the firm knows: recorded until the operator has set them.
fn of_volumes() -> Vec<Option<Draft>> {
    use Dimension::{Campaign, Class, Client, Country, Group, Prefix, ShortCode};
    let all = [
        // 30 an hour to one prefix, from fraud practice; without knowing who verified, a dense home
        // market would be refused.
        sized(
            SOURCES,
            draft("prefix-hour", Event::Message, &[Prefix], quota(30, HOUR)),
        ),
        // 50 a day to one country, as GitLab counts (with 800 for +1).
        draft("country-day", Event::Message, &[Country], quota(50, DAY)),
        // 100 segments a second, as above, with a minute of burst.
        unit(
            Unit::Segments,
            draft(
                "short-code-rate",
                Event::Message,
                &[ShortCode, Class],
                rate(100, SECOND, 6_000),
            ),
        ),
        // No numbers are published for these two; a day's volume at which somebody should look.
        draft(
            "campaign-day",
            Event::Message,
            &[Client, Campaign],
            quota(10_000, DAY),
        ),
        draft("group-day", Event::Message, &[Group], quota(100_000, DAY)),
    ];
    all.into_iter()
        .map(|draft| {
            Some(Draft {
                mode: Mode::Record,
                ..draft?
            })
        })
        .collect()
}

/// Those who have not said yet who they are.
fn of_strangers() -> Vec<Option<Draft>> {
    use Dimension::{Login, Network, Source, SystemId};
    vec![
        // 20 logins a minute from an address (Auth0), 60 from a network (Authgear's figure for one
        // address), 5 a minute for one login (Sentry).
        sized(
            SOURCES,
            draft(
                "source-logins",
                Event::Login,
                &[Source],
                rate(20, MINUTE, 20),
            ),
        ),
        sized(
            SOURCES,
            draft(
                "network-logins",
                Event::Login,
                &[Network],
                rate(60, MINUTE, 60),
            ),
        ),
        draft("login-attempts", Event::Login, &[Login], rate(5, MINUTE, 5)),
        // As for logins: an ESME that is refused binds again every few seconds.
        sized(
            SOURCES,
            draft("source-binds", Event::Bind, &[Source], rate(20, MINUTE, 20)),
        ),
        draft(
            "system-id-binds",
            Event::Bind,
            &[SystemId],
            rate(20, MINUTE, 20),
        ),
    ]
}

const SECOND: Duration = Duration::from_secs(1);

const fn quota(amount: u64, window: Duration) -> Rule {
    Rule::Quota { amount, window }
}

const fn rate(count: u32, period: Duration, burst: u32) -> Rule {
    Rule::Rate {
        count,
        period,
        burst,
    }
}

/// A limit that refuses, counts one a request and keeps [`NAMED`] keys. `None` only for a name that is
/// none, of which a test finds that there are none.
fn draft(name: &str, event: Event, dimensions: &[Dimension], rule: Rule) -> Option<Draft> {
    Some(Draft {
        name: LimitName::parse(name).ok()?,
        event,
        unit: Unit::Requests,
        dimensions: dimensions.iter().copied().collect(),
        classes: ClassSet::default(),
        rule,
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys: NAMED,
    })
}

fn unit(unit: Unit, draft: Option<Draft>) -> Option<Draft> {
    Some(Draft { unit, ..draft? })
}

fn sized(keys: u32, draft: Option<Draft>) -> Option<Draft> {
    Some(Draft { keys, ..draft? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_the_limits_written_here_is_lost() {
        assert_eq!(defaults().len(), 17);
    }
}
