//! What every source of chance promises, as far as a test can see it: every octet is drawn, and no draw
//! is like another. That nobody can guess them, no test can show.

use std::collections::BTreeSet;

use engine::ports::Entropy;

/// Octets of a draw that are long enough for two never to be the same by chance.
const LONG: usize = 32;
/// Draws that are compared.
const DRAWS: usize = 200;

/// Runs the scenarios.
pub fn run(entropy: &dyn Entropy) {
    every_octet_is_drawn(entropy);
    no_draw_is_like_another(entropy);
}

fn every_octet_is_drawn(entropy: &dyn Entropy) {
    for length in [1, 7, 8, 9, 12, LONG, 76, 1_000] {
        let mut ever_set = vec![0_u8; length];
        for _ in 0..64 {
            let mut octets = vec![0; length];
            entropy.fill(&mut octets);
            for (seen, octet) in ever_set.iter_mut().zip(octets) {
                *seen |= octet;
            }
        }
        assert!(
            ever_set.iter().all(|seen| *seen == 0xff),
            "of {length} octets"
        );
    }
    entropy.fill(&mut []);
}

fn no_draw_is_like_another(entropy: &dyn Entropy) {
    let draw = || {
        let mut octets = [0; LONG];
        entropy.fill(&mut octets);
        octets
    };
    let draws: BTreeSet<[u8; LONG]> = std::iter::repeat_with(draw).take(DRAWS).collect();
    assert_eq!(draws.len(), DRAWS);
}
