//! Who comes in, by whatever a request shows. A key is looked up; a signature is verified, must be of this time, and
//! is taken once. What must survive a crash for that is durable before the request is answered. Failures are
//! counted in the ledger.

use std::net::IpAddr;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{ClientId, KeyId};
use domain::signature::{Algorithm, Claims, Padding, RsaKey, VerifyingKey};
use domain::time::Timestamp;
use ledger::{Kind, Outcome};

use crate::client::{
    ApiKey, AuthError, Caller, Credential, NotAccepted, Origin, Presented, Proof, SignedRequest,
};
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::nonces::{LEAD, NonceBounds, Nonces, Seen, Use, WINDOW};
use crate::rows::{ApiKeyRow, all_octets_of_hex, octets_of_hex};

/// When a client's clock runs ahead, so much more than it needs is recorded at once: it buys a sync each half
/// minute at most, and after a start waits for as long at most.
const LEAD_STEP: Duration = Duration::from_secs(30);

impl Gateway {
    /// Who shows this credential, and what that one may do.
    pub fn authenticate(&self, credential: &str, source: IpAddr) -> Result<Caller, AuthError> {
        let from = Origin {
            source,
            certificate: None,
        };
        let now = self.now();
        let found = self.clients_now().authenticate(credential, from, now);
        found.map_err(|not| self.not_accepted(not, source, now))
    }

    /// Who asks, by all that the request shows. A signature is taken once: ask once.
    pub async fn recognise(&self, shown: &Presented<'_>) -> Result<Caller, AuthError> {
        let now = self.now();
        let from = Origin {
            source: shown.source,
            certificate: shown
                .certificate
                .as_ref()
                .filter(|shown| shown.is_valid(now)),
        };
        let found = match &shown.credential {
            Credential::Bearer(key) => self.clients_now().authenticate(key, from, now),
            Credential::Named(name, key) => {
                self.clients_now()
                    .authenticate_named((*name, key), from, now)
            }
            Credential::Signed(signed) => self.signed(signed, from, now).await,
            Credential::Unsound(error) => Err((error.clone().into(), None)),
        };
        found.map_err(|not| self.not_accepted(not, shown.source, now))
    }

    async fn signed(
        &self,
        signed: &SignedRequest<'_>,
        from: Origin<'_>,
        now: Timestamp,
    ) -> Result<Caller, NotAccepted> {
        let claims = signed.claims;
        if !is_of_now(claims, now) {
            return Err((AuthError::Stale, None));
        }
        let known = self.clients_now().signer(&claims.key_id);
        let known = known.ok_or((AuthError::Unknown, None))?;
        let refuse = |error| (error, Some(known.client));
        let key = self
            .verifying(&known.key, signed.padding)
            .ok_or(refuse(AuthError::Unknown))?;
        let is_other = |named: Algorithm| named != key.algorithm();
        if claims.algorithm.is_some_and(is_other)
            || !key.verifies(signed.base.as_bytes(), signed.signature)
        {
            return Err(refuse(AuthError::WrongSignature));
        }
        let caller = known.admit(Proof::Signed, from, now)?;
        self.take_nonce((known.client, known.key.id), claims, now)
            .await
            .map_err(refuse)?;
        known.was_used(now);
        Ok(caller)
    }

    /// The key that verifies what was signed with this one.
    fn verifying(&self, key: &ApiKeyRow, padding: Option<Padding>) -> Option<VerifyingKey> {
        match (key.method.algorithm()?, key.method.public()) {
            (Algorithm::RsaSha256, Some(public)) => {
                let key = RsaKey::of_pkcs1(&all_octets_of_hex(public)?)?;
                Some(VerifyingKey::Rsa(key, padding?))
            }
            (Algorithm::Ed25519, Some(public)) => VerifyingKey::ed25519(&octets_of_hex(public)?),
            (Algorithm::HmacSha256, None) => {
                let secret = self.signing_secret(key.id);
                Some(VerifyingKey::hmac(secret.reveal().as_bytes()))
            }
            _ => None,
        }
    }

    /// The secret of a key that the gateway knows too. It is derived, so that none lies anywhere.
    pub(crate) fn signing_secret(&self, key: KeyId) -> ApiKey {
        ApiKey::signing_secret(self.blind().signing(key))
    }

    async fn take_nonce(
        &self,
        (client, key): (ClientId, KeyId),
        claims: &Claims,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let settings = self.settings();
        let bounds = NonceBounds {
            all_max: settings.bounds.nonces_max,
            client_max: settings.bounds.client_nonces_max,
        };
        let used = Use {
            client,
            key,
            nonce: &claims.nonce,
            created: claims.created,
        };
        let seen = self.nonces().take(used, bounds, now);
        match seen {
            Seen::First => {}
            Seen::Before => return Err(AuthError::Replayed),
            Seen::TooOld => return Err(AuthError::BeforeStart),
            Seen::Full => return Err(AuthError::NoncesFull),
        }
        if claims.created <= now.saturating_add(LEAD).seconds() {
            return Ok(());
        }
        self.keep_lead((client, key), claims.created, now).await
    }

    /// Makes durable that signatures up to this second were taken: the next start will know of no nonce.
    async fn keep_lead(
        &self,
        (client, key_id): (ClientId, KeyId),
        created: u64,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let turn = self.client_turn().await;
        let row = self.clients_now().get(client).cloned();
        let mut row = row.ok_or(AuthError::Unknown)?;
        let created = Timestamp::from_seconds(created);
        let key = row.keys.iter_mut().find(|key| key.id == key_id);
        let key = key.ok_or(AuthError::Unknown)?;
        if key.ahead.is_some_and(|until| until >= created) {
            return Ok(());
        }
        let until = created.saturating_add(LEAD_STEP);
        key.ahead = Some(until);
        let entry = entries::clients::ahead(client, key_id, until);
        let kept = self.commit_client(entry, row, now, Some(turn)).await;
        kept.map_err(|_| AuthError::Unavailable)
    }

    /// Nothing that was taken before is known: `last` is when the life before can have ended at the latest.
    pub(crate) fn begin_nonces(&self, last: Timestamp) {
        let leads: Vec<_> = self
            .clients_now()
            .all()
            .flat_map(|row| &row.keys)
            .filter_map(|key| Some((key.id, key.ahead?.seconds())))
            .collect();
        self.nonces().begin(last, leads.into_iter());
    }

    /// Lets nonces go whose time is over, also when no signed request comes any more.
    pub(crate) fn let_nonces_go(&self) {
        let now = self.now();
        self.nonces().let_go(now);
    }

    /// The nonces, locked for a moment.
    pub(crate) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was not accepted; gives what to answer.
    pub(crate) fn not_accepted(
        &self,
        (error, client): (AuthError, Option<ClientId>),
        source: IpAddr,
        now: Timestamp,
    ) -> AuthError {
        if error == AuthError::NoncesFull {
            // No guess, and not the client's doing alone: it is no entry, but whoever looks must see it.
            let counter = Counter::AuthFailed(error.code());
            self.state().counters.add(counter, 1);
        }
        if matches!(error, AuthError::NoncesFull | AuthError::Unavailable) {
            return error;
        }
        // After a start everybody meets this for some seconds, with a good key: that is no guess.
        if error != AuthError::BeforeStart
            && let Err(throttled) = self.take_failed_login(source)
        {
            return self.login_throttled(source, throttled, now);
        }
        let who = client.map_or_else(
            || Who::network(source),
            |client| Who::client_at(client, source),
        );
        let mut state = self.state();
        let reason = error.code();
        state
            .coalescer
            .count(Kind::AuthFailed, Outcome::Refused, who, reason, now);
        state.counters.add(Counter::AuthFailed(reason), 1);
        error
    }
}

fn is_of_now(claims: &Claims, now: Timestamp) -> bool {
    let near = claims.created.abs_diff(now.seconds()) <= WINDOW.as_secs();
    near && claims.expires.is_none_or(|end| end > now.seconds())
}
