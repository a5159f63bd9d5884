//! Verifications: how a person proves to one of the firm's applications that a handset, an
//! authenticator app or a recovery code is theirs. Everything that decides stands here and is pure: random
//! octets are arguments, and so is the time. Sealing, storing, sending and entries are the engine's.
//!
//! Three defences hold together. A code is checked at most five times ([`state`]); a number has a budget of
//! failed checks that no new code resets ([`budget`]); and whoever makes codes be sent without ever using
//! them is refused before the next one costs money ([`pumping`]).

pub mod binding;
pub mod budget;
pub mod channel;
pub mod check;
pub mod code;
pub mod factor;
pub mod fixed_lines;
pub mod mo;
pub mod odds;
pub mod pumping;
pub mod recovery;
pub mod risk;
pub mod send;
pub mod shown;
pub mod state;
pub mod tag;
pub mod template;
pub mod totp;
pub mod user;
