//! Verification by MO: a handset texts the code that the application shows. The attempt goes through the
//! same check as any other, in the commit that takes the text in.

use domain::id::InboundId;
use domain::message::CarrierName;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::verification::mo::{self, Found};
use domain::verification::tag::CodeTag;

use super::check::Evaluated;
use super::entries::By;
use super::locks::Held;
use crate::batch::Batch;
use crate::gateway::Gateway;
use crate::settings::Settings;
use crate::state::State;
use crate::state::verifications::Live;

/// A text that was evaluated, to be taken in once it is durable.
pub(crate) struct Texted {
    evaluated: Evaluated,
    held: Held,
}

/// A message from a handset, as far as it can verify one.
pub(crate) struct Text<'a> {
    pub(crate) id: &'a InboundId,
    pub(crate) carrier: &'a CarrierName,
    pub(crate) from: Msisdn,
    pub(crate) to: ShortCode,
    pub(crate) words: &'a str,
}

impl Gateway {
    /// Looks whether a text holds a code that is awaited from its sender. One text is one attempt: at the
    /// verification whose code it is, or else at the newest. A number that somebody is at work on is passed
    /// over; the text is kept, and can be sent again.
    pub(crate) fn check_text(
        &self,
        state: &mut State,
        settings: &Settings,
        batch: &mut Batch,
        text: &Text<'_>,
    ) -> Option<Texted> {
        let terms = settings.verifications.as_deref()?;
        let (live, tag) = meant(state, text)?;
        let (_, to) = live.handset()?;
        let attempt = mo::attempt(&live.verification, text.from, to, tag).ok()?;
        let held = self.number_locks.try_hold(&live.holder)?;
        let by = By::Handset(text.carrier, text.id);
        let evaluated = self.evaluate(state, batch, terms, by, (&live, &attempt));
        Some(Texted {
            evaluated: evaluated.ok()?,
            held,
        })
    }

    /// Takes in texts that are durable.
    pub(crate) fn take_texts(&self, texts: Vec<Texted>) {
        for Texted { evaluated, held } in texts {
            self.take_check(evaluated);
            drop(held);
        }
    }
}

/// The verification that a text is an attempt at, and what its code gives under its key. It is compared with
/// all that are awaited, so that none shuts out another: a client has but few of them.
fn meant(state: &State, text: &Text<'_>) -> Option<(Live, CodeTag)> {
    let awaiting = state.verifications.awaiting(text.to, text.from);
    let mut newest = None;
    for live in awaiting {
        let Found::Code(code) = mo::find(text.words, live.verification.length()) else {
            continue;
        };
        let tag = CodeTag::of(&live.key, &code);
        let wanted = live.verification.to_stored().tag;
        if wanted.is_some_and(|wanted| wanted.matches(&tag)) {
            return Some((live.clone(), tag));
        }
        newest = newest.or_else(|| Some((live.clone(), tag)));
    }
    newest
}
