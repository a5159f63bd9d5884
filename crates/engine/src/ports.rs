//! What the engine asks of the outside world, one trait a file. The engine calls only these; the
//! edges implement them, and the contract suites of `testkit` hold every implementation to the prose.

pub mod bookmark;
pub mod carrier;
pub mod catalog;
pub mod clock;
pub mod counts;
pub mod entropy;
pub mod erasure;
pub mod guard;
pub mod keyring;
pub mod log;
pub mod pruning;
pub mod risk;
pub mod sealing;
pub mod second_key;
pub mod shelf;
pub mod storage;
pub mod store;
pub mod stream;
pub mod view;
pub mod webhook;
pub mod witness;
pub mod workshop;

pub use bookmark::Bookmark;
pub use carrier::{CarrierEvents, Carriers};
pub use catalog::Catalog;
pub use clock::Clock;
pub use counts::Counts;
pub use entropy::Entropy;
pub use erasure::Erasure;
pub use guard::Guard;
pub use keyring::Keyring;
pub use log::Log;
pub use pruning::Pruning;
pub use risk::Risk;
pub use sealing::Seals;
pub use second_key::SecondKey;
pub use shelf::Shelf;
pub use store::Store;
pub use stream::Collector;
pub use view::View;
pub use webhook::Webhook;
pub use witness::Witness;
pub use workshop::Workshop;
