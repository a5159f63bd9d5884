//! One call: what is told, to whom, and what its answer means.

use domain::id::{ClientId, WebhookId};
use domain::webhook::Target;

use crate::feed::{Addressee, EventQueue, Ready};
use crate::gateway::Gateway;
use crate::ports::Webhook;
use crate::ports::store::ReadError;
use crate::ports::webhook::{Body, Call, Called, Shape, Uncalled};
use crate::rows::WebhookRow;

use super::courier::Outcome;

/// Makes one call.
pub(super) async fn tell(
    gateway: &Gateway,
    caller: &dyn Webhook,
    queue: &EventQueue,
    ready: &Ready,
) -> Outcome {
    let who = queue.who();
    let made = match who {
        Addressee::Webhook(id) => to_webhook(gateway, *id, ready).await,
        Addressee::Callbacks(client) => to_url(gateway, (*client, queue), ready).await,
        Addressee::Esme(_) => Ok(Made::NotNow),
    };
    let told = match made {
        Ok(Made::Told(told)) => told,
        // Its courier is about to be told.
        Ok(Made::NotNow) => return Outcome::NotMade,
        Ok(Made::Nothing) => return Outcome::Nothing,
        Ok(Made::Unsigned) => return Outcome::Refused("unsigned", None),
        Err(error) => {
            tracing::warn!(%error, who = who.name(), "what is told cannot be read now");
            return Outcome::NotMade;
        }
    };
    if told.is_opened {
        queue.opened();
    }
    match caller.call(told.call).await {
        Ok(Called {
            status: 200..=299, ..
        }) => Outcome::Taken,
        Ok(Called { status: 410, .. }) => Outcome::Gone,
        Ok(Called {
            status,
            retry_after,
        }) => Outcome::Refused(word(status), retry_after),
        Err(error) => {
            told_once(who, ready, &error);
            Outcome::Refused(error.code(), None)
        }
    }
}

/// A call, and whether a number or a text is in it.
struct Told {
    call: Call,
    is_opened: bool,
}

/// What there is to call.
enum Made {
    Told(Told),
    /// It is not to be called any more.
    NotNow,
    /// Nobody is told of this.
    Nothing,
    /// There is nothing to sign it with.
    Unsigned,
}

async fn to_webhook(gateway: &Gateway, id: WebhookId, ready: &Ready) -> Result<Made, ReadError> {
    let row = gateway.webhooks.get(id);
    let Some(row) = row.filter(|row| gateway.is_called(row)) else {
        return Ok(Made::NotNow);
    };
    let payload = gateway.payload(&ready.event, row.include).await?;
    let Some(call) = signed(gateway, &row, ready, payload.body) else {
        return Ok(Made::Unsigned);
    };
    Ok(Made::Told(Told {
        call,
        is_opened: payload.is_opened,
    }))
}

/// To the URL that came with a message.
async fn to_url(
    gateway: &Gateway,
    (client, queue): (ClientId, &EventQueue),
    ready: &Ready,
) -> Result<Made, ReadError> {
    if !gateway.is_client(client) {
        return Ok(Made::NotNow);
    }
    if queue.is_over(ready.event.line) {
        return Ok(Made::Nothing);
    }
    let Some(callback) = gateway.callback(client, &ready.event).await? else {
        return Ok(Made::Nothing);
    };
    let call = gateway.signed_callback(client, ready, callback);
    Ok(call.map_or(Made::Unsigned, |call| {
        Made::Told(Told {
            call,
            is_opened: true,
        })
    }))
}

/// The log hears of the first try of an event only.
fn told_once(who: &Addressee, ready: &Ready, error: &Uncalled) {
    if ready.attempt > 1 {
        return;
    }
    match who {
        Addressee::Webhook(id) => {
            tracing::info!(webhook = %id, %error, "a webhook was not reached; it is tried again");
        }
        // The URL may be a person's, and the error names its host.
        Addressee::Callbacks(client) => {
            let why = error.code();
            tracing::info!(%client, why, "the URL of a message was not reached; it is tried again");
        }
        Addressee::Esme(_) => {}
    }
}

fn signed(gateway: &Gateway, row: &WebhookRow, ready: &Ready, body: Vec<u8>) -> Option<Call> {
    let target = Target::parse(row.url.reveal()).ok()?;
    let now = gateway.now();
    let (event, timestamp) = (ready.event.id.to_string(), now.seconds());
    let keys = gateway.keys_of(row, now);
    let signatures = keys.iter().map(|keys| keys.sign(&event, timestamp, &body));
    let signatures = signatures.collect::<Option<Vec<_>>>()?;
    if signatures.is_empty() {
        return None;
    }
    Some(Call {
        target,
        id: event,
        timestamp,
        signature: signatures.join(" "),
        shape: Shape::Json,
        body: Body(body),
    })
}

/// The stable word of an answer that is no success.
const fn word(status: u16) -> &'static str {
    match status {
        300..=399 => "redirected",
        429 => "throttled",
        400..=499 => "client-error",
        500..=599 => "server-error",
        _ => "odd-status",
    }
}
