//! What the engine asks of the outside world, one trait a file. The engine calls only these; the
//! edges implement them, and the contract suites of `testkit` hold every implementation to the prose.

pub mod carrier;
pub mod clock;
pub mod entropy;
pub mod store;

pub use carrier::{CarrierEvents, Carriers};
pub use clock::Clock;
pub use entropy::Entropy;
pub use store::Store;
