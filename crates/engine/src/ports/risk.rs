//! The risk port: an outsider who knows whether the SIM of a number was changed lately, as a mobile
//! operator does (CAMARA SIM Swap). What its answer leads to is decided in `domain`.

use std::future::Future;
use std::pin::Pin;

use domain::msisdn::Msisdn;
use domain::verification::risk::{MaxAgeHours, SimSwap};

/// An answer on its way.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Told> + Send + 'a>>;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// There is nobody to ask, and the number went nowhere.
    NotAsked,
    /// It was asked; this is what it said, or why it said nothing.
    Answered(SimSwap),
}

/// Somebody who knows of SIMs.
///
/// `sim_swap` sends the number to that somebody and to nobody else, and tells no log, metric or error of
/// it. It always gives something back, within a time limit of its own: an answer that does not come in
/// time, cannot be had or makes no sense is [`SimSwap::Unknown`], never an error. No answer is kept for
/// the next time. A call that is dropped leaves nothing running. Whether anything is sent when nothing is
/// known is not its business.
pub trait Risk: Send + Sync {
    /// Whether the SIM of a number was changed within so many hours.
    fn sim_swap(&self, number: Msisdn, max_age: MaxAgeHours) -> Asking<'_>;
}

/// Nobody to ask: what a gateway has unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyToAsk;

impl Risk for NobodyToAsk {
    fn sim_swap(&self, _number: Msisdn, _max_age: MaxAgeHours) -> Asking<'_> {
        Box::pin(std::future::ready(Told::NotAsked))
    }
}
