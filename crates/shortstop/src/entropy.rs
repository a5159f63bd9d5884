//! The one place that draws random octets from the system: the engine's `Entropy` port.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use engine::ports::Entropy;

/// The generator of the cryptographic library, seeded by the system.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) {
        if self.0.fill(octets).is_err() {
            // The port's contract: guessable keys are worse than no gateway.
            std::process::abort();
        }
    }
}

/// Random octets for a key that is made here.
pub fn octets<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    SystemEntropy::default().fill(&mut octets);
    octets
}

/// A random word of lower-case letters and digits, such as a password that SMPP can carry.
pub fn word(length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = || {
        let [octet] = octets::<1>();
        let place = usize::from(octet) % LETTERS.len();
        LETTERS.get(place).map_or('a', |letter| char::from(*letter))
    };
    std::iter::repeat_with(letter).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(octets::<32>(), octets::<32>());
        assert_ne!(word(8), word(8));
        assert_eq!(word(8).len(), 8);
    }
}
