//! SipHash with 128 bits of result (Aumasson and Bernstein 2012, and the authors' 128-bit variant) over
//! whole words of 64 bits. Keyed, so that nobody without the key can choose two inputs that meet.

/// A hash under way, with `C` rounds a word and `D` at the end.
#[derive(Clone, Copy)]
pub(super) struct SipHash<const C: usize, const D: usize> {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
    words: u64,
}

impl<const C: usize, const D: usize> SipHash<C, D> {
    /// Begins under a key of 128 bits.
    #[inline]
    pub(super) const fn new(key: [u64; 2]) -> Self {
        let [k0, k1] = key;
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
            words: 0,
        }
    }

    /// Eight octets more, the first lowest.
    #[inline]
    pub(super) fn word(&mut self, word: u64) {
        self.v3 ^= word;
        for _ in 0..C {
            self.round();
        }
        self.v0 ^= word;
        self.words += 1;
    }

    /// The hash, as two words.
    #[inline]
    pub(super) fn finish(mut self) -> [u64; 2] {
        let length = self.words.wrapping_mul(8) << 56;
        self.word(length);
        self.v2 ^= 0xee;
        let first = self.end();
        self.v1 ^= 0xdd;
        [first, self.end()]
    }

    #[inline]
    fn end(&mut self) -> u64 {
        for _ in 0..D {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const C: usize, const D: usize>(words: u64, expected: u128) {
        let word = |first: u64| {
            u64::from_le_bytes(core::array::from_fn(|i| {
                u8::try_from(first + u64::try_from(i).unwrap()).unwrap()
            }))
        };
        let mut hash = SipHash::<C, D>::new([word(0), word(8)]);
        for place in 0..words {
            hash.word(word(place * 8));
        }
        let octets = hash.finish().map(u64::to_le_bytes).concat();
        assert_eq!(octets, expected.to_be_bytes(), "{words} words");
    }

    /// The first is the authors' `vectors_sip128`; all six were computed with OpenSSL 3.0.
    #[test]
    fn it_is_the_hash_of_its_authors() {
        check::<2, 4>(0, 0xA381_7F04_BA25_A8E6_6DF6_7214_C755_0293);
        check::<2, 4>(1, 0x3B62_A9BA_6258_F561_0F83_E264_F314_97B4);
        check::<2, 4>(3, 0x2DB4_79AE_78BD_50D8_882A_8A17_8A61_32AD);
        check::<1, 3>(0, 0xE77E_BCB2_2788_A5BE_FD62_DB6A_DD30_3001);
        check::<1, 3>(1, 0xAA12_FEE1_D5E3_DAB4_724F_16AB_35F9_C799);
        check::<1, 3>(3, 0x9E4B_F837_BCFD_92CA_CE09_D206_1A84_D04A);
    }
}
