//! SMPP 3.4 at the edge: frames and PDUs, receipts, links to carriers, the server for
//! ESMEs, and a carrier simulator.
//! Which segment goes when, over which bind, and what an answer means for a message is decided in
//! `engine` and `domain`, not here.

pub mod frame;
pub mod link;
pub mod pdu;
pub mod receipt;
pub mod server;
pub mod sim;
pub mod status;
pub mod time_format;

mod inline;
mod wire;
