//! The stream port: a way to a collector of somebody else's, such as a SIEM, over which the ledger is
//! told as it grows. The engine decides what is sent and what is sent again; an implementation only
//! moves octets and says what it knows of their arrival.

use std::future::Future;
use std::pin::Pin;

use thiserror::Error;

/// Something on its way.
pub type OnItsWay<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The line cannot be used any more, or could not be opened. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct LineBroken(pub String);

/// What is known at a line's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The collector has read to the end.
    Everything,
    /// Nobody can tell.
    Unknown,
}

/// A collector.
///
/// `connect` has a time limit of its own and tries once. Two lines of one collector share nothing.
pub trait Collector: Send + Sync {
    /// Opens a line.
    fn connect(&self) -> OnItsWay<'_, Result<Box<dyn Line>, LineBroken>>;
}

/// A line to a collector, in one direction.
///
/// Octets arrive in the order of `send`, whole or cut off at the end of the line, and never twice.
/// `send` may take as long as the collector does; that is how it is never sent more than it takes.
/// `ended` returns once the line has broken or the collector has closed it, and may be dropped and
/// called again. `arrived` errs on the side of too little: what it counts lies with the collector's
/// machine. After an error the line is of no more use.
pub trait Line: Send {
    /// Sends octets; when it returns they have left the process.
    fn send(&mut self, octets: Vec<u8>) -> OnItsWay<'_, Result<(), LineBroken>>;
    /// Waits until the line ends by itself.
    fn ended(&mut self) -> OnItsWay<'_, LineBroken>;
    /// How many of the octets sent over this line have certainly arrived.
    fn arrived(&mut self) -> u64;
    /// Ends the line in good order, within a few seconds.
    fn close(self: Box<Self>) -> OnItsWay<'static, Arrival>;
}
