//! The log's second key: the seed of ML-DSA-44 in a file of its own, made when it is first asked for, and
//! beside the store its public half, which never changes again.

use aws_lc_rs::signature::{KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use engine::ports::SecondKey;
use ledger::note::key::KeyType;
use ledger::note::signer::SignError;
use ledger::{KeyName, VerifierKey};

use crate::folder::{DataFolder, write_private};
use crate::log_key::{LogKeyError, make, read, read_record};

/// Octets of a signature (FIPS 204, table 2).
const SIGNATURE: usize = 2_420;

/// The key, ready to sign.
pub struct MlDsaKey {
    key: VerifierKey,
    pair: PqdsaKeyPair,
}

impl MlDsaKey {
    /// The second key of the data folder's log, which has this origin.
    pub fn find(folder: &DataFolder, origin: &KeyName) -> Result<Self, LogKeyError> {
        let (place, record) = (folder.log_second_key(), folder.log_second_vkey());
        let recorded = read_record(&record)?;
        if recorded.is_none() && !place.exists() {
            make(&place)?;
        }
        let seed = read(&place)?;
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed.as_ref());
        let pair = pair.map_err(|_| SignError::Seed)?;
        let public = pair.public_key().as_ref();
        let key = VerifierKey::new(origin.clone(), KeyType::MlDsaCosignature, public)?;
        match recorded {
            Some(recorded) if recorded != key => return Err(LogKeyError::OtherKey(place, record)),
            Some(_) => {}
            None => {
                let line = format!("{key}\n");
                write_private(&record, line.as_bytes()).map_err(LogKeyError::Unwritable)?;
            }
        }
        Ok(Self { key, pair })
    }
}

impl SecondKey for MlDsaKey {
    fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; SIGNATURE];
        let signed = self.pair.sign(message, &mut signature);
        signed.map(|_| signature).map_err(|_| SignError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_key_is_made_once_and_never_replaced() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(&place.path().join("data")).unwrap();
        let origin = KeyName::parse("log.example").unwrap();
        let find = || MlDsaKey::find(&folder, &origin).map(|found| found.key);
        let first = find().unwrap();
        assert_eq!(first.kind(), KeyType::MlDsaCosignature);
        assert_eq!(find().unwrap(), first);
        std::fs::remove_file(folder.log_second_key()).unwrap();
        assert!(matches!(find(), Err(LogKeyError::Lost(_))));
        write_private(&folder.log_second_key(), &[9; 32]).unwrap();
        assert!(matches!(find(), Err(LogKeyError::OtherKey(..))));
    }
}
