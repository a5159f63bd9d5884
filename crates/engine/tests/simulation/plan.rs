//! What one seed is about: settings that differ from seed to seed, most of them tight.

use std::time::Duration;

use domain::consent::OptOutScope;
use domain::message::AmbiguityPolicy;
use engine::settings::Settings;
use testkit::entropy::Chance;
use testkit::settings::usual;

fn tight(chance: &mut Chance, tight: u64, wide: usize) -> usize {
    if chance.happens(50) {
        usize::try_from(1 + chance.below(tight)).unwrap()
    } else {
        wide
    }
}

/// The settings of a seed.
pub fn settings(chance: &mut Chance) -> Settings {
    let mut settings = usual();
    let policies = [AmbiguityPolicy::Resend, AmbiguityPolicy::Hold];
    settings.ambiguity = settings.ambiguity.map(|_| *chance.pick(&policies));
    settings.receipt_timeout = Duration::from_hours(1 + chance.below(72));
    for code in settings.short_codes.values_mut() {
        code.opt_out_scope = *chance.pick(&[OptOutScope::EveryClass, OptOutScope::AllButOtp]);
        code.mps = *chance.pick(&[1, 10, 1_000]);
        code.burst = *chance.pick(&[1, 5, 100]);
    }
    for carrier in settings.carriers.values_mut() {
        carrier.queue_full_tries_max = *chance.pick(&[0, 1, 5]);
        for bind in &mut carrier.binds {
            bind.window_max = *chance.pick(&[1, 2, 10]);
            bind.mps = *chance.pick(&[1, 20, 1_000]);
            bind.burst = *chance.pick(&[1, 3, 100]);
        }
    }
    let bounds = &mut settings.bounds;
    bounds.queue_max = bounds.queue_max.map(|_| tight(chance, 10, 1_000));
    bounds.receipts_pending_max = tight(chance, 8, 1_000);
    bounds.receipts_unmatched_max = tight(chance, 8, 1_000);
    bounds.idempotency_max = tight(chance, 8, 1_000);
    bounds.reassembly_max = tight(chance, 3, 1_000);
    bounds.refusal_keys_max = tight(chance, 3, 1_000);
    bounds.dispatch_batch_max = tight(chance, 5, 256);
    settings
}
