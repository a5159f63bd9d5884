//! The API that applications of Twilio's speak: Messages and Verify v2. It is another way of writing the same
//! requests and answers; every rule, limit and entry is the gateway's own. `docs/twilio.md` says what is different.

pub(crate) mod account;
pub(crate) mod errors;
pub mod form;
mod list;
mod message;
mod messages;
pub(crate) mod parameters;
pub mod sid;
pub(crate) mod time;
pub mod validation;
mod verify;
