//! `POST /v1/opt-outs`, `/v1/opt-outs/lookup` and `/v1/opt-outs/remove`. All three take the number in
//! the body, and name the short code: an opt-out is from one short code.

use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use engine::OptOutRequest;
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::message::plain;
use crate::api::{Api, Call, document, render, sound};
use crate::json::Fields;
use crate::json::fields::Faults;
use crate::problem::Problem;
use crate::reply::Reply;

/// The longest evidence, in characters.
const EVIDENCE_MAX: usize = 1_000;

impl Api {
    /// Records an opt-out; one that is on record already stays as it is.
    pub(super) async fn record_opt_out(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let view = self
            .gateway
            .record_opt_out(&call.caller, change(&body)?)
            .await?;
        Ok(Reply::json(StatusCode::OK, render::opt_out(&view)))
    }

    /// Removes an opt-out.
    pub(super) async fn remove_opt_out(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let view = self
            .gateway
            .remove_opt_out(&call.caller, change(&body)?)
            .await?;
        Ok(Reply::json(StatusCode::OK, render::opt_out(&view)))
    }

    /// Tells whether a number is opted out.
    pub(super) async fn look_up_opt_out(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.body(call, body).await?;
        let (short_code, number) = subject(&body)?;
        let view = self
            .gateway
            .look_up_opt_out(&call.caller, short_code, number)
            .await?;
        Ok(Reply::json(StatusCode::OK, render::opt_out(&view)))
    }
}

/// Reads whose opt-out to record or remove, and why.
fn change(body: &[u8]) -> Result<OptOutRequest, Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let short_code = fields.parsed("short_code", str::parse);
    let number = fields.parsed("number", Msisdn::parse);
    let basis = fields.parsed("basis", str::parse);
    let evidence = fields.parsed("evidence", |text| plain(text, EVIDENCE_MAX));
    fields.close();
    let request = || {
        Some(OptOutRequest {
            short_code: short_code?,
            number: number?,
            basis: basis?,
            evidence: evidence?,
        })
    };
    sound(request(), faults)
}

/// Reads whose opt-out to look up.
fn subject(body: &[u8]) -> Result<(ShortCode, Msisdn), Problem> {
    let mut faults = Faults::default();
    let mut fields = Fields::open(document(body)?, "", &mut faults);
    let short_code = fields.parsed("short_code", str::parse);
    let number = fields.parsed("number", Msisdn::parse);
    fields.close();
    sound(short_code.zip(number), faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_code_basis_and_evidence_must_be_said() {
        let body = r#"{"short_code":"12345","number":"+447700900123","basis":"request",
            "evidence":"call of 3 May"}"#;
        assert_eq!(
            change(body.as_bytes()).unwrap().number.reveal(),
            447_700_900_123
        );
        let problem = change(br#"{"number":"+447700900123","basis":"whim"}"#).unwrap_err();
        let places: Vec<_> = problem
            .faults
            .iter()
            .map(|fault| fault.place.to_string())
            .collect();
        assert_eq!(places, ["#/short_code", "#/basis", "#/evidence"]);
    }

    #[test]
    fn a_lookup_takes_nothing_but_short_code_and_number() {
        let good = br#"{"short_code":"12345","number":"+447700900123"}"#;
        assert!(subject(good).is_ok());
        let more = br#"{"short_code":"12345","number":"+447700900123","basis":"request"}"#;
        assert_eq!(subject(more).unwrap_err().faults.len(), 1);
    }
}
