//! The list of an account's messages, of both ways: what a query asks for, and a page of it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use engine::{PageView, Party, Traffic, TrafficQuery};

use crate::json::fields::{Faults, Members};
use crate::json::{Fields, Json, Value};
use crate::twilio::form::encoded;
use crate::twilio::message;

/// Rows of a page when the client does not say.
const SIZE_DEFAULT: u16 = 50;
/// Rows of a page at most.
const SIZE_MAX: u16 = 1_000;
/// Octets of a message in a list, about.
const MESSAGE_OCTETS: usize = 1_024;
/// The filters, which the links to other pages repeat.
const FILTERS: [&str; 5] = ["To", "From", "DateSent", "DateSent<", "DateSent>"];

/// A page that is asked for.
pub(super) struct Listing {
    pub(super) wanted: TrafficQuery,
    /// Which page it is, counted from 0.
    page: u32,
    /// The filters as they were asked for.
    filters: String,
}

/// Why a text names nobody.
#[derive(Debug, thiserror::Error)]
#[error("must be a number in international form or a short code")]
struct NobodyError;

/// Why a text is no date.
#[derive(Debug, thiserror::Error)]
#[error("must be a date such as 2026-11-25 or a time such as 2026-11-25T10:00:00Z")]
struct DateError;

/// Reads the query of a list.
pub(super) fn read(members: Members<'_>, faults: &mut Faults) -> Listing {
    let filters = filters(&members);
    let mut fields = Fields::of_query(members, faults);
    let to = fields.parsed_if_there("To", party);
    let from = fields.parsed_if_there("From", party);
    let on = fields.parsed_if_there("DateSent", span);
    let before = fields.parsed_if_there("DateSent<", span);
    let after = fields.parsed_if_there("DateSent>", span);
    let wanted = TrafficQuery {
        to,
        from,
        since: on.map(|on| on.0).max(after.map(|after| after.0)),
        until: earlier(on.map(|on| on.1), before.map(|before| before.1)),
        cursor: fields.parsed_if_there("PageToken", str::parse),
        limit: size(&mut fields),
    };
    let page = page(&mut fields, wanted.cursor.is_some());
    fields.close();
    Listing {
        wanted,
        page,
        filters,
    }
}

fn filters(members: &Members<'_>) -> String {
    let mut text = String::new();
    for (name, value) in members {
        if let Value::Text(value) = value
            && FILTERS.contains(&name.as_ref())
        {
            // Writing into a text does not fail.
            let _ = write!(text, "&{}={}", encoded(name), encoded(value));
        }
    }
    text
}

fn party(text: &str) -> Result<Party, NobodyError> {
    if let Ok(code) = text.parse::<ShortCode>() {
        return Ok(Party::Code(code));
    }
    Msisdn::parse(text)
        .map(Party::Handset)
        .map_err(|_| NobodyError)
}

/// From when on and before when: a day, or a second. The SDKs write a day as its first second.
fn span(text: &str) -> Result<(Timestamp, Timestamp), DateError> {
    let day = text.strip_suffix("T00:00:00Z").unwrap_or(text);
    let (from, length) = match day.len() {
        10 => (format!("{day}T00:00:00Z"), Duration::from_hours(24)),
        _ => (text.to_owned(), Duration::from_secs(1)),
    };
    let from: Timestamp = from.parse().map_err(|_| DateError)?;
    Ok((from, from.saturating_add(length)))
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn size(fields: &mut Fields<'_, '_>) -> u16 {
    let Some(asked) = fields.whole("PageSize") else {
        return SIZE_DEFAULT;
    };
    match u16::try_from(asked) {
        Ok(size @ 1..=SIZE_MAX) => size,
        _ => fields
            .fault("PageSize", format!("must be from 1 to {SIZE_MAX}"))
            .unwrap_or(SIZE_DEFAULT),
    }
}

/// The number of a page is a name only; where it begins is in its token.
fn page(fields: &mut Fields<'_, '_>, has_token: bool) -> u32 {
    let asked = fields.whole("Page").unwrap_or(0);
    match u32::try_from(asked) {
        Ok(page) if has_token || page == 0 => page,
        _ => fields
            .fault(
                "Page",
                "needs the PageToken beside it: follow next_page_uri of the page before",
            )
            .unwrap_or(0),
    }
}

impl Listing {
    /// Writes a page.
    pub(super) fn write(&self, account: &str, found: &PageView<Traffic>) -> Json {
        let mut json = Json::with_capacity(found.rows.len().saturating_mul(MESSAGE_OCTETS) + 512);
        json.open().name("messages").open_list();
        let mut written = 0_u64;
        for row in &found.rows {
            let is_written = match row {
                Traffic::Outbound(row) => message::write(&mut json, account, row),
                Traffic::Inbound(row) => message::write_inbound(&mut json, account, row),
            };
            written += u64::from(is_written.is_some());
        }
        json.close_list();
        let size = u64::from(self.wanted.limit);
        let start = u64::from(self.page) * size;
        json.name("page").bare(self.page);
        json.name("page_size").bare(size);
        json.name("start").bare(start);
        json.name("end")
            .bare((start + written).saturating_sub(1).max(start));
        json.name("uri").text(&self.uri(account, self.page, None));
        json.name("first_page_uri")
            .text(&self.uri(account, 0, None));
        let next = found.next.map(|next| {
            let token = next.to_string();
            self.uri(account, self.page.saturating_add(1), Some(&token))
        });
        json.name("next_page_uri").text_or_null(next.as_deref());
        json.name("previous_page_uri").bare("null").close();
        json
    }

    fn uri(&self, account: &str, page: u32, token: Option<&str>) -> String {
        let size = self.wanted.limit;
        let token = token.map_or(Cow::Borrowed(""), |token| {
            Cow::Owned(format!("&PageToken={token}"))
        });
        let filters = &self.filters;
        format!(
            "/2010-04-01/Accounts/{account}/Messages.json?PageSize={size}&Page={page}{filters}{token}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::query::parameters;

    fn asked(query: &str) -> Result<Listing, Vec<String>> {
        let mut faults = Faults::default();
        let members = parameters(Some(query), &mut faults);
        let listing = read(members, &mut faults);
        if faults.is_empty() {
            return Ok(listing);
        }
        let faults = faults.into_vec();
        Err(faults.iter().map(|fault| fault.place.to_string()).collect())
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_all_of_it_and_a_time_is_its_second() {
        let span = |query: &str| {
            let wanted = asked(query).map_err(|_| ()).unwrap().wanted;
            (wanted.since, wanted.until)
        };
        let day = (
            Some(time("2026-11-25T00:00:00Z")),
            Some(time("2026-11-26T00:00:00Z")),
        );
        assert_eq!(span("DateSent=2026-11-25"), day);
        assert_eq!(span("DateSent=2026-11-25T00%3A00%3A00Z"), day);
        let second = (
            Some(time("2026-11-25T10:00:00Z")),
            Some(time("2026-11-25T10:00:01Z")),
        );
        assert_eq!(span("DateSent=2026-11-25T10:00:00Z"), second);
        assert_eq!(span("DateSent%3E=2026-11-25"), (day.0, None));
        assert_eq!(span("DateSent%3C=2026-11-25"), (None, day.1));
        assert_eq!(span("DateSent<=2026-11-25&DateSent>=2026-11-25"), day);
        let both = "DateSent>=2026-11-25T10:00:00Z&DateSent<=2026-11-25T10:00:00Z";
        assert_eq!(span(both), second);
    }

    #[test]
    fn a_party_is_a_handset_or_a_short_code() {
        let wanted = asked("To=12345&From=%2B447700900123").map_err(|_| ());
        let wanted = wanted.unwrap().wanted;
        assert!(matches!(wanted.to, Some(Party::Code(_))));
        assert!(matches!(wanted.from, Some(Party::Handset(_))));
        assert_eq!(wanted.limit, SIZE_DEFAULT);
    }

    #[test]
    fn wrong_parameters_are_named_all_at_once() {
        let wrong =
            "To=x&From=0&DateSent=y&DateSent<=1&DateSent>=2&PageSize=0&PageToken=z&Colour=red";
        let named = [
            "To",
            "From",
            "DateSent",
            "DateSent<",
            "DateSent>",
            "PageToken",
            "PageSize",
            "Colour",
        ];
        assert_eq!(asked(wrong).map(|_| ()).unwrap_err(), named);
        for page in [
            "Page=1",
            "PageSize=1001",
            "PageSize=+5",
            "Page=4294967296&PageToken=c1",
        ] {
            assert!(asked(page).is_err(), "{page}");
        }
    }

    #[test]
    fn links_repeat_the_filters_and_name_the_place() {
        let listing =
            asked("To=%2B447700900123&DateSent%3C=2026-11-25&PageSize=2&Page=3&PageToken=cff");
        let listing = listing.map_err(|_| ()).unwrap();
        let found = PageView {
            rows: Vec::new(),
            next: Some("cfe".parse().unwrap()),
        };
        let shown: serde_json::Value =
            serde_json::from_str(&listing.write("AC1", &found).finish()).unwrap();
        let base = "/2010-04-01/Accounts/AC1/Messages.json?PageSize=2&Page=";
        let filters = "&To=%2B447700900123&DateSent%3C=2026-11-25";
        assert_eq!(shown["first_page_uri"], format!("{base}0{filters}"));
        assert_eq!(
            shown["next_page_uri"],
            format!("{base}4{filters}&PageToken=cfe")
        );
        assert_eq!(shown["previous_page_uri"], serde_json::Value::Null);
        assert_eq!(
            (shown["page"].as_u64(), shown["start"].as_u64()),
            (Some(3), Some(6))
        );
    }
}
