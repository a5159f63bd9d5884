//! The engine: the order of steps of every command (`facts → decide → commit → answer`), the ports
//! to the outside world and the background jobs. It holds no rule of the product (those are in
//! `domain`) and no IO (that is in the edges).

pub mod changes;
pub mod ports;
pub mod rows;
