//! `[bounds]`: how much of everything is kept. Whatever can grow has its bound here.

use super::section::section;

section! {
    /// How much of everything is kept. Each bound is a promise about memory or disk; what is refused when
    /// one is reached is in docs/errors.md. All of it can change on a reload.
    pub struct Bounds {
        /// One-time codes waiting to be sent; one more is refused with `queue-full`.
        pub queue_otp_max: usize = 100_000,
        /// Alerts waiting to be sent.
        pub queue_alert_max: usize = 200_000,
        /// Marketing messages waiting to be sent.
        pub queue_marketing_max: usize = 200_000,
        /// Segments of one message, 1 to 255. Ten are 1,530 letters.
        pub segments_max: u8 = 10,
        /// Segments in memory that wait for a receipt; older ones are found through the index on disk.
        pub receipts_pending_max: usize = 200_000,
        /// Receipts kept that match no segment yet.
        pub receipts_unmatched_max: usize = 10_000,
        /// Seconds that such a receipt is kept.
        pub unmatched_keep_seconds: u64 = 3_600,
        /// Records of idempotency keys; when full, requests with a key are refused with `idempotency-full`.
        /// One client fills at most three quarters.
        pub idempotency_max: usize = 1_000_000,
        /// Seconds that such a record is kept, or the message's life if that is longer.
        pub idempotency_keep_seconds: u64 = 86_400,
        /// Long messages from handsets that wait for parts.
        pub reassembly_max: usize = 1_000,
        /// Seconds that they wait.
        pub reassembly_keep_seconds: u64 = 3_600,
        /// Reasons for refusals that are counted apart within a second.
        pub refusal_keys_max: usize = 10_000,
        /// Segments dispatched in one commit.
        pub dispatch_batch_max: usize = 256,
        /// Verifications that have not ended, some 400 octets each; one more is refused with
        /// `verifications-full`.
        pub verifications_max: usize = 250_000,
        /// Pairs of client and number, or user of factors, whose failed checks and sends are counted, some 400
        /// octets each. They are let go a day after the last of them, 30 days after a wrong code that no right one
        /// followed, and never for a newcomer: when full, new numbers and users are refused with
        /// `verifications-full`. One client fills at most three quarters.
        pub guess_budgets_max: usize = 1_000_000,
        /// Nonces of signed requests, some 100 octets each, kept while a signature with them could be used again
        /// (five minutes as a rule, ten at most). None is let go early: when full, signed requests are refused
        /// with `busy`. The default is for 3,300 signed requests a second.
        pub nonces_max: usize = 1_000_000,
        /// The same of one client, so that none takes all the room.
        pub client_nonces_max: usize = 500_000,
    }
}
