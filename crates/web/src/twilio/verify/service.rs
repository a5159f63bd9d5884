//! Services: the terms under which verifications begin.

use std::num::TryFromIntError;

use bytes::Bytes;
use domain::verification::code::CodeLength;
use domain::verification::fixed_lines::FixedLines;
use engine::rows::ActRule;
use engine::{VerifyServiceView, VerifyServiceWish};
use http::StatusCode;
use hyper::body::Incoming;

use super::{account_of, service_of};
use crate::api::{Api, Call, query, refuse_query, sound};
use crate::json::fields::{Faults, Members};
use crate::json::{Fields, Json};
use crate::problem::Problem;
use crate::reply::{Kind, Reply};
use crate::twilio::form::Pairs;
use crate::twilio::parameters::{Declined, Rules, declined, pairs, unless};
use crate::twilio::sid::VerifyServiceSid;
use crate::twilio::time::iso8601;

const OFF: &[&str] = &["false"];

const DECLINED: &[Declined] = &[
    unless(
        "CustomCodeEnabled",
        OFF,
        "is not supported: codes are drawn here, and nobody chooses one",
    ),
    unless(
        "LookupEnabled",
        OFF,
        "is not supported: numbers are not looked up for a request",
    ),
    unless(
        "DoNotShareWarningEnabled",
        &["true"],
        "cannot be turned off: every text says not to share its code",
    ),
    unless(
        "VerifyEventSubscriptionEnabled",
        OFF,
        "is not supported: have an operator add a webhook",
    ),
    declined(
        "DefaultTemplateSid",
        "is not supported: the gateway has the texts",
    ),
    declined("MailerSid", "is not supported: codes go by SMS alone"),
    declined(
        "Push.IncludeDate",
        "is not supported: codes go by SMS alone",
    ),
    declined(
        "Push.ApnCredentialSid",
        "is not supported: codes go by SMS alone",
    ),
    declined(
        "Push.FcmCredentialSid",
        "is not supported: codes go by SMS alone",
    ),
    declined("Totp.Issuer", "is not supported here: use /v1/factors"),
    declined("Totp.TimeStep", "is not supported here: use /v1/factors"),
    declined("Totp.CodeLength", "is not supported here: use /v1/factors"),
    declined("Totp.Skew", "is not supported here: use /v1/factors"),
    declined(
        "Whatsapp.MsgServiceSid",
        "is not supported: codes go by SMS alone",
    ),
    declined("Whatsapp.From", "is not supported: codes go by SMS alone"),
];

const RULES: Rules = Rules {
    // Of voice alone, which nothing is sent by.
    ignored: &["DtmfInputRequired", "TtsName"],
    declined: DECLINED,
};

/// The most services of a page, as the SDKs ask for them, and as many as one has unless asked.
const SIZE_MAX: usize = 1_000;
const SIZE: usize = 50;

impl Api {
    /// Lists services: the one that every client has, then its own, oldest first.
    pub(crate) fn twilio_list_services(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        let mut faults = Faults::default();
        let parameters = query::parameters(call.parts.uri.query(), &mut faults);
        let page = Page::read(parameters, &mut faults);
        let page = sound(page, faults)?;
        let services = self.gateway.verify_services(&call.caller)?;
        let mut json = Json::with_capacity(4_096);
        json.open();
        json.name("services").open_list();
        let shown = services.iter().skip(page.first()).take(page.size);
        for service in shown {
            self.write_service(&mut json, call, service);
        }
        json.close_list();
        self.write_meta(&mut json, page, services.len());
        json.close();
        Ok(Reply::json(StatusCode::OK, json))
    }

    /// Makes a service: 201 once it is safe on disk.
    pub(crate) async fn twilio_create_service(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.form(call, body).await?;
        let wish = wish(&body)?;
        let made = self
            .gateway
            .create_verify_service(&call.caller, wish)
            .await?;
        Ok(self.service(StatusCode::CREATED, call, &made))
    }

    /// Shows a service.
    pub(crate) fn twilio_read_service(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = service_of(call)?;
        let found = self.gateway.verify_service(&call.caller, id)?;
        Ok(self.service(StatusCode::OK, call, &found))
    }

    /// Changes a service.
    pub(crate) async fn twilio_change_service(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = self.form(call, body).await?;
        let (id, wish) = (service_of(call)?, wish(&body)?);
        let changing = self.gateway.change_verify_service(&call.caller, id, wish);
        Ok(self.service(StatusCode::OK, call, &changing.await?))
    }

    /// Removes a service: 204 without a body.
    pub(crate) async fn twilio_remove_service(
        &self,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let id = service_of(call)?;
        self.form(call, body).await?;
        self.gateway.remove_verify_service(&call.caller, id).await?;
        let (status, kind) = (StatusCode::NO_CONTENT, Kind::Json);
        Ok(Reply::ready(status, kind, Bytes::new()))
    }

    fn service(&self, status: StatusCode, call: &Call<'_>, service: &VerifyServiceView) -> Reply {
        let mut json = Json::with_capacity(1_024);
        self.write_service(&mut json, call, service);
        Reply::json(status, json)
    }

    fn write_service(&self, json: &mut Json, call: &Call<'_>, service: &VerifyServiceView) {
        let sid = VerifyServiceSid::of(service.id);
        let url = format!("{}/v2/Services/{sid}", self.settings.public_url);
        json.open();
        json.name("account_sid").word(account_of(call));
        json.name("code_length").bare(service.length.digits());
        json.name("custom_code_enabled").bare(false);
        json.name("date_created").word(iso8601(service.created));
        json.name("date_updated").word(iso8601(service.updated));
        json.name("default_template_sid").bare("null");
        json.name("do_not_share_warning_enabled").bare(true);
        json.name("dtmf_input_required").bare(false);
        json.name("friendly_name").text(&service.name);
        json.name("links").open();
        json.name("verification_checks")
            .text(&format!("{url}/VerificationCheck"));
        json.name("verifications")
            .text(&format!("{url}/Verifications"));
        json.close();
        json.name("lookup_enabled").bare(false);
        json.name("psd2_enabled")
            .bare(service.acts == ActRule::Required);
        json.name("push").bare("null");
        json.name("sid").word(sid);
        json.name("skip_sms_to_landlines")
            .bare(service.fixed_lines == FixedLines::Refuse);
        json.name("totp").bare("null");
        json.name("tts_name").bare("null");
        json.name("url").text(&url);
        json.name("verify_event_subscription_enabled").bare(false);
        json.close();
    }

    fn write_meta(&self, json: &mut Json, page: Page, count: usize) {
        let Page { number, size } = page;
        let url = |number: usize| {
            let base = &self.settings.public_url;
            format!("{base}/v2/Services?PageSize={size}&Page={number}")
        };
        let is_more = page.first().saturating_add(size) < count;
        let next = is_more.then(|| url(number.saturating_add(1)));
        let previous = number.checked_sub(1).map(url);
        json.name("meta").open();
        json.name("first_page_url").text(&url(0));
        json.name("key").word("services");
        json.name("next_page_url").text_or_null(next.as_deref());
        json.name("page").bare(number);
        json.name("page_size").bare(size);
        json.name("previous_page_url")
            .text_or_null(previous.as_deref());
        json.name("url").text(&url(number));
        json.close();
    }
}

/// Which part of a list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    number: usize,
    size: usize,
}

impl Page {
    fn read(parameters: Members<'_>, faults: &mut Faults) -> Option<Self> {
        let mut fields = Fields::of_query(parameters, faults);
        let size = size(&mut fields);
        let number = fields.whole("Page").map(usize::try_from);
        let _token = fields.text("PageToken");
        fields.close();
        let number = number.map_or(0, |number| number.unwrap_or(usize::MAX));
        faults.is_empty().then_some(Self {
            number,
            size: size?,
        })
    }

    const fn first(self) -> usize {
        self.number.saturating_mul(self.size)
    }
}

fn size(fields: &mut Fields<'_, '_>) -> Option<usize> {
    let Some(asked) = fields.whole("PageSize") else {
        return Some(SIZE);
    };
    match usize::try_from(asked) {
        Ok(size @ 1..=SIZE_MAX) => Some(size),
        _ => fields.fault("PageSize", format!("must be from 1 to {SIZE_MAX}")),
    }
}

/// Reads what a client wants of a service.
fn wish(body: &[u8]) -> Result<VerifyServiceWish, Problem> {
    let mut faults = Faults::default();
    let wish = read(pairs(body)?, &mut faults);
    sound(Some(wish), faults)
}

fn read(pairs: Pairs<'_>, faults: &mut Faults) -> VerifyServiceWish {
    let members = RULES.sort_out(pairs, &["FriendlyName"], faults);
    let mut fields = Fields::of_query(members, faults);
    let name = fields.text("FriendlyName").map(Into::into);
    let length = length(&mut fields);
    let acts = fields.flag("Psd2Enabled");
    let acts = acts.map(|on| {
        if on {
            ActRule::Required
        } else {
            ActRule::Optional
        }
    });
    let skipped = fields.flag("SkipSmsToLandlines");
    let fixed_lines = skipped.map(|on| {
        if on {
            FixedLines::Refuse
        } else {
            FixedLines::Send
        }
    });
    fields.close();
    VerifyServiceWish {
        name,
        length,
        acts,
        fixed_lines,
    }
}

fn length(fields: &mut Fields<'_, '_>) -> Option<CodeLength> {
    let digits = fields.whole("CodeLength")?;
    let narrow: Result<u8, TryFromIntError> = digits.try_into();
    let length = CodeLength::new(narrow.unwrap_or(u8::MAX));
    fields.checked("CodeLength", length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_and_what_cannot_be_honoured_is_named() {
        let taken =
            wish(b"FriendlyName=Example+Shop&CodeLength=8&Psd2Enabled=true&TtsName=x").unwrap();
        assert_eq!(taken.name.as_deref(), Some("Example Shop"));
        assert_eq!(taken.length, Some(CodeLength::EIGHT));
        assert_eq!(taken.acts, Some(ActRule::Required));
        let problem = wish(
            b"FriendlyName=x&CodeLength=3&Psd2Enabled=maybe&CustomCodeEnabled=true&LookupEnabled=false\
              &DoNotShareWarningEnabled=false&Totp.Skew=1&Colour=red",
        )
        .unwrap_err();
        let places = problem.faults.iter().map(|fault| fault.place.to_string());
        let mut places: Vec<_> = places.collect();
        places.sort();
        assert_eq!(
            places,
            [
                "CodeLength",
                "Colour",
                "CustomCodeEnabled",
                "DoNotShareWarningEnabled",
                "Psd2Enabled",
                "Totp.Skew",
            ]
        );
    }

    #[test]
    fn a_page_has_a_place_and_a_bounded_size() {
        let read = |query: &'static str| {
            let mut faults = Faults::default();
            let parameters = query::parameters(Some(query), &mut faults);
            Page::read(parameters, &mut faults)
        };
        let page = |number, size| Some(Page { number, size });
        assert_eq!(read(""), page(0, 50));
        assert_eq!(read("PageSize=2&Page=3&PageToken=x"), page(3, 2));
        assert_eq!(read("PageSize=1000"), page(0, 1_000));
        for wrong in [
            "PageSize=0",
            "PageSize=1001",
            "PageSize=99999999999999999999",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        // A page that is not there is empty, whatever its number.
        let last = u64::MAX.to_string();
        let far = Box::leak(format!("Page={last}").into_boxed_str());
        assert_eq!(read(far).map(Page::first), Some(usize::MAX));
        assert_eq!(read("Size=1"), None);
    }
}
