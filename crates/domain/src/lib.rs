//! What Shortstop means: numbers, short codes, texts, messages, consent, admission, limits, pace and
//! verifications. Pure: no IO, no clock, no randomness, no logging; time is always the last argument.

pub mod admission;
pub mod carrier_id;
pub mod class;
pub mod consent;
pub mod event;
pub mod form_signature;
pub mod id;
pub mod keyword;
pub mod limit;
pub mod message;
pub mod msisdn;
pub mod pace;
pub mod reassembly;
pub mod sender;
pub mod signature;
pub mod system_id;
pub mod text;
pub mod time;
pub mod twilio;
pub mod verification;
pub mod webhook;
