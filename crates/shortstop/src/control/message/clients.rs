//! Clients over the control socket: one to make, and how they are shown.

use domain::class::TrafficClass;
use domain::sender::ShortCode;
use domain::signature::Algorithm;
use domain::time::Timestamp;
use engine::rows::{ApiKeyRow, AuthMode, CertificateName, CertificateRow, ClientRow};
use serde::{Deserialize, Serialize};
use web::twilio::sid::{AccountSid, ApiKeySid, PublicKeySid};

/// A client to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClientAsked {
    /// Its name, for people.
    pub name: String,
    /// What it may call, such as `messages:send`.
    pub scopes: Vec<String>,
    /// The short codes it may use.
    pub short_codes: Vec<ShortCode>,
    /// The classes it may send.
    pub classes: Vec<TrafficClass>,
    /// The networks it may come from (CIDR); empty means any.
    pub networks: Vec<String>,
    /// When its key ends, in RFC 3339.
    pub expires: Option<String>,
    /// What its requests must show.
    #[serde(default)]
    pub auth: AuthMode,
    /// The certificates that it may show.
    #[serde(default)]
    pub certificates: Vec<CertificateRow>,
    /// Names of which a certificate may have one instead.
    #[serde(default)]
    pub certificate_names: Vec<CertificateName>,
    /// What sort of key it gets.
    #[serde(default)]
    pub key: KeyAsked,
}

/// A sort of key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAsked {
    /// One that is shown with each request.
    #[default]
    Bearer,
    /// A secret to sign requests with.
    HmacSha256,
    /// The public half of an Ed25519 key: 64 hex digits.
    Ed25519(String),
    /// The public half of an RSA key: the DER of PKCS #1 in hex digits.
    Rsa(String),
}

/// A client as the command line shows it. Hashes of keys stay in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientShown {
    /// Its id.
    pub id: String,
    /// The same as applications of Twilio's write it: `AC…`.
    #[serde(default)]
    pub account_sid: String,
    /// Its name.
    pub name: String,
    /// What it may call.
    pub scopes: Vec<String>,
    /// The short codes it may use.
    pub short_codes: Vec<String>,
    /// The classes it may send.
    pub classes: Vec<String>,
    /// The networks it may come from; empty means any.
    pub networks: Vec<String>,
    /// What its requests must show: `key`, `key+mtls` or `signed`.
    pub auth: AuthMode,
    /// The certificates that it may show.
    pub certificates: Vec<CertificateShown>,
    /// Names of which a certificate may have one instead.
    #[serde(default)]
    pub certificate_names: Vec<CertificateName>,
    /// Its keys.
    pub keys: Vec<KeyShown>,
    /// When it was made.
    pub created: String,
    /// When it was revoked as a whole.
    pub revoked: Option<String>,
    /// The new key, this once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api_key: Option<String>,
    /// The new secret to sign requests with, this once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signing_secret: Option<String>,
}

/// A certificate as the command line shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateShown {
    /// Its SHA-256, 64 hex digits.
    pub sha256: String,
    /// When it ends.
    pub expires: String,
}

/// A key as the command line shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyShown {
    /// Its id.
    pub id: String,
    /// The same as applications of Twilio's write it: `SK…`, of a key to sign with `CR…`.
    #[serde(default)]
    pub sid: String,
    /// How it is used: `bearer`, `hmac-sha256` or `ed25519`.
    pub method: String,
    /// When it was made.
    pub created: String,
    /// When it was last used, as far as that is known: exactly since the start, to the day before it.
    pub used: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
    /// When it was revoked, or will be.
    pub revoked: Option<String>,
}

impl From<&ClientRow> for ClientShown {
    fn from(row: &ClientRow) -> Self {
        Self {
            id: row.id.to_string(),
            account_sid: AccountSid::of(row.id).to_string(),
            name: row.name.clone(),
            scopes: row.scopes.clone(),
            short_codes: row.short_codes.iter().map(ToString::to_string).collect(),
            classes: row.classes.iter().map(|class| class.to_string()).collect(),
            networks: row.networks.clone(),
            auth: row.auth,
            certificates: row
                .certificates
                .iter()
                .map(CertificateShown::from)
                .collect(),
            certificate_names: row.certificate_names.clone(),
            keys: row.keys.iter().map(KeyShown::from).collect(),
            created: row.created.to_string(),
            revoked: moment(row.revoked),
            api_key: None,
            signing_secret: None,
        }
    }
}

impl From<&CertificateRow> for CertificateShown {
    fn from(row: &CertificateRow) -> Self {
        Self {
            sha256: row.sha256.to_string(),
            expires: row.expires.to_string(),
        }
    }
}

impl From<&ApiKeyRow> for KeyShown {
    fn from(row: &ApiKeyRow) -> Self {
        let sid = match row.method.algorithm() {
            None => ApiKeySid::of(row.id).to_string(),
            Some(_) => PublicKeySid::of(row.id).to_string(),
        };
        Self {
            id: row.id.to_string(),
            sid,
            method: row
                .method
                .algorithm()
                .map_or("bearer", Algorithm::as_str)
                .to_owned(),
            created: row.created.to_string(),
            used: moment(row.used),
            expires: moment(row.expires),
            revoked: moment(row.revoked),
        }
    }
}

fn moment(moment: Option<Timestamp>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}
