//! The command line of `shortstop webhook`.

use clap::{Args, Subcommand, ValueEnum};
use domain::event::EventTypes;
use domain::id::{ClientId, WebhookId};

use super::Place;
use crate::control::message::webhook::Told;

/// What to do with webhooks.
#[derive(Clone, Debug, Subcommand)]
pub enum WebhookCommand {
    /// Call a URL of a client from now on, and print the secret of its signatures, this once.
    Add(WebhookAddArgs),
    /// List every webhook: where it is called, what it is told of, and whether it is called.
    List {
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Call a webhook again that was disabled. What happened meanwhile is told at once.
    Enable {
        /// The webhook, `whk_…`.
        webhook: WebhookId,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Stop calling a webhook. What happens meanwhile is told when it is enabled again.
    Disable {
        /// The webhook, `whk_…`.
        webhook: WebhookId,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Give a webhook new secrets and print them, this once; the one before signs too until the overlap is over.
    Rotate {
        /// The webhook, `whk_…`.
        webhook: WebhookId,
        /// How long the old secrets still sign, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        overlap_seconds: u64,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Remove a webhook and destroy its secrets. What it was still to be told is told to nobody.
    Remove {
        /// The webhook, `whk_…`.
        webhook: WebhookId,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// List the events that a webhook, or the URLs of a client's messages, did not take, and why.
    Dead {
        /// The webhook, `whk_…`, or the client, `cli_…`.
        webhook: Told,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
    /// Tell a webhook, or the URLs of a client's messages, once more of events that it did not take.
    Replay {
        /// The webhook, `whk_…`, or the client, `cli_…`.
        webhook: Told,
        /// Only this event, `evt_…`; all of them without it.
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
        /// Which gateway.
        #[command(flatten)]
        place: Place,
    },
}

/// Options of `webhook add`.
#[derive(Clone, Debug, Args)]
pub struct WebhookAddArgs {
    /// The client that is told, `cli_…`.
    pub client: ClientId,
    /// Where it is called, such as `https://hooks.example.com/sms`.
    pub url: String,
    /// What it is told of, such as message.delivered, or a family: message, inbound, optout or verification;
    /// repeat for more. Everything without it.
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<EventTypes>,
    /// What of a person it is told: numbers in full, or the texts of handsets too. Neither without it.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub include: Option<IncludeAsked>,
    /// Which gateway.
    #[command(flatten)]
    pub place: Place,
}

/// What of a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IncludeAsked {
    /// Numbers in full.
    Number,
    /// Numbers in full, and the texts of messages from handsets.
    Text,
}
