//! `[[short_code]]`: one short code, its pace, its carriers and what it answers to keywords.

use domain::consent::OptOutScope;
use serde::{Deserialize, Serialize};

use super::section::section;

/// Width of the reference that joins the segments of a long message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    /// 8 bits: 153 septets a segment.
    #[default]
    #[serde(rename = "8-bit")]
    Eight,
    /// 16 bits: 152 septets a segment, fewer mix-ups at high rates.
    #[serde(rename = "16-bit")]
    Sixteen,
}

section! {
    /// One short code; repeat the section for more. All of it can change on a reload.
    pub struct ShortCodeSection {
        /// The digits, 3 to 8 of them, in quotes.
        pub number: Option<String> = None => "12345",
        /// Names of the carriers that take its messages, the preferred one first; the next one is
        /// used while those before it are away.
        pub carriers: Vec<String> = Vec::new() => ["primary"],
        /// Segments a second over all binds. Ask your carrier what the code is provisioned for.
        pub mps: u32 = 100,
        /// Segments that may go at once after a pause.
        pub burst: u32 = 10,
        /// What a STOP blocks: `every-class`, or `all-but-otp` where the law lets a person who opted out
        /// still ask for one-time codes.
        pub opt_out_scope: OptOutScope = OptOutScope::EveryClass,
        /// Width of the reference in long messages: `8-bit` or `16-bit`.
        pub reference: Reference = Reference::Eight,
        /// Confirms an opt-out, once. Name yourself in it, and put no marketing in it (47 CFR
        /// 64.1200(a)(12)).
        pub stopped_text: String =
            "You are unsubscribed and will get no more messages. Reply START to resubscribe."
                .to_owned(),
        /// Answers HELP, also to those who are not subscribed. Name yourself and how to reach you.
        pub help_text: String =
            "Reply STOP to unsubscribe. Msg & data rates may apply.".to_owned(),
        /// Confirms an opt-in after an opt-out.
        pub started_text: String =
            "You are subscribed again. Reply HELP for help, STOP to unsubscribe.".to_owned(),
    }
}
