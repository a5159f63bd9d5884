//! `POST /v1/messages/batch`: up to 1,000 messages in one request, each answered by itself and in its
//! place. That one is wrong changes nothing for the others.

use engine::{SubmitRequest, Submitted};
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::{Api, Call, credentials, message, no_document, render, sound};
use crate::http_errors::busy;
use crate::json::fields::Faults;
use crate::json::{self, Fields, Value};
use crate::problem::{Code, Problem};
use crate::reply::Reply;

/// More values than any message can hold.
const VALUES_PER_MESSAGE: usize = 24;

/// What becomes of one item.
type Outcome = Result<Submitted, Problem>;

impl Api {
    /// Takes a batch on: 200 with one result for each message.
    pub(super) async fn submit_batch(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let key = credentials::idempotency_key(&call.parts.headers)?;
        let own = self.batches_of_clients.take(call.caller.client);
        let _own = own.ok_or_else(|| self.busy_client())?;
        let _place = self.batches.take().ok_or_else(busy)?;
        let body = self
            .body_up_to(self.settings.batch_body_bytes_max, call, body)
            .await?;
        let (wanted, wrong) = apart(read(&body, self.settings.batch_messages_max)?);
        let submitted = self.gateway.submit_batch(&call.caller, wanted, key).await;
        let outcomes = in_place(wrong, submitted.into_iter().map(|one| Ok(one?)));
        Ok(Reply::json(StatusCode::OK, render::batch(&outcomes)))
    }
}

/// Reads the list; each item is a request or what is wrong with it.
fn read(body: &[u8], messages_max: usize) -> Result<Vec<Result<SubmitRequest, Problem>>, Problem> {
    let values_max = messages_max
        .saturating_mul(VALUES_PER_MESSAGE)
        .saturating_add(64);
    let document = json::read(body, values_max).map_err(no_document)?;
    let mut faults = Faults::default();
    let mut fields = Fields::open(document, "", &mut faults);
    let items = match fields.take("messages") {
        Some(Value::List(items)) if (1..=messages_max).contains(&items.len()) => Some(items),
        Some(Value::List(_)) => fields.fault(
            "messages",
            format!("must hold 1 to {messages_max} messages"),
        ),
        Some(_) => fields.fault("messages", "must be a list of messages"),
        None => fields.fault("messages", "is missing"),
    };
    fields.close();
    let items = sound(items, faults)?;
    Ok(items.into_iter().map(item).collect())
}

fn item(value: Value<'_>) -> Result<SubmitRequest, Problem> {
    let mut faults = Faults::default();
    let request = message::read(value, &mut faults);
    sound(request, faults)
}

/// Sound items with their places, counted from 1, and for every place what is wrong with it. Places
/// count wrong items too, so that repairing one does not shift the idempotency of those after it.
fn apart(
    items: Vec<Result<SubmitRequest, Problem>>,
) -> (Vec<(u32, SubmitRequest)>, Vec<Option<Problem>>) {
    let mut wanted = Vec::with_capacity(items.len());
    let mut wrong = Vec::with_capacity(items.len());
    for (place, item) in (1..).zip(items) {
        match item {
            Ok(request) => {
                wanted.push((place, request));
                wrong.push(None);
            }
            Err(problem) => wrong.push(Some(problem)),
        }
    }
    (wanted, wrong)
}

/// Puts the engine's answers where the sound items stood.
fn in_place(
    wrong: Vec<Option<Problem>>,
    mut answers: impl Iterator<Item = Outcome>,
) -> Vec<Outcome> {
    let missing = || Err(Problem::new(Code::Internal, "this message got no answer"));
    let outcome = |problem| match problem {
        Some(problem) => Err(problem),
        None => answers.next().unwrap_or_else(missing),
    };
    wrong.into_iter().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"to":"+447700900123","from":"12345","text":"hi","class":"alert"}"#;

    fn batch(items: &[&str]) -> String {
        format!(r#"{{"messages":[{}]}}"#, items.join(","))
    }

    #[test]
    fn each_message_is_read_by_itself() {
        let body = batch(&[GOOD, "7", GOOD, r#"{"to":"x"}"#]);
        let items = read(body.as_bytes(), 1_000).unwrap();
        let sound: Vec<_> = items.iter().map(Result::is_ok).collect();
        assert_eq!(sound, [true, false, true, false]);
        assert_eq!(items[1].as_ref().unwrap_err().faults.len(), 5);
    }

    #[test]
    fn the_list_itself_has_its_bounds() {
        let many = batch(&[GOOD; 4]);
        assert!(read(many.as_bytes(), 4).is_ok());
        for wrong in [
            many.as_str(),
            r#"{"messages":[]}"#,
            r#"{"messages":{}}"#,
            "{}",
            "[]",
            &format!(r#"{{"messages":[{GOOD}],"more":1}}"#),
        ] {
            assert_eq!(
                read(wrong.as_bytes(), 3).unwrap_err().code,
                Code::InvalidRequest,
                "{wrong}"
            );
        }
        let wide = format!(r#"{{"messages":[{}0]}}"#, "0,".repeat(1_000));
        assert_eq!(
            read(wide.as_bytes(), 3).unwrap_err().code,
            Code::InvalidRequest
        );
    }

    #[test]
    fn a_full_batch_of_full_messages_fits_the_bound_of_values() {
        let full = r#"{"to":"+447700900123","from":"12345","text":"hi","class":"alert","reference":"r",
            "campaign":"c","valid_for_seconds":60,"risk":{"ip":"::1","user_agent":"u","device_id":"d"}}"#;
        let items = read(batch(&vec![full; 1_000]).as_bytes(), 1_000).unwrap();
        assert!(items.iter().all(Result::is_ok));
    }

    #[test]
    fn answers_come_back_in_their_places() {
        let body = batch(&[r#"{"to":"x"}"#, GOOD, "null", GOOD]);
        let (wanted, wrong) = apart(read(body.as_bytes(), 10).unwrap());
        assert_eq!(
            wanted.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            [2, 4]
        );
        let answers = [Code::OptedOut, Code::QueueFull].map(|code| Err(Problem::new(code, "")));
        let codes: Vec<_> = in_place(wrong, answers.into_iter())
            .into_iter()
            .map(|outcome| outcome.unwrap_err().code)
            .collect();
        let expected = [
            Code::InvalidRequest,
            Code::OptedOut,
            Code::InvalidRequest,
            Code::QueueFull,
        ];
        assert_eq!(codes, expected);
    }
}
