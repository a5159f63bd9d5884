//! A conversation with an authority: its directory, our account there, and requests that are signed, each with a nonce
//! that is used once (RFC 8555 section 6.5).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use http::{StatusCode, Uri};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::account_key::{AccountKey, Signer};
use super::binding::ExternalAccount;
use super::directory::Directory;
use super::problem::AcmeError;
use crate::outgoing::{
    Answered, Place, PlaceError, Post, Roots, Trust, Wire, connector, look, open, post,
};

/// What a signed request is.
const JOSE: &str = "application/jose+json";
/// The header with the next nonce.
const NONCE: &str = "replay-nonce";
/// A nonce may be too old; so often another one is tried.
const NONCES_MAX: usize = 4;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an authority is, and whom we believe to be it.
#[derive(Clone, Debug)]
pub struct AcmePlace {
    /// The URL of its directory.
    pub directory: String,
    /// Whose certificates are believed.
    pub roots: Roots,
}

/// An account that an authority knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its URL.
    pub url: String,
}

/// A conversation with an authority.
pub struct AcmeClient {
    connector: TlsConnector,
    directory: Directory,
    key: AccountKey,
    account: Account,
    nonce: Mutex<Option<String>>,
}

impl std::fmt::Debug for AcmeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AcmeClient({})", self.account.url)
    }
}

impl AcmePlace {
    /// Whether it can be asked at all.
    pub fn check(&self) -> Result<(), AcmeError> {
        protected(&self.directory)?;
        connector(&self.roots)?;
        Ok(())
    }
}

impl AcmeClient {
    /// Opens the account of this key: the one that there is, or a new one. The caller has agreed to the authority's
    /// terms.
    pub async fn open(
        place: &AcmePlace,
        key: AccountKey,
        contact: &[String],
        external: Option<&ExternalAccount>,
    ) -> Result<Self, AcmeError> {
        let connector = connector(&place.roots)?;
        let answered = read(&connector, &place.directory).await?;
        if answered.status != StatusCode::OK {
            return Err(AcmeError::of(&answered));
        }
        let directory: Directory = serde_json::from_slice(&answered.body)
            .map_err(|_| AcmeError::Unsound("the URL leads to no directory of an authority"))?;
        let mut client = Self {
            connector,
            directory,
            key,
            account: Account { url: String::new() },
            nonce: Mutex::new(None),
        };
        client.account = client.new_account(contact, external).await?;
        Ok(client)
    }

    /// Our account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    pub(super) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) const fn key(&self) -> &AccountKey {
        &self.key
    }

    /// An account that is there already is answered with its URL as a new one is (RFC 8555 section 7.3.1).
    async fn new_account(
        &self,
        contact: &[String],
        external: Option<&ExternalAccount>,
    ) -> Result<Account, AcmeError> {
        let url = self.directory.new_account.clone();
        let mut asked = json!({"termsOfServiceAgreed": true});
        if let Some(members) = asked.as_object_mut() {
            if !contact.is_empty() {
                members.insert("contact".to_owned(), json!(contact));
            }
            if let Some(external) = external {
                let bound = self.key.bound((&external.id, &external.secret), &url);
                let bound: Value = serde_json::from_str(&bound).unwrap_or_default();
                members.insert("externalAccountBinding".to_owned(), bound);
            }
        }
        let answered = self.signed(&Signer::Key, &url, &asked.to_string()).await?;
        let url = location(&answered);
        let unsound = AcmeError::Unsound("the authority gives no URL of the account");
        Ok(Account {
            url: url.ok_or(unsound)?,
        })
    }

    /// Asks in the account's name; an empty payload reads.
    pub(super) async fn ask(&self, url: &str, payload: &str) -> Result<Answered, AcmeError> {
        self.signed(&Signer::Account(&self.account.url), url, payload)
            .await
    }

    /// The same, with an answer in JSON.
    pub(super) async fn ask_json<T: DeserializeOwned>(
        &self,
        url: &str,
        payload: &str,
    ) -> Result<(T, Answered), AcmeError> {
        let answered = self.ask(url, payload).await?;
        let read = serde_json::from_slice(&answered.body);
        let read =
            read.map_err(|_| AcmeError::Unsound("an answer of the authority cannot be read"))?;
        Ok((read, answered))
    }

    /// Reads what needs no signature.
    pub(super) async fn read(&self, url: &str) -> Result<Answered, AcmeError> {
        read(&self.connector, url).await
    }

    async fn signed(
        &self,
        signer: &Signer<'_>,
        url: &str,
        payload: &str,
    ) -> Result<Answered, AcmeError> {
        let mut tries = 0;
        loop {
            let nonce = self.next_nonce().await?;
            let body = self.key.signed(signer, (url, &nonce), payload)?;
            let answered = send(&self.connector, url, body).await?;
            self.keep_nonce(&answered);
            if answered.status.is_success() {
                return Ok(answered);
            }
            let error = AcmeError::of(&answered);
            tries += 1;
            if !error.is_of("badNonce") || tries == NONCES_MAX {
                return Err(error);
            }
        }
    }

    async fn next_nonce(&self) -> Result<String, AcmeError> {
        if let Some(nonce) = self.nonce().take() {
            return Ok(nonce);
        }
        let answered = self.read(&self.directory.new_nonce).await?;
        let nonce = nonce_of(&answered);
        nonce.ok_or(AcmeError::Unsound("the authority gives no nonce"))
    }

    fn keep_nonce(&self, answered: &Answered) {
        *self.nonce() = nonce_of(answered);
    }

    fn nonce(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nonce_of(answered: &Answered) -> Option<String> {
    let value = answered.headers.get(NONCE)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The URL of what an answer has made.
pub(super) fn location(answered: &Answered) -> Option<String> {
    let value = answered.headers.get(LOCATION)?.to_str().ok()?;
    Some(value.to_owned())
}

async fn read(connector: &TlsConnector, url: &str) -> Result<Answered, AcmeError> {
    let way = way(connector, url)?;
    let request = look(&way.place, &way.path, Vec::new())?;
    let asked = async { open(&way.place, &way.trust).await?.ask(request).await };
    let answered = timeout(PATIENCE, asked).await;
    Ok(answered.map_err(|_| AcmeError::Late)??)
}

async fn send(connector: &TlsConnector, url: &str, body: String) -> Result<Answered, AcmeError> {
    let way = way(connector, url)?;
    let asked = Post {
        path: way.path,
        content_type: JOSE,
        fields: Vec::new(),
        body: Bytes::from(body),
    };
    let asked = timeout(PATIENCE, post(&way.place, &way.trust, asked));
    Ok(asked.await.map_err(|_| AcmeError::Late)??)
}

/// The way to what a URL names.
struct Way {
    place: Place,
    trust: Trust,
    /// With its query, to the octet: a request is signed for the URL as the authority gave it.
    path: String,
}

fn way(connector: &TlsConnector, url: &str) -> Result<Way, AcmeError> {
    let place = protected(url)?;
    let Wire::Tls(name) = &place.wire else {
        return Err(PlaceError::Scheme.into());
    };
    let uri: Uri = url.parse().map_err(|_| PlaceError::Form)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(Way {
        trust: Trust::Tls(connector.clone(), name.clone()),
        path: path.to_owned(),
        place,
    })
}

/// An authority is asked over HTTPS alone (RFC 8555 section 6.1). Its URLs may have queries.
fn protected(url: &str) -> Result<Place, PlaceError> {
    let (bare, query) = url.split_once('?').unwrap_or((url, ""));
    let place = Place::parse(bare)?;
    match place.wire {
        Wire::Tls(_) if !query.contains('#') => Ok(place),
        Wire::Tls(_) => Err(PlaceError::Form),
        Wire::Loopback => Err(PlaceError::Scheme),
    }
}
