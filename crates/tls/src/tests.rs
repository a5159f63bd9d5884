//! What a listener asks of clients, without a socket: both ends of a handshake in one process.

mod authority;
mod both_ends;
mod clients;
mod exchange;
mod sessions;
