//! What a provider posts: what became of a message, and what handsets write. Nothing of it is believed that is
//! not signed under the provider's secret, over the URL that it was given.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use domain::carrier_id::CarrierMessageId;
use domain::form_signature;
use domain::message::{DoneDate, ReceiptState};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use engine::HandOver;
use engine::ports::carrier::{BindId, Delivery, Mobile, Receipt};

use super::form::{self, Fields};
use super::seen::{Before, SEEN_MAX, Seen};
use super::{ProviderError, ProviderPlan, ProviderSecrets};
use crate::outgoing::Place;
use crate::sim_swap::Secret;

/// What a post is about; the last part of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What became of a message.
    Status,
    /// A message from a handset.
    Inbound,
}

impl About {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Inbound => "inbound",
        }
    }
}

/// What a sound post says.
#[derive(Clone)]
pub(crate) struct Said {
    /// The hand-over that it is about, and the id under which it was taken.
    pub(crate) of: Option<(HandOver, CarrierMessageId)>,
    /// Something to record, and the key by which it is known again; nothing that settles anything otherwise.
    pub(crate) news: Option<(Box<str>, Delivery)>,
}

/// Why a post is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It is not signed by the provider, or about another account.
    Foreign,
    /// It is the provider's and makes no sense; says in which field.
    Senseless(&'static str),
}

/// Where one provider posts.
pub(crate) struct Door {
    bind: BindId,
    account: String,
    base: String,
    secret: RwLock<Secret>,
    seen: Mutex<Seen>,
}

impl Door {
    pub(super) fn new(
        plan: &ProviderPlan,
        secrets: &ProviderSecrets,
    ) -> Result<Self, ProviderError> {
        let place = Place::parse(&plan.callback_url).map_err(ProviderError::Callback)?;
        let base = place.url.trim_end_matches('/');
        Ok(Self {
            bind: BindId {
                carrier: plan.name.clone(),
                index: 0,
            },
            account: plan.account.clone(),
            base: format!("{base}/carrier/{}", plan.name),
            secret: RwLock::new(secrets.callback.clone()),
            seen: Mutex::new(Seen::new(SEEN_MAX)),
        })
    }

    pub(super) fn renew(&self, secrets: &ProviderSecrets) {
        let mut secret = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        *secret = secrets.callback.clone();
    }

    /// Where the provider is to post what became of a message.
    pub(super) fn status_url(&self) -> String {
        self.url(About::Status)
    }

    fn url(&self, about: About) -> String {
        format!("{}/{}", self.base, about.as_str())
    }

    /// The carrier, as the engine knows it.
    pub(crate) const fn bind(&self) -> &BindId {
        &self.bind
    }

    /// Reads a post whose signature is `shown`. What stands in its path after what it is about, `named`, is signed
    /// with the rest.
    pub(crate) fn read(
        &self,
        (about, named): (About, &str),
        body: &[u8],
        shown: &str,
    ) -> Result<Said, NotTaken> {
        let fields = form::read(body).map_err(|_| NotTaken::Foreign)?;
        let secret = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        let key = secret.reveal();
        let mut url = self.url(about);
        if !named.is_empty() {
            url = format!("{url}/{named}");
        }
        if !form_signature::verifies(key, &url, &fields, shown)
            || form::one(&fields, "AccountSid") != Some(&self.account)
        {
            return Err(NotTaken::Foreign);
        }
        match about {
            About::Status => status(&fields, named.parse().ok()),
            About::Inbound => inbound(&fields),
        }
    }

    /// Whether a post was recorded lately.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.seen().knows(key)
    }

    /// A post comes; what was recorded or is being recorded is not taken twice.
    pub(crate) fn begin(&self, key: &str) -> Before {
        self.seen().begin(key)
    }

    /// It is recorded.
    pub(crate) fn taken(&self, key: &str) {
        self.seen().taken(key);
    }

    /// It could not be recorded.
    pub(crate) fn failed(&self, key: &str) {
        self.seen().failed(key);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.bind.carrier)
    }
}

/// Which message a post is about.
fn sid(fields: &Fields) -> Result<CarrierMessageId, NotTaken> {
    let sid = form::one(fields, "MessageSid").or_else(|| form::one(fields, "SmsSid"));
    let sid = sid.and_then(|sid| CarrierMessageId::parse(sid.as_bytes()).ok());
    sid.ok_or(NotTaken::Senseless("MessageSid"))
}

fn status(fields: &Fields, named: Option<HandOver>) -> Result<Said, NotTaken> {
    let carrier_id = sid(fields)?;
    let of = named.map(|named| (named, carrier_id.clone()));
    let word = form::one(fields, "MessageStatus").or_else(|| form::one(fields, "SmsStatus"));
    let word = word.ok_or(NotTaken::Senseless("MessageStatus"))?;
    let error: Option<u32> = match form::one(fields, "ErrorCode") {
        None | Some("") => None,
        Some(code) => Some(code.parse().map_err(|_| NotTaken::Senseless("ErrorCode"))?),
    };
    let Some(state) = state_of(word, error) else {
        return Ok(Said { of, news: None });
    };
    let recipient = form::one(fields, "To").and_then(|to| Msisdn::parse(to).ok());
    let done = form::one(fields, "RawDlrDoneDate");
    let key = format!("status {} {}", carrier_id.as_str(), state.as_str());
    let receipt = Delivery::Receipt(Receipt {
        carrier_id,
        state,
        error: error.filter(|error| *error != 0),
        recipient,
        done: done.and_then(|date| DoneDate::parse(date.as_bytes())),
    });
    Ok(Said {
        of,
        news: Some((key.into(), receipt)),
    })
}

/// What a word settles; `None` for those on the way, and for those that nobody knows.
fn state_of(word: &str, error: Option<u32>) -> Option<ReceiptState> {
    /// The message's life was over.
    const EXPIRED: u32 = 30_036;
    match word {
        "delivered" | "read" => Some(ReceiptState::Delivered),
        "undelivered" | "failed" if error == Some(EXPIRED) => Some(ReceiptState::Expired),
        "undelivered" | "failed" | "canceled" => Some(ReceiptState::Failed),
        "partially_delivered" => Some(ReceiptState::Unknown),
        _ => None,
    }
}

fn inbound(fields: &Fields) -> Result<Said, NotTaken> {
    let sid = sid(fields)?;
    let from = form::one(fields, "From").and_then(|from| Msisdn::parse(from).ok());
    let to = form::one(fields, "To").and_then(|to| ShortCode::parse(to).ok());
    let text = form::one(fields, "Body").ok_or(NotTaken::Senseless("Body"))?;
    let mobile = Mobile {
        id: Some(sid.clone()),
        from: from.ok_or(NotTaken::Senseless("From"))?,
        to: to.ok_or(NotTaken::Senseless("To"))?,
        // UCS-2, which every text fits; pairs of surrogates are read back as one character.
        data_coding: 8,
        udh: Vec::new(),
        payload: text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    };
    let key = format!("inbound {}", sid.as_str());
    Ok(Said {
        of: None,
        news: Some((key.into(), Delivery::Mobile(mobile))),
    })
}
