//! Verify services: the terms under which a client begins verifications over the door that speaks as Twilio's
//! does. A client makes them itself; one it has without making it, under its own UUID, with the gateway's terms.

use domain::id::VerifyServiceId;
use domain::time::Timestamp;
use domain::verification::code::CodeLength;
use domain::verification::fixed_lines::FixedLines;
use domain::verification::template::fits_always;
use domain::verification::template::insert::{Brand, InsertError};
use ledger::{Draft, Kind};

use super::VerificationSettings;
use crate::client::Caller;
use crate::entries;
use crate::gateway::Gateway;
use crate::rows::{ActRule, ClientRow, VerifyServiceRow};
use crate::turns::Turn;

/// Verify services that a client may make: one for each of its applications and brands. They lie in its row,
/// which is written whole.
pub const VERIFY_SERVICES_MAX: usize = 20;

/// Whose terms a verify service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceSort {
    /// The gateway's; nobody made it, and nobody changes it.
    Standing,
    /// The client's own.
    Own,
}

/// A verify service as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyServiceView {
    /// Its id.
    pub id: VerifyServiceId,
    /// Whose terms it has.
    pub sort: ServiceSort,
    /// Its name, which stands in texts.
    pub name: String,
    /// How many digits its codes have.
    pub length: CodeLength,
    /// Whether each of its verifications must name an act.
    pub acts: ActRule,
    /// Whether its codes go to fixed lines: the gateway's own rule.
    pub fixed_lines: FixedLines,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What a client wants of a verify service; what it leaves out stays as it is, or is as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyServiceWish {
    /// Its name. A new one must have one.
    pub name: Option<String>,
    /// How many digits its codes have; as many as the settings say otherwise.
    pub length: Option<CodeLength>,
    /// Whether each of its verifications must name an act; it may otherwise.
    pub acts: Option<ActRule>,
    /// Whether its codes go to fixed lines, which must be what the gateway does anyway.
    pub fixed_lines: Option<FixedLines>,
}

/// Why a verify service is not made, changed or shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyServiceError {
    /// The settings have no terms of verifications.
    #[error("verifications are not set up")]
    Off,
    /// This client has no such service. Another client's looks the same.
    #[error("no such verify service")]
    NotFound,
    /// It is the one with the gateway's terms.
    #[error("this verify service has the gateway's terms")]
    Standing,
    /// A new one has no name.
    #[error("a verify service needs a name")]
    Nameless,
    /// The name cannot stand in a text.
    #[error("the name cannot stand in a text: {0}")]
    Name(InsertError),
    /// Texts with this name have no room in one segment beside the last line of the settings.
    #[error("texts with this name do not fit one segment")]
    DoesNotFit,
    /// The gateway has another rule for fixed lines.
    #[error("whether codes go to fixed lines is not for a client to say")]
    FixedLines,
    /// Codes of so few digits are not given.
    #[error("the code would have too few digits")]
    TooFewDigits,
    /// The client has as many as one may have.
    #[error("a client has {VERIFY_SERVICES_MAX} verify services at most")]
    TooMany,
    /// The disk is nearly full.
    #[error("the disk is nearly full")]
    StorageLow,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl VerifyServiceView {
    fn of(row: &VerifyServiceRow, terms: &VerificationSettings) -> Self {
        Self {
            id: row.id,
            sort: ServiceSort::Own,
            name: row.name.clone(),
            length: row.length,
            acts: row.acts,
            fixed_lines: terms.fixed_lines,
            created: row.created,
            updated: row.updated,
        }
    }

    /// The one that every client has.
    fn standing(client: &ClientRow, terms: &VerificationSettings) -> Option<Self> {
        Some(Self {
            id: VerifyServiceId::from_bytes(client.id.to_bytes())?,
            sort: ServiceSort::Standing,
            name: terms.brand.as_str().to_owned(),
            length: terms.length,
            acts: ActRule::Optional,
            fixed_lines: terms.fixed_lines,
            created: client.created,
            updated: client.created,
        })
    }

    /// What stands in texts in the place of the brand.
    pub(super) fn brand(&self, terms: &VerificationSettings) -> Brand {
        match self.sort {
            ServiceSort::Standing => terms.brand.clone(),
            // It was a brand when the service was made.
            ServiceSort::Own => {
                Brand::of_service(&self.name).unwrap_or_else(|_| terms.brand.clone())
            }
        }
    }
}

impl VerifyServiceWish {
    /// What the gateway alone decides can be named, and not chosen.
    fn keeps_to(&self, terms: &VerificationSettings) -> Result<(), VerifyServiceError> {
        match self.fixed_lines {
            Some(wanted) if wanted != terms.fixed_lines => Err(VerifyServiceError::FixedLines),
            _ => Ok(()),
        }
    }
}

impl Gateway {
    /// The verify services of a client: first the one that it has without making it, then its own, oldest
    /// first.
    pub fn verify_services(
        &self,
        caller: &Caller,
    ) -> Result<Vec<VerifyServiceView>, VerifyServiceError> {
        let services = self.services_of(caller)?;
        self.count_read_verification(caller, "verify-service");
        Ok(services)
    }

    /// One of them.
    pub fn verify_service(
        &self,
        caller: &Caller,
        id: VerifyServiceId,
    ) -> Result<VerifyServiceView, VerifyServiceError> {
        let services = self.verify_services(caller)?;
        let found = services.into_iter().find(|service| service.id == id);
        found.ok_or(VerifyServiceError::NotFound)
    }

    /// Makes a verify service.
    pub async fn create_verify_service(
        &self,
        caller: &Caller,
        wish: VerifyServiceWish,
    ) -> Result<VerifyServiceView, VerifyServiceError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(VerifyServiceError::Off)?;
        wish.keeps_to(terms)?;
        let (turn, mut client) = self.client_of(caller).await?;
        if client.services.len() >= VERIFY_SERVICES_MAX {
            return Err(VerifyServiceError::TooMany);
        }
        let now = self.now();
        let row = VerifyServiceRow {
            id: self.ids.id(&*self.entropy, now),
            name: wish.name.ok_or(VerifyServiceError::Nameless)?,
            length: wish.length.unwrap_or(terms.length),
            acts: wish.acts.unwrap_or_default(),
            created: now,
            updated: now,
        };
        check(&row, terms)?;
        client.services.push(row.clone());
        let entry = entries::verify_services::terms(Kind::VerifyServiceCreated, caller, &row);
        self.put_services(entry, client, (now, turn)).await?;
        Ok(VerifyServiceView::of(&row, terms))
    }

    /// Changes the terms of one. Verifications that began under it keep theirs.
    pub async fn change_verify_service(
        &self,
        caller: &Caller,
        id: VerifyServiceId,
        wish: VerifyServiceWish,
    ) -> Result<VerifyServiceView, VerifyServiceError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(VerifyServiceError::Off)?;
        wish.keeps_to(terms)?;
        let (turn, mut client) = self.client_of(caller).await?;
        let now = self.now();
        let row = own(&mut client, id)?;
        row.name = wish.name.unwrap_or_else(|| row.name.clone());
        row.length = wish.length.unwrap_or(row.length);
        row.acts = wish.acts.unwrap_or(row.acts);
        row.updated = now;
        check(row, terms)?;
        let entry = entries::verify_services::terms(Kind::VerifyServiceChanged, caller, row);
        let view = VerifyServiceView::of(row, terms);
        self.put_services(entry, client, (now, turn)).await?;
        Ok(view)
    }

    /// Removes one. What began under it is not found any more, and ends with its time.
    pub async fn remove_verify_service(
        &self,
        caller: &Caller,
        id: VerifyServiceId,
    ) -> Result<(), VerifyServiceError> {
        let (turn, mut client) = self.client_of(caller).await?;
        let row = own(&mut client, id)?;
        let entry = entries::verify_services::removed(caller, row);
        client.services.retain(|service| service.id != id);
        let now = self.now();
        self.put_services(entry, client, (now, turn)).await
    }

    /// The same as [`Gateway::verify_service`], as part of another command of its own entry.
    pub(super) fn service_of(
        &self,
        caller: &Caller,
        id: VerifyServiceId,
    ) -> Option<VerifyServiceView> {
        let services = self.services_of(caller).ok()?;
        services.into_iter().find(|service| service.id == id)
    }

    fn services_of(&self, caller: &Caller) -> Result<Vec<VerifyServiceView>, VerifyServiceError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(VerifyServiceError::Off)?;
        let clients = self.clients_now();
        let client = clients.get(caller.client);
        let client = client.ok_or(VerifyServiceError::NotFound)?;
        let own = client.services.iter();
        let own = own.map(|row| VerifyServiceView::of(row, terms));
        let standing = VerifyServiceView::standing(client, terms).into_iter();
        Ok(standing.chain(own).collect())
    }

    /// The row of a client, and the turn to change it.
    async fn client_of(&self, caller: &Caller) -> Result<(Turn, ClientRow), VerifyServiceError> {
        if self.is_short_of_room() {
            self.turned_away_for_room();
            return Err(VerifyServiceError::StorageLow);
        }
        let turn = self.client_turn().await;
        let client = self.client(caller.client);
        let client = client.map_err(|_| VerifyServiceError::NotFound)?;
        match client.revoked {
            None => Ok((turn, client)),
            Some(_) => Err(VerifyServiceError::NotFound),
        }
    }

    async fn put_services(
        &self,
        entry: Draft,
        client: ClientRow,
        (now, turn): (Timestamp, Turn),
    ) -> Result<(), VerifyServiceError> {
        let put = self.commit_client(entry, client, now, Some(turn)).await;
        put.map_err(|_| VerifyServiceError::Unavailable)
    }
}

/// One that a client made itself.
fn own(
    client: &mut ClientRow,
    id: VerifyServiceId,
) -> Result<&mut VerifyServiceRow, VerifyServiceError> {
    if id.to_bytes() == client.id.to_bytes() {
        return Err(VerifyServiceError::Standing);
    }
    let mut services = client.services.iter_mut();
    let found = services.find(|service| service.id == id);
    found.ok_or(VerifyServiceError::NotFound)
}

/// Whether codes can be sent on these terms.
fn check(row: &VerifyServiceRow, terms: &VerificationSettings) -> Result<(), VerifyServiceError> {
    let brand = Brand::of_service(&row.name).map_err(VerifyServiceError::Name)?;
    if terms.few_digits.accept(row.length).is_err() {
        return Err(VerifyServiceError::TooFewDigits);
    }
    let fits = fits_always(&brand, &terms.last_line, row.length);
    fits.map_err(|_| VerifyServiceError::DoesNotFit)
}
