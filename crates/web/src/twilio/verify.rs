//! `/v2`: Verify of Twilio's. Services, verifications under them, and checks.

mod service;
mod verification;

use domain::id::VerifyServiceId;

use crate::api::Call;
use crate::http_errors::not_found;
use crate::problem::Problem;
use crate::twilio::sid::{AccountSid, Sid, VerifyServiceSid};

/// The service that a path names.
fn service_of(call: &Call<'_>) -> Result<VerifyServiceId, Problem> {
    let sid: VerifyServiceSid = call.within.parse().map_err(|_| not_found())?;
    Ok(Sid::id(sid))
}

/// The account that calls.
fn account_of(call: &Call<'_>) -> AccountSid {
    AccountSid::of(call.caller.client)
}
