//! Webhooks on the control socket.

use domain::event::EventTypes;
use domain::id::{ClientId, IdError, WebhookId};
use engine::Addressee;
use engine::rows::{Included, WebhookRow, WebhookStanding};
use serde::{Deserialize, Serialize};

/// A webhook to add.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookAsked {
    /// The client that is told.
    pub client: ClientId,
    /// Where it is called.
    pub url: String,
    /// What it is told of.
    pub events: EventTypes,
    /// What of a person it is told.
    pub include: Included,
}

/// Its URL may be a secret.
impl std::fmt::Debug for NewWebhookAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewWebhookAsked({}, {:?})", self.client, self.events)
    }
}

/// Who is told: a webhook, or the URLs that came with a client's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Told {
    /// A webhook, `whk_…`.
    Webhook(WebhookId),
    /// The URLs of a client's messages; the client, `cli_…`.
    Callbacks(ClientId),
}

impl std::str::FromStr for Told {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let client = text.parse().map(Self::Callbacks);
        client.or_else(|_| text.parse().map(Self::Webhook))
    }
}

impl From<Told> for Addressee {
    fn from(told: Told) -> Self {
        match told {
            Told::Webhook(webhook) => webhook.into(),
            Told::Callbacks(client) => client.into(),
        }
    }
}

/// A webhook as the command line shows it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookShown {
    /// Its id.
    pub id: String,
    /// The client that is told.
    pub client: String,
    /// Where it is called.
    pub url: String,
    /// What it is told of.
    pub events: Vec<String>,
    /// What of a person it is told: `nothing`, `number` or `text`.
    pub include: String,
    /// `enabled` or `disabled`.
    pub standing: String,
    /// Why it is disabled: `asked`, `gone` or `failing`.
    pub reason: Option<String>,
    /// Since when it is disabled.
    pub since: Option<String>,
    /// The public keys that its `v1a` signatures are checked with now, the newest last.
    pub public_keys: Vec<String>,
    /// When it was made.
    pub created: String,
    /// The new secret of its `v1` signatures, this once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret: Option<String>,
}

/// Its URL may be a secret, and its secret is one.
impl std::fmt::Debug for WebhookShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookShown({}, {})", self.id, self.client)
    }
}

impl WebhookShown {
    /// As it stands, and the keys that sign now.
    pub fn of(row: &WebhookRow, public_keys: Vec<String>) -> Self {
        let (standing, reason, since) = match row.standing {
            WebhookStanding::Enabled => ("enabled", None, None),
            WebhookStanding::Disabled(why, at) => (
                "disabled",
                Some(why.as_str().to_owned()),
                Some(at.to_string()),
            ),
        };
        Self {
            id: row.id.to_string(),
            client: row.client.to_string(),
            url: row.url.reveal().to_owned(),
            events: row.events.words(),
            include: row.include.as_str().to_owned(),
            standing: standing.to_owned(),
            reason,
            since,
            public_keys,
            created: row.created.to_string(),
            secret: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_is_a_webhook_or_a_client() {
        let client = ClientId::new(1 << 12, 1);
        let webhook = WebhookId::new(1 << 12, 1);
        for (text, told) in [
            (client.to_string(), Told::Callbacks(client)),
            (webhook.to_string(), Told::Webhook(webhook)),
        ] {
            assert_eq!(text.parse::<Told>(), Ok(told));
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&told).unwrap(), json);
            assert_eq!(serde_json::from_str::<Told>(&json).unwrap(), told);
        }
        assert!("msg_1".parse::<Told>().is_err());
    }

    #[test]
    fn neither_the_secret_nor_the_url_is_in_what_is_printed_of_a_webhook_by_mistake() {
        let shown = WebhookShown {
            id: "whk_1".to_owned(),
            client: "cli_1".to_owned(),
            url: "https://hooks.example/t0ken".to_owned(),
            events: Vec::new(),
            include: "nothing".to_owned(),
            standing: "enabled".to_owned(),
            reason: None,
            since: None,
            public_keys: Vec::new(),
            created: String::new(),
            secret: Some("whsec_s3cr3t".to_owned()),
        };
        assert_eq!(format!("{shown:?}"), "WebhookShown(whk_1, cli_1)");
    }
}
