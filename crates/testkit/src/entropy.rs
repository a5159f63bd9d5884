//! Chance that can be repeated: the same seed gives the same octets. Never a source of real keys.

use std::sync::Mutex;

use engine::ports::Entropy;

/// A small generator (SplitMix64), for tests only: whoever knows the seed knows everything.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The generator of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something happens that does so in `percent` of a hundred cases.
    pub const fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let count = u64::try_from(choices.len()).unwrap();
        &choices[usize::try_from(self.below(count)).unwrap()]
    }
}

/// The entropy port with a seed.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<Chance>);

impl SeededEntropy {
    /// The entropy of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(Chance::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, octets: &mut [u8]) {
        let mut chance = self.0.lock().unwrap();
        for chunk in octets.chunks_mut(8) {
            let fresh = chance.next().to_le_bytes();
            chunk.copy_from_slice(&fresh[..chunk.len()]);
        }
    }
}
