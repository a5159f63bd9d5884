//! The Shortstop gateway.
fn main() {}
