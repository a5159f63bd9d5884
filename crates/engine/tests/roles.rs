//! Single rules of the engine, each through a whole gateway over fakes, in the roles of those who meet
//! it: a client, an anonymous caller, a carrier, a handset.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "a test may panic, and calls things by their names"
)]

mod roles {
    mod acceptance;
    mod bounds;
    mod callbacks;
    mod cancel;
    mod consent;
    mod dispatch;
    mod documented;
    mod enabling;
    mod erasure;
    mod esmes;
    mod events_out;
    mod factor_budgets;
    mod factors;
    mod fairness;
    mod idempotency;
    mod inbound;
    mod jobs;
    mod keys;
    mod limits;
    mod on_factor;
    mod openings;
    mod prune;
    mod pumping;
    mod rebuild;
    mod receipts;
    mod redaction;
    mod restarts;
    mod retention;
    mod rotation;
    mod sealing;
    mod searching;
    mod served;
    mod shortage;
    mod signed;
    mod stage;
    mod store_failure;
    mod streams;
    mod texted;
    mod unsigned;
    mod untold;
    mod verifications;
    mod webhooks;
    mod whole;
    mod witnesses;
}
