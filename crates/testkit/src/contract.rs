//! Contract suites: what each port promises in prose, as scenarios that every implementation runs.

pub mod store;
