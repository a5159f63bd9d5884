//! Held slots: how many of something may be under way at once. A slot is taken at the beginning and
//! given back at the end; time frees none, and nothing is held over a restart.

/// How many slots a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    most: u32,
}

impl Slots {
    /// At most `most` (1 or more) at once.
    pub fn new(most: u32) -> Self {
        Self { most: most.max(1) }
    }

    /// The most at once.
    pub const fn most(self) -> u32 {
        self.most
    }

    /// How many are left when `held` are held.
    pub fn left(self, held: u64) -> u64 {
        u64::from(self.most).saturating_sub(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_left_are_those_not_held() {
        assert_eq!(Slots::new(3).left(1), 2);
        assert_eq!(Slots::new(3).left(9), 0);
        assert_eq!(Slots::new(0).most(), 1);
    }
}
