//! Contract suites: what each port promises in prose, as scenarios that every implementation runs.

pub mod bookmark;
pub mod carriers;
pub mod catalog;
pub mod clock;
pub mod counts;
pub mod entropy;
pub mod keyring;
pub mod log;
pub mod risk;
pub mod seals;
pub mod store;
pub mod stream;
pub mod webhook;
