//! What Shortstop means: numbers, short codes, texts, messages, consent, admission and pace. Pure:
//! no IO, no clock, no randomness, no logging; time is always the last argument.

pub mod carrier_id;
pub mod class;
pub mod id;
pub mod keyword;
pub mod pace;
pub mod sender;
pub mod time;
