//! Admission: one ordered list of questions between a well-formed request and the commit. Each can
//! end it with a refusal, which is an ordinary answer with a reason; who asks last is told first.

use core::time::Duration;

use crate::class::{ClassSet, TrafficClass};
use crate::consent::{OptOutScope, Standing};
use crate::limit::country::{Country, CountryRefusal, Range};

/// Who puts a message in: an application, or the gateway itself (the answer to a keyword).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An application with a key.
    Client,
    /// The gateway, answering a keyword: opt-outs do not block the one confirmation.
    KeywordReply,
}

/// Everything that admission knows. Gathered by the engine, never by this module.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Who puts the message in.
    pub origin: Origin,
    /// What the message is for.
    pub class: TrafficClass,
    /// Whether the key may use this short code.
    pub short_code: Grant,
    /// The classes that the key may send.
    pub classes: ClassSet,
    /// Whether a carrier is configured for the short code.
    pub route: Route,
    /// Whether messages may go to the number's country and range.
    pub reach: Result<(), CountryRefusal>,
    /// Whether the number opted out of the short code.
    pub standing: Standing,
    /// What an opt-out blocks on this short code.
    pub opt_out_scope: OptOutScope,
    /// Whether the queue of the class has room.
    pub queue: Room,
}

/// Whether a key was given something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It was.
    Given,
    /// It was not.
    Missing,
}

/// Whether a short code leads to a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A carrier is configured.
    Known,
    /// None is.
    None,
}

/// Whether a bounded queue takes one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It does.
    Free,
    /// It is full; try again after about this long.
    Full(Duration),
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The key has no grant for the short code.
    ShortCodeNotGranted,
    /// The key has no grant for the class.
    ClassNotGranted,
    /// No carrier is configured for the short code.
    NoRoute,
    /// The number's country is not enabled.
    CountryOff(Country),
    /// The number lies in a range that is off unless it is named.
    RangeOff(Range),
    /// The number opted out.
    OptedOut,
    /// The queue of the class is full; come back after this long.
    QueueFull(Duration),
}

impl Refusal {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ShortCodeNotGranted => "short-code-not-granted",
            Self::ClassNotGranted => "class-not-granted",
            Self::NoRoute => "no-route",
            Self::CountryOff(_) => "country-off",
            Self::RangeOff(_) => "range-off",
            Self::OptedOut => "opted-out",
            Self::QueueFull(_) => "queue-full",
        }
    }
}

/// The proof that a message was admitted; only [`decide`] makes one.
#[derive(Debug)]
pub struct Admitted(());

/// Asks every question in its order. The order matters: what a key may do comes before what is known
/// of the number, so that a key without the grant learns nothing about opt-outs.
pub fn decide(facts: &Facts) -> Result<Admitted, Refusal> {
    may_use_short_code(facts)?;
    may_send_class(facts)?;
    has_route(facts)?;
    leads_where_allowed(facts)?;
    is_not_opted_out(facts)?;
    // Quiet hours and risk are asked here: after consent, which is free to ask, and before the queue,
    // so that a refused message never takes a place. Limits are asked behind all of these, since asking
    // them takes.
    has_room(facts)?;
    Ok(Admitted(()))
}

fn may_use_short_code(facts: &Facts) -> Result<(), Refusal> {
    match facts.short_code {
        Grant::Given => Ok(()),
        Grant::Missing => Err(Refusal::ShortCodeNotGranted),
    }
}

fn may_send_class(facts: &Facts) -> Result<(), Refusal> {
    if facts.classes.contains(facts.class) {
        Ok(())
    } else {
        Err(Refusal::ClassNotGranted)
    }
}

fn has_route(facts: &Facts) -> Result<(), Refusal> {
    match facts.route {
        Route::Known => Ok(()),
        Route::None => Err(Refusal::NoRoute),
    }
}

fn leads_where_allowed(facts: &Facts) -> Result<(), Refusal> {
    facts.reach.map_err(|refusal| match refusal {
        CountryRefusal::CountryOff(country) => Refusal::CountryOff(country),
        CountryRefusal::RangeOff(range) => Refusal::RangeOff(range),
    })
}

fn is_not_opted_out(facts: &Facts) -> Result<(), Refusal> {
    let blocked = facts.origin == Origin::Client
        && facts.standing == Standing::OptedOut
        && facts.opt_out_scope.blocks(facts.class);
    if blocked {
        Err(Refusal::OptedOut)
    } else {
        Ok(())
    }
}

fn has_room(facts: &Facts) -> Result<(), Refusal> {
    match facts.queue {
        Room::Free => Ok(()),
        Room::Full(retry_after) => Err(Refusal::QueueFull(retry_after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            origin: Origin::Client,
            class: TrafficClass::Alert,
            short_code: Grant::Given,
            classes: [TrafficClass::Alert, TrafficClass::Otp]
                .into_iter()
                .collect(),
            route: Route::Known,
            reach: Ok(()),
            standing: Standing::Open,
            opt_out_scope: OptOutScope::EveryClass,
            queue: Room::Free,
        }
    }

    fn check(facts: &Facts, expected: Refusal) {
        assert_eq!(decide(facts).unwrap_err(), expected);
    }

    #[test]
    fn each_question_can_refuse() {
        assert!(decide(&good()).is_ok());
        check(
            &Facts {
                short_code: Grant::Missing,
                ..good()
            },
            Refusal::ShortCodeNotGranted,
        );
        check(
            &Facts {
                class: TrafficClass::Marketing,
                ..good()
            },
            Refusal::ClassNotGranted,
        );
        check(
            &Facts {
                route: Route::None,
                ..good()
            },
            Refusal::NoRoute,
        );
        let satellite = Range::Satellite;
        check(
            &Facts {
                reach: Err(CountryRefusal::RangeOff(satellite)),
                standing: Standing::OptedOut,
                ..good()
            },
            Refusal::RangeOff(satellite),
        );
        check(
            &Facts {
                standing: Standing::OptedOut,
                ..good()
            },
            Refusal::OptedOut,
        );
        let wait = Duration::from_secs(3);
        check(
            &Facts {
                queue: Room::Full(wait),
                ..good()
            },
            Refusal::QueueFull(wait),
        );
    }

    #[test]
    fn a_key_without_the_grant_learns_nothing_of_opt_outs() {
        let facts = Facts {
            short_code: Grant::Missing,
            standing: Standing::OptedOut,
            ..good()
        };
        check(&facts, Refusal::ShortCodeNotGranted);
    }

    #[test]
    fn the_confirmation_of_a_stop_passes_the_stop_and_otp_only_where_exempt() {
        let out = Facts {
            standing: Standing::OptedOut,
            ..good()
        };
        assert!(
            decide(&Facts {
                origin: Origin::KeywordReply,
                ..out
            })
            .is_ok()
        );
        let otp = Facts {
            class: TrafficClass::Otp,
            ..out
        };
        check(&otp, Refusal::OptedOut);
        assert!(
            decide(&Facts {
                opt_out_scope: OptOutScope::AllButOtp,
                ..otp
            })
            .is_ok()
        );
    }
}
