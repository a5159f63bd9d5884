//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a retry with the same key and
//! payload gets the first result again instead of a second message.

use std::fmt;
use std::time::Duration;

use domain::id::ClientId;
use domain::webhook::Target;

use crate::client::Caller;
use crate::keys::{Blind, BlindKeys};
use crate::rows::IdempotencyRow;
use crate::submit::{SubmitRequest, Submitted};

/// The longest key, in characters.
const KEY_MAX: usize = 255;

/// A key that a client chose, 1 to 255 printable ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(Box<str>);

/// The text is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 printable ASCII characters, with or without quotes around them")]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Takes the header's value: a structured-field string (quoted), or the bare characters that
    /// many clients send.
    pub fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        let quoted = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let key = quoted.unwrap_or(text);
        let plain = |octet: u8| (0x20..0x7f).contains(&octet) && octet != b'"' && octet != b'\\';
        if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(plain) {
            return Err(IdempotencyKeyError);
        }
        Ok(Self(key.into()))
    }

    /// The characters.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(masked)")
    }
}

/// A key as it is kept: whose it is, and hashes of it and of the payload.
pub(crate) struct Claim {
    pub(crate) client: ClientId,
    pub(crate) key: Blind,
    pub(crate) fingerprint: Blind,
}

impl Claim {
    /// `item` is 0 for a single message, and its place from 1 in a batch: each is answered by itself.
    pub(crate) fn new(
        keys: &BlindKeys,
        caller: &Caller,
        key: &IdempotencyKey,
        item: u32,
        request: &SubmitRequest,
    ) -> Self {
        let client = caller.client.to_bytes();
        let name: [&[u8]; 4] = [b"key", &client, &item.to_be_bytes(), key.0.as_bytes()];
        Self {
            client: caller.client,
            key: keys.idempotency(&name),
            fingerprint: fingerprint(keys, request),
        }
    }

    /// The record of what the key brought.
    pub(crate) fn row(&self, answer: &Submitted, keep: Duration) -> IdempotencyRow {
        IdempotencyRow {
            message: answer.id,
            client: Some(self.client),
            key: self.key,
            fingerprint: self.fingerprint,
            expires: answer.created.saturating_add(keep).max(answer.expires),
        }
    }
}

/// Two payloads have the same fingerprint when every field says the same, however it was written.
fn fingerprint(keys: &BlindKeys, request: &SubmitRequest) -> Blind {
    let valid_for = request
        .valid_for
        .map_or(u64::MAX, |valid_for| valid_for.as_secs());
    let code = request.from.to_string();
    let some = |text: &Option<Box<str>>| text.as_ref().map_or(String::new(), |t| format!("={t}"));
    let (reference, campaign) = (some(&request.reference), some(&request.campaign));
    let (to, valid_for) = (request.to.reveal().to_be_bytes(), valid_for.to_be_bytes());
    let callback = request.callback.as_ref().map(Target::url);
    let mut parts: Vec<&[u8]> = vec![
        b"payload",
        &to,
        code.as_bytes(),
        request.text.reveal().as_bytes(),
        request.class.as_str().as_bytes(),
        reference.as_bytes(),
        campaign.as_bytes(),
        &valid_for,
    ];
    parts.extend(callback.as_deref().map(str::as_bytes));
    keys.idempotency(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_and_odd_characters_refused() {
        let parse = IdempotencyKey::parse;
        assert_eq!(parse("\"abc-1\""), parse("abc-1"));
        for wrong in ["", "\"\"", "a\"b", "a\u{e9}", "a\nb", &"x".repeat(256)] {
            assert_eq!(parse(wrong), Err(IdempotencyKeyError), "{wrong:?}");
        }
    }
}
