//! One message as a request to a provider, and the question for our account. It is known at each moment
//! whether an octet of a message may have left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::text::decode::{Decoded, decode_text};
use engine::HandOver;
use engine::ports::carrier::{Answer, Submission};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::answer::{self, Health};
use super::{ProviderError, ProviderPlan, ProviderSecrets, form, way};
use crate::outgoing::{Kept, Live, Place, Post, Trust, Unasked, look, request};

/// The longest life that the API takes, in seconds.
const VALIDITY_MAX: u32 = 36_000;

/// What is said of an answer that did not come.
const LATE: &str = "no answer in time";

/// Over which connection something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// One that was kept, or else a new one.
    Kept,
    /// A new one.
    New,
}

/// Where a provider is and what is shown to it.
pub(super) struct Upstream {
    place: Place,
    trust: Trust,
    user: String,
    shown: RwLock<HeaderValue>,
    messages: String,
    account: String,
    status_url: String,
    connect: Duration,
    response: Duration,
    kept: Kept,
}

impl Upstream {
    pub(super) fn new(
        plan: &ProviderPlan,
        secrets: &ProviderSecrets,
        status_url: String,
    ) -> Result<Self, ProviderError> {
        let (place, trust) = way(plan)?;
        let is_name = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|octet| octet.is_ascii_alphanumeric())
        };
        if !is_name(&plan.account) || !is_name(&plan.user) {
            return Err(ProviderError::Account);
        }
        let account = &plan.account;
        Ok(Self {
            messages: place.path(&format!("2010-04-01/Accounts/{account}/Messages.json")),
            account: place.path(&format!("2010-04-01/Accounts/{account}.json")),
            place,
            trust,
            shown: RwLock::new(basic(&plan.user, secrets)),
            user: plan.user.clone(),
            status_url,
            connect: plan.timers.connect,
            response: plan.timers.response,
            kept: Kept::new(plan.kept),
        })
    }

    /// Shows another secret from now on.
    pub(super) fn renew(&self, secrets: &ProviderSecrets) {
        let shown = basic(&self.user, secrets);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Sends one message; `left` says from when on it may have left, also to whoever ends this early.
    pub(super) async fn send(&self, message: &[Submission], left: &AtomicBool) -> (Answer, Health) {
        let Some(post) = self.post(message) else {
            tracing::error!("a message without a text was handed over");
            return (Answer::Rejected(0), Health::Fine);
        };
        let mut asked = match request(&self.place, post) {
            Ok(asked) => asked,
            Err(error) => return (Answer::NotSent, Health::Broken(error.0)),
        };
        for reach in [Reach::Kept, Reach::New] {
            let live = match self.reach(reach).await {
                Ok(live) => live,
                Err(reason) => return (Answer::NotSent, Health::Broken(reason)),
            };
            left.store(true, Ordering::Release);
            asked = match timeout(self.response, live.ask(asked)).await {
                Ok(Ok((answered, live))) => {
                    self.kept.keep(live, &answered.headers);
                    return answer::of_message(&answered);
                }
                // Nothing was written: once more, over a new connection.
                Ok(Err(Unasked::Unsent(asked))) => *asked,
                Ok(Err(Unasked::Lost(error))) => {
                    return (Answer::Silence, Health::Failing(error.0));
                }
                Err(_) => return (Answer::Silence, Health::Failing(LATE.to_owned())),
            };
            left.store(false, Ordering::Release);
        }
        let reason = "the connection ended before anything was sent";
        (Answer::NotSent, Health::Broken(reason.to_owned()))
    }

    /// Asks for our account, over a new connection: that there can be one is half of the question.
    pub(super) async fn probe(&self) -> Health {
        let asked = match look(&self.place, &self.account, self.fields()) {
            Ok(asked) => asked,
            Err(error) => return Health::Broken(error.0),
        };
        let live = match self.reach(Reach::New).await {
            Ok(live) => live,
            Err(reason) => return Health::Broken(reason),
        };
        match timeout(self.response, live.ask(asked)).await {
            Ok(Ok((answered, live))) => {
                self.kept.keep(live, &answered.headers);
                answer::of_probe(&answered)
            }
            Ok(Err(Unasked::Lost(error))) => Health::Broken(error.0),
            Ok(Err(Unasked::Unsent(_))) => {
                Health::Broken("the connection ended at once".to_owned())
            }
            Err(_) => Health::Broken(LATE.to_owned()),
        }
    }

    /// A connection to ask over; nothing has left yet.
    async fn reach(&self, reach: Reach) -> Result<Live, String> {
        let kept = match reach {
            Reach::Kept => self.kept.take(),
            Reach::New => None,
        };
        if let Some(live) = kept {
            return Ok(live);
        }
        let opened = timeout(self.connect, Live::open(&self.place, &self.trust)).await;
        let opened = opened.map_err(|_| "no connection in time".to_owned())?;
        opened.map_err(|error| error.0)
    }

    fn fields(&self) -> Vec<(HeaderName, HeaderValue)> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        vec![
            (AUTHORIZATION, shown.clone()),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]
    }

    /// The request of one message, of which these are the segments.
    fn post(&self, message: &[Submission]) -> Option<Post> {
        let first = message.first()?;
        let text = text_of(message)?;
        let named = HandOver {
            message: first.message,
            attempt: first.token.attempt,
        };
        let validity = first.validity_seconds.clamp(1, VALIDITY_MAX).to_string();
        let fields = [
            ("To", &*first.to.reveal_e164()),
            ("From", &first.source.to_string()),
            ("Body", &text),
            ("ValidityPeriod", &validity),
            ("StatusCallback", &format!("{}/{named}", self.status_url)),
        ];
        Some(Post {
            path: self.messages.clone(),
            content_type: "application/x-www-form-urlencoded",
            fields: self.fields(),
            body: Bytes::from(form::write(&fields)),
        })
    }
}

/// The text that segments divide, put together again.
fn text_of(message: &[Submission]) -> Option<Zeroizing<String>> {
    let coding = message.first()?.data_coding;
    let octets: Zeroizing<Vec<u8>> = Zeroizing::new(
        message
            .iter()
            .flat_map(|segment| segment.payload.iter().copied())
            .collect(),
    );
    match decode_text(coding, &octets) {
        Decoded::Text(text) => Some(Zeroizing::new(text.reveal().to_owned())),
        Decoded::Octets => None,
    }
}

/// HTTP Basic (RFC 7617). The user holds no colon, and the secret is printable.
fn basic(user: &str, secrets: &ProviderSecrets) -> HeaderValue {
    let pair = Zeroizing::new(format!("{user}:{}", secrets.secret.reveal()));
    let shown = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    // Base64 is text that a header can hold.
    let mut header = HeaderValue::from_str(&shown).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// The messages of a batch, each with all of its segments.
pub(super) fn messages(batch: Vec<Submission>) -> Vec<Arc<[Submission]>> {
    let mut found: Vec<Vec<Submission>> = Vec::new();
    for submission in batch {
        match found.last_mut() {
            Some(open) if is_of(open, &submission) => open.push(submission),
            _ => found.push(vec![submission]),
        }
    }
    found.into_iter().map(Arc::from).collect()
}

fn is_of(open: &[Submission], submission: &Submission) -> bool {
    let message = open.first().map(|first| first.token.message);
    message == Some(submission.token.message)
}

#[cfg(test)]
mod tests {
    use domain::msisdn::Msisdn;
    use domain::sender::ShortCode;
    use engine::ports::carrier::Token;

    use super::*;

    fn segment(message: u64, place: u8, data_coding: u8, payload: &[u8]) -> Submission {
        Submission {
            message: domain::id::MessageId::new(message, 0),
            token: Token {
                message,
                segment: place,
                attempt: 1,
            },
            source: ShortCode::parse("12345").unwrap(),
            to: Msisdn::parse("+447700900123").unwrap(),
            data_coding,
            udh: vec![5, 0, 3, 1, 2, 1],
            payload: Arc::from(payload),
            validity_seconds: 600,
            priority: 0,
        }
    }

    #[test]
    fn the_segments_of_a_message_are_one_request_in_either_alphabet() {
        let batch = vec![
            segment(1, 0, 0, b"Hello "),
            segment(1, 1, 0, &[0x1b, 0x65]),
            segment(2, 0, 8, &[0xd8, 0x3d]),
            segment(2, 1, 8, &[0xde, 0x00]),
            segment(3, 0, 0, b"x"),
        ];
        let texts: Vec<String> = messages(batch)
            .iter()
            .map(|message| text_of(message).unwrap().to_string())
            .collect();
        assert_eq!(texts, ["Hello €", "😀", "x"]);
    }
}
