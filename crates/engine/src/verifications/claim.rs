//! Idempotency keys of starts. They are kept among those of messages, under names of their own; in the
//! place of a message's id stand the octets of the verification's.

use domain::id::{MessageId, VerificationId};
use domain::time::Timestamp;
use domain::verification::tag::CodeKey;

use super::on_factor::StartOnFactor;
use super::start::StartVerification;
use crate::client::Caller;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::keys::BlindKeys;
use crate::rows::IdempotencyRow;

impl Claim {
    /// The claim of a start. Two payloads have the same fingerprint when every field says the same.
    pub(super) fn of_start(
        keys: &BlindKeys,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &StartVerification,
    ) -> Self {
        let client = caller.client.to_bytes();
        Self {
            client: caller.client,
            key: keys.idempotency(&[b"verification", &client, key.reveal().as_bytes()]),
            fingerprint: fingerprint(keys, request),
        }
    }

    /// The claim of a start that asks for a factor.
    pub(super) fn of_factor_start(
        keys: &BlindKeys,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &StartOnFactor,
    ) -> Self {
        let client = caller.client.to_bytes();
        let binding = request.binding.digest(&CodeKey::from_bytes([0; 32]));
        Self {
            client: caller.client,
            key: keys.idempotency(&[b"verification", &client, key.reveal().as_bytes()]),
            fingerprint: keys.idempotency(&[
                b"verification of a factor",
                &request.factor.to_bytes(),
                request.kind.as_str().as_bytes(),
                request.purpose.kind().as_bytes(),
                request.purpose.reveal().as_bytes(),
                binding.reveal(),
            ]),
        }
    }

    /// The record of the verification that the key brought.
    pub(super) fn row_of_start(
        &self,
        id: VerificationId,
        end: Timestamp,
    ) -> Option<IdempotencyRow> {
        Some(IdempotencyRow {
            message: MessageId::from_bytes(id.to_bytes())?,
            client: Some(self.client),
            key: self.key,
            fingerprint: self.fingerprint,
            expires: end,
        })
    }
}

/// The verification that stands in the place of a message's id.
pub(super) fn verification(id: MessageId) -> Option<VerificationId> {
    VerificationId::from_bytes(id.to_bytes())
}

fn fingerprint(keys: &BlindKeys, request: &StartVerification) -> [u8; 16] {
    let from = request.from.map_or(String::new(), |code| code.to_string());
    let locales = format!("{:?}", request.locales);
    let last_line = format!("{:?}", request.last_line);
    let length = request
        .length
        .map_or(0, domain::verification::code::CodeLength::digits);
    // The digest leaves as a keyed hash only, so that its own key need not be secret.
    let binding = request.binding.digest(&CodeKey::from_bytes([0; 32]));
    keys.idempotency(&[
        b"verification",
        &request.to.reveal().to_be_bytes(),
        from.as_bytes(),
        request.channel.as_str().as_bytes(),
        request.purpose.kind().as_bytes(),
        request.purpose.reveal().as_bytes(),
        locales.as_bytes(),
        last_line.as_bytes(),
        &[length],
        binding.reveal(),
    ])
}
