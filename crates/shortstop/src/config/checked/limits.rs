//! Checks of `[messages]`, `[bounds]` and the limits of `[https]`: numbers that must be in range.

use std::time::Duration;

use domain::message::AmbiguityPolicy;
use engine::settings::{Bounds, Retention, ValiditySettings};

use super::super::Problems;
use super::super::bounds::Bounds as Raw;
use super::super::https::Https;
use super::super::keys::Keys;
use super::super::messages::{Ambiguity, Messages};
use super::super::retention::Retention as Kept;
use super::super::store::Store;

/// Nobody waits longer than this for anything: ten years.
const SECONDS_MAX: u64 = 315_360_000;
/// A wrapping key that is a year old protects nothing that was erased in it.
const REWRAP_DAYS_MAX: u64 = 365;

/// Nothing personal is kept for longer than a hundred years.
const RETENTION_SECONDS_MAX: u64 = 36_525 * 24 * 3_600;

/// The policies by class.
pub fn ambiguity(messages: &Messages) -> [AmbiguityPolicy; 3] {
    let words = [
        messages.ambiguity_otp,
        messages.ambiguity_alert,
        messages.ambiguity_marketing,
    ];
    words.map(|word| match word {
        Ambiguity::Resend => AmbiguityPolicy::Resend,
        Ambiguity::Hold => AmbiguityPolicy::Hold,
    })
}

/// How long messages live: none longer than the longest that may be asked for.
pub fn validity(messages: &Messages, problems: &mut Problems) -> ValiditySettings {
    let max = seconds(
        "messages.validity_seconds_max",
        messages.validity_seconds_max,
        problems,
    );
    seconds(
        "messages.receipt_seconds",
        messages.receipt_seconds,
        problems,
    );
    let named = [
        (
            "messages.validity_otp_seconds",
            messages.validity_otp_seconds,
        ),
        (
            "messages.validity_alert_seconds",
            messages.validity_alert_seconds,
        ),
        (
            "messages.validity_marketing_seconds",
            messages.validity_marketing_seconds,
        ),
    ];
    let default = named.map(|(key, count)| {
        let life = seconds(key, count, problems);
        if life > max {
            problems.add(
                key,
                "is longer than messages.validity_seconds_max; raise that, or shorten this",
            );
        }
        life
    });
    ValiditySettings { default, max }
}

/// How long private values are kept: longer than a message can move.
pub fn retention(raw: &Kept, messages: &Messages, problems: &mut Problems) -> Retention {
    let moves = messages
        .validity_seconds_max
        .saturating_add(messages.receipt_seconds);
    let mut days = |key: &str, count: u64| {
        let time = count.saturating_mul(24 * 3_600);
        if time < moves || time > RETENTION_SECONDS_MAX {
            let least = moves.div_ceil(24 * 3_600).max(1);
            let most = RETENTION_SECONDS_MAX / (24 * 3_600);
            let says = format!(
                "must lie between {least} days, in which a message may still move, and {most}"
            );
            problems.add(key, says);
        }
        Duration::from_secs(time)
    };
    Retention {
        text: days("retention.text_days", raw.text_days),
        network: days("retention.network_days", raw.network_days),
        number: days("retention.number_days", raw.number_days),
        consent: days("retention.consent_days", raw.consent_days),
    }
}

/// The engine's bounds.
pub fn bounds(raw: &Raw, problems: &mut Problems) -> Bounds {
    let counts = [
        ("bounds.queue_otp_max", raw.queue_otp_max),
        ("bounds.queue_alert_max", raw.queue_alert_max),
        ("bounds.queue_marketing_max", raw.queue_marketing_max),
        ("bounds.receipts_pending_max", raw.receipts_pending_max),
        ("bounds.receipts_unmatched_max", raw.receipts_unmatched_max),
        ("bounds.idempotency_max", raw.idempotency_max),
        ("bounds.reassembly_max", raw.reassembly_max),
        ("bounds.refusal_keys_max", raw.refusal_keys_max),
        ("bounds.dispatch_batch_max", raw.dispatch_batch_max),
        ("bounds.verifications_max", raw.verifications_max),
        ("bounds.guess_budgets_max", raw.guess_budgets_max),
        ("bounds.nonces_max", raw.nonces_max),
        ("bounds.client_nonces_max", raw.client_nonces_max),
        ("bounds.segments_max", usize::from(raw.segments_max)),
    ];
    for (key, count) in counts {
        positive(key, count, problems);
    }
    Bounds {
        queue_max: [
            raw.queue_otp_max,
            raw.queue_alert_max,
            raw.queue_marketing_max,
        ],
        segments_max: raw.segments_max,
        receipts_pending_max: raw.receipts_pending_max,
        receipts_unmatched_max: raw.receipts_unmatched_max,
        unmatched_keep: seconds(
            "bounds.unmatched_keep_seconds",
            raw.unmatched_keep_seconds,
            problems,
        ),
        idempotency_max: raw.idempotency_max,
        idempotency_keep: seconds(
            "bounds.idempotency_keep_seconds",
            raw.idempotency_keep_seconds,
            problems,
        ),
        reassembly_max: raw.reassembly_max,
        reassembly_keep: seconds(
            "bounds.reassembly_keep_seconds",
            raw.reassembly_keep_seconds,
            problems,
        ),
        refusal_keys_max: raw.refusal_keys_max,
        dispatch_batch_max: raw.dispatch_batch_max,
        verifications_max: raw.verifications_max,
        guess_budgets_max: raw.guess_budgets_max,
        nonces_max: raw.nonces_max,
        client_nonces_max: raw.client_nonces_max,
    }
}

/// How often keys are wrapped anew; 0 days is never.
pub fn rewrap_every(keys: &Keys, problems: &mut Problems) -> Option<Duration> {
    if keys.rewrap_days > REWRAP_DAYS_MAX {
        let says = format!("must lie between 1 and {REWRAP_DAYS_MAX} days, or be 0 for never");
        problems.add("keys.rewrap_days", says);
    }
    let days = keys.rewrap_days.min(REWRAP_DAYS_MAX);
    (days > 0).then(|| Duration::from_secs(days * 86_400))
}

/// A client may reset a few requests in a row and measure its line before the first answer.
const CONTROL_FRAMES_MIN: u32 = 100;

/// The limits of the listener for applications.
pub fn listener(https: &Https, problems: &mut Problems) {
    for (key, count) in [
        ("https.connections_max", https.connections_max),
        (
            "https.connections_per_address_max",
            https.connections_per_address_max,
        ),
        (
            "https.handshakes_per_address_max",
            https.handshakes_per_address_max,
        ),
        ("https.requests_max", https.requests_max),
        ("https.client_requests_max", https.client_requests_max),
        ("https.batches_max", https.batches_max),
        ("https.client_batches_max", https.client_batches_max),
        (
            "https.body_bytes_per_second_min",
            https.body_bytes_per_second_min,
        ),
        ("https.batch_messages_max", https.batch_messages_max),
        ("https.headers_max", https.headers_max),
        ("https.resets_max", https.resets_max),
    ] {
        positive(key, count, problems);
    }
    positive("https.streams_max", https.streams_max, problems);
    if https.control_frames_max < CONTROL_FRAMES_MIN {
        let says = format!("must be {CONTROL_FRAMES_MIN} or more, or good clients are cut off");
        problems.add("https.control_frames_max", says);
    }
    for (key, bytes) in [
        ("https.body_bytes_max", https.body_bytes_max),
        ("https.batch_body_bytes_max", https.batch_body_bytes_max),
        ("https.header_bytes_max", https.header_bytes_max),
    ] {
        if !(8_192..=16_777_216).contains(&bytes) {
            problems.add(key, "must lie between 8192 and 16777216 octets");
        }
    }
    for (key, count) in [
        ("https.handshake_seconds", https.handshake_seconds),
        ("https.header_seconds", https.header_seconds),
        ("https.body_seconds", https.body_seconds),
        ("https.write_seconds", https.write_seconds),
        ("https.idle_seconds", https.idle_seconds),
        ("https.request_seconds", https.request_seconds),
        ("https.shutdown_seconds", https.shutdown_seconds),
    ] {
        seconds(key, count, problems);
    }
}

/// The most MiB that are kept free: 1 TiB.
const MIB_MAX: u64 = 1_048_576;

/// The bounds of the store.
pub fn store(raw: &Store, problems: &mut Problems) {
    for (key, count) in [
        ("store.queue_max", raw.queue_max),
        ("store.group_changes_max", raw.group_changes_max),
        ("store.group_bytes_max", raw.group_bytes_max),
        ("store.readers", raw.readers),
        ("store.reads_waiting_max", raw.reads_waiting_max),
        ("store.page_scan_max", raw.page_scan_max),
        ("store.index_batch_rows", raw.index_batch_rows),
        ("store.catalog_batch_blocks", raw.catalog_batch_blocks),
        ("store.page_blocks_max", raw.page_blocks_max),
        ("store.carrier_ids_waiting_max", raw.carrier_ids_waiting_max),
        ("store.prune_rows_max", raw.prune_rows_max),
    ] {
        positive(key, count, problems);
    }
    let readers_max = store::Bounds::READERS_MAX;
    if raw.readers > readers_max {
        problems.add(
            "store.readers",
            format!("must lie between 1 and {readers_max}"),
        );
    }
    positive(
        "store.checkpoint_start_bytes",
        raw.checkpoint_start_bytes,
        problems,
    );
    seconds("store.stall_seconds", raw.stall_seconds, problems);
    for (key, count) in [
        ("store.reserve_mib", raw.reserve_mib),
        ("store.low_water_mib", raw.low_water_mib),
    ] {
        if count > MIB_MAX {
            problems.add(key, format!("must lie between 0 and {MIB_MAX}"));
        }
    }
    if raw.checkpoint_hard_bytes < raw.checkpoint_start_bytes {
        problems.add(
            "store.checkpoint_hard_bytes",
            "is less than store.checkpoint_start_bytes",
        );
    }
}

/// A span of at least a second and at most ten years.
pub fn seconds(key: &str, count: u64, problems: &mut Problems) -> Duration {
    if !(1..=SECONDS_MAX).contains(&count) {
        problems.add(key, format!("must lie between 1 and {SECONDS_MAX} seconds"));
    }
    Duration::from_secs(count.min(SECONDS_MAX))
}

/// A bound of nothing would refuse everything.
pub fn positive(key: &str, count: impl TryInto<u64>, problems: &mut Problems) {
    if count.try_into().unwrap_or(0) == 0 {
        problems.add(key, "must be 1 or more");
    }
}
