//! Values that live and die with a sealed row: they are sealed under a key that is derived from the row's data key,
//! which nothing else has. When the row is destroyed, nothing opens them any more.

use aws_lc_rs::aead::{LessSafeKey, NONCE_LEN};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::{KEY_LEN, OpenError, Vault, aead_key, open, place, seal};
use crate::rows::VaultRow;

impl Vault {
    /// Seals a value beside a row. At most one value of each name may ever be sealed beside a row: the key is the
    /// same each time. `None` when the row does not open.
    pub(crate) fn seal_beside(&self, row: &VaultRow, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let (key, context) = self.beside(row, name).ok()?;
        seal(&key, [0; NONCE_LEN], &context, value)
    }

    /// Opens a value that was sealed beside a row.
    pub(crate) fn open_beside(
        &self,
        row: &VaultRow,
        name: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (key, context) = self.beside(row, name)?;
        open(&key, &context, sealed)
    }

    fn beside(&self, row: &VaultRow, name: &str) -> Result<(LessSafeKey, [u8; 13]), OpenError> {
        let kek = self.kek(row.purpose, row.week).ok_or(OpenError::NoKey)?;
        let context = place(row.owner, row.purpose, row.week);
        let keys = open(&kek, &context, &row.wrapped)?;
        let data_key = keys.get(..KEY_LEN).ok_or(OpenError::Damaged)?;
        let mut root = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, data_key));
        root.update(b"shortstop/v1/beside/");
        root.update(name.as_bytes());
        let mut derived = Zeroizing::new([0; KEY_LEN]);
        derived.copy_from_slice(root.sign().as_ref());
        let key = aead_key(derived.as_ref()).ok_or(OpenError::Damaged)?;
        Ok((key, context))
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;
    use crate::keys::MasterKey;
    use crate::ports::Entropy;
    use crate::rows::Purpose;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    /// Chance that is another each time.
    struct Chance(std::sync::atomic::AtomicU8);

    impl Entropy for Chance {
        fn fill(&self, octets: &mut [u8]) {
            for octet in octets {
                *octet = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn what_lies_beside_a_row_opens_with_it_and_with_nothing_else() {
        let vault = Vault::new(&MasterKey::from_bytes([7; 32]));
        let chance = Chance(0.into());
        vault.take_in(vault.draw(&[NOW], &chance));
        let row = |owner| {
            let sealed = vault.seal(owner, Purpose::Number, b"+447700900123", &chance, NOW);
            sealed.unwrap().row
        };
        let (one, two) = (row(1), row(2));
        let sealed = vault
            .seal_beside(&one, "callback", b"https://a.example/")
            .unwrap();
        let opened = vault.open_beside(&one, "callback", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"https://a.example/");
        assert!(!sealed.windows(9).any(|window| window == b"a.example"));
        for (row, name) in [(&two, "callback"), (&one, "other")] {
            assert!(vault.open_beside(row, name, &sealed).is_err());
        }
        let gone = VaultRow::tombstone(1, Purpose::Number, 9);
        assert!(vault.open_beside(&gone, "callback", &sealed).is_err());
        let mut changed = sealed;
        changed[20] ^= 1;
        assert!(vault.open_beside(&one, "callback", &changed).is_err());
    }
}
