//! Status callbacks: the URL that came with a message is told of each step of that message, as Twilio tells it. The
//! URL is sealed beside the message's number and goes with it. Those of one client wait in one queue, so that a
//! receiver of one client that is away holds up nobody else's.

use domain::id::ClientId;
use domain::message::DoneDate;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::twilio::{MessageStatus, Parameter, Taking, error_code, form, sid, signature};
use domain::webhook::Target;

use super::keys::{WebhookSecret, sign};
use crate::changes::{Changes, Write};
use crate::entries::feed::{self as told_entries, Report};
use crate::feed::{Addressee, Event, Happening, Ready};
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::ports::webhook::{Body, Call, Shape};
use crate::rows::{MessageRow, ProgressRow, Purpose, SealedUrl, VaultRow};
use crate::submit::{SubmitError, SubmitRequest};

/// What the URL is sealed as.
const SEALED_AS: &str = "callback";
/// The version of the interface that is spoken.
const API_VERSION: &str = "2010-04-01";

impl Gateway {
    /// Refuses a message whose URL may not be called, and sees to it that what happens from now on is told.
    pub(crate) async fn may_call_back(
        &self,
        client: ClientId,
        request: &SubmitRequest,
    ) -> Result<(), SubmitError> {
        let Some(target) = &request.callback else {
            return Ok(());
        };
        let settings = self.settings();
        target.vet(|address| settings.webhooks.permits(address))?;
        self.begin_callbacks(client).await
    }

    /// From now on it is kept how far the URLs of a client's messages have been told. Durable before the first such
    /// message is.
    async fn begin_callbacks(&self, client: ClientId) -> Result<(), SubmitError> {
        let who = Addressee::Callbacks(client);
        let name = who.name().into_boxed_str();
        if self.feed.knows(&name) {
            return Ok(());
        }
        let _turn = self.webhooks.change.lock().await;
        if self.feed.knows(&name) {
            return Ok(());
        }
        let beginning = self.feed.beginning(self.settings().events);
        let (next, octets) = beginning.map_err(|_| SubmitError::Unavailable)?;
        let entry = told_entries::told(&who, client, Report::default(), (next, 0));
        let mut changes = Changes::new(entry, self.now());
        changes.write(Write::Progress(ProgressRow {
            name: name.clone(),
            octets: octets.clone(),
        }));
        if !self.commit_durably(changes).await {
            return Err(SubmitError::Unavailable);
        }
        self.feed.remember(&name, octets);
        self.webhooks.changed.notify_one();
        Ok(())
    }

    /// Seals the URL of a message beside its number.
    pub(crate) fn seal_callback(
        &self,
        vault: &[VaultRow],
        target: &Target,
    ) -> Result<SealedUrl, SubmitError> {
        let number = number_of(vault).ok_or(SubmitError::Unavailable)?;
        let url = target.url();
        let sealed = self.vault.seal_beside(number, SEALED_AS, url.as_bytes());
        let sealed = sealed.ok_or(SubmitError::Unavailable)?;
        Ok(SealedUrl::new(&sealed))
    }

    /// The URL of a message; `None` when it has none, or it was erased.
    pub(crate) fn callback_url(&self, row: &MessageRow, vault: &[VaultRow]) -> Option<Target> {
        let sealed = row.head.callback.as_ref()?;
        let number = number_of(vault)?;
        let opened = self.vault.open_beside(number, SEALED_AS, &sealed.octets()?);
        match opened {
            Ok(url) => Target::parse(std::str::from_utf8(&url).ok()?).ok(),
            Err(error) => {
                tracing::error!(message = %row.id, %error, "the URL of a status callback does not open");
                None
            }
        }
    }

    /// The secrets that sign what the URLs of a client's messages are told, the newest first.
    fn callback_secrets(&self, client: ClientId, now: Timestamp) -> Vec<Secret> {
        let Ok(row) = self.client(client) else {
            return Vec::new();
        };
        let signing = row.callback.signing(now);
        signing
            .map(|generation| Secret(self.blind().callbacks(client, generation)))
            .collect()
    }

    /// What is to be called for an event; `None` when nobody is told of it, or not any more.
    pub(super) async fn callback(
        &self,
        client: ClientId,
        event: &Event,
    ) -> Result<Option<Callback>, ReadError> {
        let Happening::Message {
            id, state, done, ..
        } = event.happening
        else {
            return Ok(None);
        };
        let found = self.store.message(id).await?;
        let own = |row: &MessageRow| row.id == id && row.head.client == Some(client);
        let Some((row, vault)) = found.filter(|(row, _)| own(row)) else {
            return Ok(None);
        };
        let status = MessageStatus::of(state, Taking::of(state, &row.segments));
        let opened = self.callback_url(&row, &vault).zip(self.number(&vault));
        Ok(opened.map(|(target, to)| Callback {
            target,
            parameters: parameters(
                (client, &row, to),
                status.as_str(),
                (error_code(state), done),
            ),
        }))
    }

    /// The call that tells it, signed.
    pub(super) fn signed_callback(
        &self,
        client: ClientId,
        ready: &Ready,
        callback: Callback,
    ) -> Option<Call> {
        let Callback { target, parameters } = callback;
        let now = self.now();
        let secrets = self.callback_secrets(client, now);
        let (id, timestamp) = (ready.event.id.to_string(), now.seconds());
        let body = form(&parameters).into_bytes();
        let signatures = secrets
            .iter()
            .map(|secret| sign(secret.0.as_ref(), (&id, timestamp), &body));
        let signatures: Vec<String> = signatures.collect();
        // There is room for one: until the overlap is over, for that which everybody has.
        let token = secrets.last()?.shown();
        let twilio_signature = signature(token.reveal(), &target.url(), &parameters);
        Some(Call {
            target,
            id,
            timestamp,
            signature: signatures.join(" "),
            shape: Shape::Form { twilio_signature },
            body: Body(body),
        })
    }
}

/// What is to be told, and where.
pub(super) struct Callback {
    target: Target,
    parameters: Vec<Parameter>,
}

/// The octets of a secret.
struct Secret(zeroize::Zeroizing<[u8; 32]>);

impl Secret {
    /// As whoever is told has it; the whole text is the token of the one signature, and what it spells that of the
    /// other.
    fn shown(&self) -> WebhookSecret {
        WebhookSecret::of(self.0.as_ref())
    }
}

fn number_of(vault: &[VaultRow]) -> Option<&VaultRow> {
    let is_it = |row: &&VaultRow| row.purpose == Purpose::Number && row.erased_by().is_none();
    vault.iter().find(is_it)
}

fn parameters(
    (client, row, to): (ClientId, &MessageRow, Msisdn),
    status: &str,
    (error, done): (Option<u32>, Option<DoneDate>),
) -> Vec<Parameter> {
    let message = sid("SM", row.id.to_bytes());
    let mut parameters = vec![
        ("AccountSid", sid("AC", client.to_bytes())),
        ("ApiVersion", API_VERSION.to_owned()),
        ("From", row.head.from.to_string()),
        ("MessageSid", message.clone()),
        ("MessageStatus", status.to_owned()),
        ("SmsSid", message),
        ("SmsStatus", status.to_owned()),
        ("To", to.reveal_e164()),
    ];
    parameters.extend(error.map(|error| ("ErrorCode", error.to_string())));
    parameters.extend(done.map(|date| ("RawDlrDoneDate", date.as_str().to_owned())));
    parameters
}
