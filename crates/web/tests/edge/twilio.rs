//! The API that applications of Twilio's speak: who may call it, and what it answers.

mod access;
mod account;
mod changes;
mod lists;
mod messages;
mod statuses;
mod validation;
mod verify;
