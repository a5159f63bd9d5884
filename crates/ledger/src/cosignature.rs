//! Cosignatures of checkpoints (C2SP tlog-cosignature): a witness says that, at a time, this was the
//! largest consistent tree of this log that it had seen. They are signature lines of the same note.
//! Ed25519 (0x04) is signed and verified. ML-DSA-44 (0x06), by which a log may sign its own checkpoints
//! besides, is verified here; its signing draws random octets, so that whoever has the key does it.

use core::fmt;

use aws_lc_rs::signature::Ed25519KeyPair;

use crate::checkpoint::Checkpoint;
use crate::note::key::{KeyName, KeyType, VerifierKey};
use crate::note::signature::Signature;
use crate::note::signer::{self, SignError};
use crate::spelling::LAST_NUMBER;

/// Separates these signatures from all others of the same key.
const HEADER: &str = "cosignature/v1";
/// The same for trees (ML-DSA-44).
const TREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// A witness's key (signature type 0x04). Its name is not signed, so a key has one name only.
pub struct Cosigner {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl Cosigner {
    /// The key of this name from its 32 random octets.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, SignError> {
        let (key, pair) = signer::key_pair(name, KeyType::Cosignature, seed)?;
        Ok(Self { key, pair })
    }

    /// The public half, for those who verify.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    /// Cosigns the text of a checkpoint as of `now`, in POSIX seconds. The caller has checked that
    /// the checkpoint is consistent with every earlier one it cosigned.
    pub fn cosign(&self, text: &str, now: u64) -> Result<Signature, SignError> {
        Checkpoint::parse(text).map_err(|_| SignError::NoCheckpoint)?;
        if now == 0 || now > LAST_NUMBER {
            return Err(SignError::Time);
        }
        let signature = signer::ed25519(&self.pair, message(now, text).as_bytes())?;
        let bytes = [now.to_be_bytes().as_slice(), &signature].concat();
        Ok(Signature::new(
            self.key.name().clone(),
            self.key.id(),
            bytes,
        ))
    }
}

/// The line of an ML-DSA-44 key (0x06) under the text of a checkpoint, as of `now` in POSIX seconds. `sign`
/// signs a message with that key, without a context (FIPS 204), and gives the 2,420 octets.
pub fn ml_dsa_line(
    key: &VerifierKey,
    text: &str,
    now: u64,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, SignError>,
) -> Result<Signature, SignError> {
    if now == 0 || now > LAST_NUMBER {
        return Err(SignError::Time);
    }
    let message = tree_message(key.name(), now, text).ok_or(SignError::NoCheckpoint)?;
    let bytes = [now.to_be_bytes().as_slice(), &sign(&message)?].concat();
    Ok(Signature::new(key.name().clone(), key.id(), bytes))
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({}, masked)", self.key)
    }
}

/// Timestamp and signature of a cosignature's octets. A checkpoint's timestamp is never 0.
pub(crate) fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (timestamp, signature) = bytes.split_first_chunk::<8>()?;
    let timestamp = u64::from_be_bytes(*timestamp);
    (1..=LAST_NUMBER)
        .contains(&timestamp)
        .then_some((timestamp, signature))
}

/// What Ed25519 signs: two lines and the whole text, extension lines too.
pub(crate) fn message(timestamp: u64, text: &str) -> String {
    format!("{HEADER}\ntime {timestamp}\n{text}")
}

/// What ML-DSA-44 signs: name, time and tree, extension lines not. `None` when the text is no
/// checkpoint or a name is too long for its length octet.
pub(crate) fn tree_message(name: &KeyName, timestamp: u64, text: &str) -> Option<Vec<u8>> {
    let checkpoint = Checkpoint::parse(text).ok()?;
    let mut message = TREE_LABEL.to_vec();
    push_short(&mut message, name.as_str())?;
    message.extend_from_slice(&timestamp.to_be_bytes());
    push_short(&mut message, checkpoint.origin())?;
    // The tree of a checkpoint starts at leaf 0.
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size().to_be_bytes());
    message.extend_from_slice(checkpoint.root().as_bytes());
    Some(message)
}

/// One octet of length and the text.
fn push_short(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{KeyPair, ML_DSA_44_SIGNING, PqdsaKeyPair};

    use super::*;
    use crate::leaf::empty_root;
    use crate::note::{Note, VerifyError};

    fn name(text: &str) -> KeyName {
        KeyName::parse(text).unwrap()
    }

    fn text() -> String {
        Checkpoint::new(&name("log.example"), 0, empty_root()).text()
    }

    fn cosigner() -> Cosigner {
        Cosigner::from_seed(name("witness.example/w1"), &[0x63; 32]).unwrap()
    }

    #[test]
    fn a_cosignature_says_when_it_was_made() {
        let mut note = Note::unsigned(text()).unwrap();
        note.sign(cosigner().cosign(&text(), 1_700_000_000).unwrap());
        let keys = [cosigner().verifier_key().clone()];
        let verified = note.verify(&keys).unwrap();
        assert_eq!(verified[0].timestamp, Some(1_700_000_000));
    }

    #[test]
    fn a_cosignature_with_another_time_or_none_is_bad() {
        let keys = [cosigner().verifier_key().clone()];
        let good = cosigner().cosign(&text(), 1_700_000_000).unwrap();
        for timestamp in [0, 1, 1_700_000_001, u64::MAX] {
            let bytes = [timestamp.to_be_bytes().as_slice(), &good.bytes()[8..]].concat();
            let mut note = Note::unsigned(text()).unwrap();
            note.sign(Signature::new(good.name().clone(), good.key_id(), bytes));
            assert!(matches!(
                note.verify(&keys),
                Err(VerifyError::BadSignature { .. })
            ));
        }
    }

    #[test]
    fn only_checkpoints_are_cosigned_and_only_at_a_time_that_can_be_stated() {
        assert_eq!(
            cosigner().cosign("hello\n", 1),
            Err(SignError::NoCheckpoint)
        );
        assert_eq!(cosigner().cosign(&text(), 0), Err(SignError::Time));
        assert_eq!(cosigner().cosign(&text(), 1 << 63), Err(SignError::Time));
    }

    #[test]
    fn an_ml_dsa_cosignature_verifies_and_covers_name_time_and_tree() {
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &[5; 32]).unwrap();
        let key = |label: &str| {
            let public = pair.public_key().as_ref();
            VerifierKey::new(name(label), KeyType::MlDsaCosignature, public).unwrap()
        };
        let ours = key("witness.example/pq");
        assert_eq!(VerifierKey::parse(&ours.to_string()), Ok(ours.clone()));
        let message = tree_message(ours.name(), 9, &text()).unwrap();
        let mut signature = vec![0; 2_420];
        pair.sign(&message, &mut signature).unwrap();
        let signed = |key: &VerifierKey, time: u64, text: String| {
            let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
            let mut note = Note::unsigned(text).unwrap();
            note.sign(Signature::new(key.name().clone(), key.id(), bytes));
            note.verify(core::slice::from_ref(key)).is_ok()
        };
        assert!(signed(&ours, 9, text()));
        assert!(!signed(&ours, 10, text()));
        assert!(!signed(&key("witness.example/other"), 9, text()));
        assert!(!signed(&ours, 9, text().replace("log.", "lag.")));
    }

    #[test]
    fn a_second_line_of_the_log_itself_verifies_and_disturbs_no_other_reader() {
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &[5; 32]).unwrap();
        let log = crate::note::signer::NoteSigner::from_seed(name("log.example"), &[1; 32]);
        let (log, origin) = (log.unwrap(), name("log.example"));
        let public = pair.public_key().as_ref();
        let second = VerifierKey::new(origin, KeyType::MlDsaCosignature, public).unwrap();
        let sign = |message: &[u8]| {
            let mut signature = vec![0; 2_420];
            let signed = pair.sign(message, &mut signature);
            signed.map(|_| signature).map_err(|_| SignError::Refused)
        };
        let line = ml_dsa_line(&second, &text(), 1_700_000_000, sign).unwrap();
        let mut note = Note::unsigned(text()).unwrap();
        note.sign(log.sign(&text()).unwrap());
        note.sign(line);
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read.signatures().len(), 2);
        let first = log.verifier_key().clone();
        for keys in [
            vec![first.clone()],
            vec![second.clone()],
            vec![first, second.clone()],
        ] {
            assert_eq!(read.verify(&keys).unwrap().len(), keys.len());
        }
        let other = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        let known = signed_note::StandardVerifier::new(&log.verifier_key().to_string()).unwrap();
        let list = signed_note::VerifierList::new(vec![Box::new(known)]);
        let (good, unknown) = other.verify(&list).unwrap();
        assert_eq!((good.len(), unknown.len()), (1, 1));
        assert_eq!(ml_dsa_line(&second, &text(), 0, sign), Err(SignError::Time));
        assert_eq!(
            ml_dsa_line(&second, "x\n", 1, sign),
            Err(SignError::NoCheckpoint)
        );
    }

    #[test]
    fn a_private_key_never_shows_itself() {
        assert!(format!("{:?}", cosigner()).ends_with("masked)"));
    }
}
