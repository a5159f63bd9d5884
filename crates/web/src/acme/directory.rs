//! What an authority offers, and where (RFC 8555 section 7.1.1).

use serde::Deserialize;

/// Where each act is done.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    /// Where it says when to renew, if it does (RFC 9773).
    #[serde(default)]
    pub(super) renewal_info: Option<String>,
}
