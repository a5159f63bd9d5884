//! Enrolment: an authenticator app, to be confirmed by a first code, or a set of recovery codes. What is
//! shown is shown once: it is kept sealed, or as keyed hashes, and never told again.

use std::fmt;

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::factor::{Factor, FactorSecret};
use domain::verification::recovery::{
    CODE_OCTETS, CODES_OF_A_SET_MAX, Issued, RecoveryCode, RecoverySet,
};
use domain::verification::totp::{
    Algorithm, AppDigits, KEY_OCTETS, LabelError, OtpauthUri, TotpKey,
};
use domain::verification::user::UserReference;
use zeroize::Zeroizing;

use super::{FactorView, told};
use crate::changes::{Changes, Write};
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::rows::{FactorRow, Purpose};

/// The names that an app shows.
#[derive(Clone, Default)]
pub struct AppLabels {
    /// The firm; without it that of the settings.
    pub issuer: Option<Box<str>>,
    /// What the person knows the account by; without it the reference of the user.
    pub account: Option<Box<str>>,
}

impl fmt::Debug for AppLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppLabels(masked)")
    }
}

/// The key of an app, to be shown once. `Debug` masks it.
#[derive(Clone)]
pub struct AppSecret {
    /// The key in base-32.
    pub base_32: Zeroizing<String>,
    /// The address with the key in it.
    pub uri: OtpauthUri,
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(masked)")
    }
}

/// Why nothing is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// Neither the request nor the settings name the firm.
    #[error("no issuer is named, and none is configured")]
    NoIssuer,
    /// A name that apps would misread.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// No such number of codes.
    #[error("a set has 1 to {CODES_OF_A_SET_MAX} codes")]
    Count,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

/// A factor to be.
struct New<'n> {
    caller: &'n Caller,
    user: &'n UserReference,
    factor: Factor,
    secret: FactorSecret,
}

impl Gateway {
    /// Enrols an authenticator app. It verifies nothing until it is confirmed.
    pub async fn enrol_app(
        &self,
        caller: &Caller,
        user: &UserReference,
        labels: &AppLabels,
    ) -> Result<(FactorView, AppSecret), EnrolError> {
        let factor = Factor::enrolled(Algorithm::default(), AppDigits::default());
        let mut octets = Zeroizing::new([0; KEY_OCTETS]);
        self.entropy.fill(octets.as_mut());
        let key = TotpKey::from_bytes(octets.as_ref()).map_err(|_| EnrolError::Unavailable)?;
        let uri = self.address(&factor, &key, user, labels)?;
        let base_32 = Zeroizing::new(key.reveal_base_32());
        let new = New {
            caller,
            user,
            factor,
            secret: FactorSecret::Totp(key),
        };
        let view = self.enrol(new).await?;
        Ok((view, AppSecret { base_32, uri }))
    }

    /// Issues a set of recovery codes, by default as many as the settings say. It verifies at once.
    pub async fn issue_codes(
        &self,
        caller: &Caller,
        user: &UserReference,
        count: Option<u64>,
    ) -> Result<(FactorView, Vec<RecoveryCode>), EnrolError> {
        let count = match count {
            None => self.settings().factors.recovery_codes,
            Some(count) => u8::try_from(count).unwrap_or(0),
        };
        if !(1..=CODES_OF_A_SET_MAX).contains(&count) {
            return Err(EnrolError::Count);
        }
        let Issued { set, codes } = self.draw_codes(count);
        let new = New {
            caller,
            user,
            factor: Factor::issued(count),
            secret: FactorSecret::Recovery(set),
        };
        Ok((self.enrol(new).await?, codes))
    }

    fn draw_codes(&self, count: u8) -> Issued {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let mut random = Zeroizing::new(vec![[0; CODE_OCTETS]; usize::from(count)]);
        for octets in random.iter_mut() {
            self.entropy.fill(octets);
        }
        RecoverySet::issue(self.blind().recovery(), salt, &random)
    }

    fn address(
        &self,
        factor: &Factor,
        key: &TotpKey,
        user: &UserReference,
        labels: &AppLabels,
    ) -> Result<OtpauthUri, EnrolError> {
        let settings = self.settings();
        let configured = settings.factors.issuer.as_deref();
        let issuer = labels.issuer.as_deref().or(configured);
        let issuer = issuer.ok_or(EnrolError::NoIssuer)?;
        let account = labels.account.as_deref().unwrap_or(user.reveal());
        let app = factor.authenticator().ok_or(EnrolError::Unavailable)?;
        Ok(OtpauthUri::new(app, key, issuer, account)?)
    }

    /// Makes a factor durable.
    async fn enrol(&self, new: New<'_>) -> Result<FactorView, EnrolError> {
        if !self.takes_factors() {
            return Err(EnrolError::Unavailable);
        }
        let now = self.now();
        self.ensure_keys(now);
        let id: FactorId = self.ids.id(&*self.entropy, now);
        let row = self.row(id, &new, now).ok_or(EnrolError::Unavailable)?;
        let changes = self.enrolment(&row, &new, now);
        let changes = changes.ok_or(EnrolError::Unavailable)?;
        if !self.commit_durably(changes).await {
            return Err(EnrolError::Unavailable);
        }
        let user: Option<Box<str>> = Some(new.user.reveal().into());
        let checks_left = self.checks_left(&row, user.as_deref(), now);
        Ok(FactorView::of(&row, user, checks_left))
    }

    fn row(&self, id: FactorId, new: &New<'_>, now: Timestamp) -> Option<FactorRow> {
        Some(FactorRow {
            id,
            client: new.caller.client,
            version: 1,
            created: now,
            updated: now,
            subject: self.blind().user(new.caller.client, new.user),
            factor: new.factor.clone(),
            secret: Some(self.seal_secret(id, &new.secret, now)?),
        })
    }

    fn enrolment(&self, row: &FactorRow, new: &New<'_>, now: Timestamp) -> Option<Changes> {
        let user = new.user.reveal().as_bytes();
        let owner = row.id.sequence();
        let sealed = self
            .vault
            .seal(owner, Purpose::Number, user, &*self.entropy, now)?;
        let mut changes = Changes::new(told::enrolled(new.caller, row, &sealed.commitment), now);
        changes.write(Write::Factor(Box::new(row.clone())));
        changes.write(Write::Vault(sealed.row));
        Some(changes)
    }
}
