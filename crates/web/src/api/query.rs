//! Reads the query of a URL: decoded once, strictly, into members that are then taken by name.

use crate::json::Value;
use crate::json::fields::{Faults, Members};
use crate::problem::Place;
use crate::twilio::form::decoded;

/// Parameters looked at; no route has as many.
const PARAMETERS_MAX: usize = 32;

/// Splits and decodes a query (`application/x-www-form-urlencoded`). Names and values that are no
/// percent-encoded UTF-8 are faults.
pub(crate) fn parameters<'q>(query: Option<&'q str>, faults: &mut Faults) -> Members<'q> {
    let mut members = Members::new();
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    for pair in pairs.take(PARAMETERS_MAX) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decoded(name), decoded(value)) {
            (Some(name), Some(value)) => members.push((name, Value::Text(value))),
            _ => faults.add(
                Place::Parameter(String::new()),
                "is not percent-encoded UTF-8: encode names and values",
            ),
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &[(&str, &str)]) {
        let mut faults = Faults::default();
        let members = parameters(Some(query), &mut faults);
        let shown: Vec<_> = members
            .iter()
            .map(|(name, value)| match value {
                Value::Text(text) => (name.as_ref(), text.as_ref()),
                _ => ("", ""),
            })
            .collect();
        assert_eq!(shown, expected, "{query}");
        assert_eq!(faults.is_empty(), !query.contains("bad"), "{query}");
    }

    #[test]
    fn a_query_is_decoded_once() {
        check("", &[]);
        check(
            "state=delivered&limit=5",
            &[("state", "delivered"), ("limit", "5")],
        );
        check(
            "since=2026-01-01T00%3A00%3A00Z&x",
            &[("since", "2026-01-01T00:00:00Z"), ("x", "")],
        );
        check("a=%2541&&b=c+d", &[("a", "%41"), ("b", "c d")]);
        check("bad=%", &[]);
        check("bad=%zz&ok=1", &[("ok", "1")]);
        check("bad=%ff", &[]);
    }

    proptest::proptest! {
        #[test]
        fn no_query_makes_the_reader_panic(query in ".*") {
            let _ = parameters(Some(&query), &mut Faults::default());
        }
    }
}
