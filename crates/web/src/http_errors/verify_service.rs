//! Errors and refusals of verify services and of verifications under them, with the names of Twilio's parameters.

use engine::{
    ServedCheckError, ServiceStartError, StartVerificationError, VERIFY_SERVICES_MAX,
    VerifyServiceError,
};

use super::{not_found, storage_low, unavailable};
use crate::json::fields::MISSING;
use crate::problem::{Code, Fault, Place, Problem};
use crate::twilio::parameters::renamed;

/// What parts of our own requests are called here.
const NAMES: [(&str, &str); 4] = [
    ("/length", "CodeLength"),
    ("/channel", "Channel"),
    ("/binding/amount", "Amount"),
    ("/binding/payee", "Payee"),
];

fn of(name: &str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::with_fault(Place::Parameter(name.to_owned()), detail)
}

impl From<VerifyServiceError> for Problem {
    fn from(error: VerifyServiceError) -> Self {
        match error {
            VerifyServiceError::Off => StartVerificationError::Off.into(),
            VerifyServiceError::NotFound => not_found(),
            VerifyServiceError::Standing => Self::new(
                Code::InvalidRequest,
                "this service has the gateway's own terms, and every client has it: nothing was done; make a \
                 service of your own to have terms of your own",
            ),
            VerifyServiceError::Nameless => of("FriendlyName", MISSING),
            VerifyServiceError::Name(error) => of(
                "FriendlyName",
                format!("stands in texts, and cannot: {error}"),
            ),
            VerifyServiceError::DoesNotFit => of(
                "FriendlyName",
                "stands in texts, and they do not fit one segment with it: use a shorter name",
            ),
            VerifyServiceError::FixedLines => of(
                "SkipSmsToLandlines",
                "is not for a request to choose: an operator says whether codes go to fixed lines (verifications.fixed_lines)",
            ),
            VerifyServiceError::TooFewDigits => {
                renamed(StartVerificationError::TooFewDigits.into(), &NAMES)
            }
            VerifyServiceError::TooMany => Self::new(
                Code::InvalidRequest,
                format!(
                    "a client has at most {VERIFY_SERVICES_MAX} verify services of its own: nothing was done; \
                     remove one that is not used"
                ),
            ),
            VerifyServiceError::StorageLow => storage_low(),
            VerifyServiceError::Unavailable => unavailable(),
        }
    }
}

impl From<ServiceStartError> for Problem {
    fn from(error: ServiceStartError) -> Self {
        match error {
            ServiceStartError::NoService => not_found(),
            ServiceStartError::ActMissing => {
                let detail =
                    "is missing: this service asks for an amount and a payee (Psd2Enabled)";
                let missing = |name: &str| Fault {
                    place: Place::Parameter(name.to_owned()),
                    detail: detail.into(),
                };
                Self::with_faults(vec![missing("Amount"), missing("Payee")])
            }
            ServiceStartError::Start(StartVerificationError::WhichShortCode) => Self::new(
                Code::InvalidRequest,
                "this client has not just one short code, and the gateway names none for codes: nothing was sent; \
                 ask an operator to set short_code in the section [verifications] of its configuration",
            ),
            ServiceStartError::Start(error) => renamed(error.into(), &NAMES),
            ServiceStartError::Resend(error) => error.into(),
        }
    }
}

impl From<ServedCheckError> for Problem {
    fn from(error: ServedCheckError) -> Self {
        match error {
            ServedCheckError::UsedUp => Self::new(
                Code::ChecksUsedUp,
                "every check of this verification was used, and none is looked at any more, right or wrong: begin \
                 another verification",
            ),
            ServedCheckError::Check(error) => error.into(),
        }
    }
}
