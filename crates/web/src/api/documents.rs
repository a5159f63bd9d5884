//! The public documents: what the API is, and what its errors mean. Both are part of the binary.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};

use crate::guide;
use crate::reply::{Kind, Reply};

/// The OpenAPI document.
pub(crate) const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

/// The page of error codes.
pub(crate) const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// `GET /openapi.json`.
pub(crate) fn openapi() -> Reply {
    Reply::ready(
        StatusCode::OK,
        Kind::Json,
        Bytes::from_static(OPENAPI.as_bytes()),
    )
}

/// `GET /docs/errors`: a page for a browser, the source of it for everybody else.
pub(crate) fn errors(headers: &HeaderMap) -> Option<Reply> {
    if is_browser(headers) {
        return guide::read(guide::ERRORS);
    }
    let source = Bytes::from_static(ERRORS.as_bytes());
    Some(Reply::ready(StatusCode::OK, Kind::Markdown, source))
}

/// Whether pages are asked for by name; `*/*` is what programs send.
fn is_browser(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut lists = accepted.filter_map(|value| value.to_str().ok());
    lists.any(|list| {
        list.split([',', ';'])
            .any(|kind| kind.trim() == "text/html")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::route::{Access, Dialect, ROUTES};

    fn document() -> serde_json::Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    #[test]
    fn the_document_names_every_route_and_no_other() {
        let table: BTreeSet<String> = ROUTES
            .iter()
            .map(|row| format!("{} {}", row.verb.as_str(), row.path))
            .collect();
        let document = document();
        let mut named = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
            {
                named.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        assert_eq!(named, table);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn the_document_names_the_scope_of_every_route() {
        let document = document();
        for row in &ROUTES {
            let operation = &document["paths"][row.path][row.verb.as_str().to_lowercase()];
            let security = &operation["security"];
            match row.access {
                Access::Public => assert_eq!(security.to_string(), "[]", "{}", row.path),
                Access::Carrier(_) => {
                    assert!(security[0]["carrier_signature"].is_array(), "{}", row.path);
                }
                Access::Scoped(scope) => {
                    let way = match row.dialect {
                        Dialect::Own => "api_key",
                        Dialect::Messages | Dialect::Verify => "account",
                    };
                    assert_eq!(security[0][way][0], scope.as_str(), "{}", row.path);
                }
            }
            assert!(operation["summary"].is_string(), "{}", row.path);
        }
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn references(value: &serde_json::Value, found: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(members) => {
                    for (name, member) in members {
                        if let ("$ref", Some(target)) = (name.as_str(), member.as_str()) {
                            found.push(target.to_owned());
                        }
                        references(member, found);
                    }
                }
                serde_json::Value::Array(items) => {
                    for item in items {
                        references(item, found);
                    }
                }
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for target in found {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }

    #[test]
    fn the_document_lists_the_error_codes_of_the_table() {
        let document = document();
        let listed = document
            .pointer("/components/schemas/Problem/properties/code/enum")
            .unwrap();
        let listed: BTreeSet<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let table: BTreeSet<_> = crate::problem::Code::ALL
            .iter()
            .map(|code| code.as_str())
            .collect();
        assert_eq!(listed, table);
    }

    #[test]
    fn the_page_in_words_names_every_state_of_the_document() {
        let page = include_str!("../../../../docs/api.md");
        let (_, states) = page.split_once("\nStates: ").unwrap();
        let (states, _) = states.split_once("\n\n").unwrap();
        for schema in ["MessageState", "SegmentState"] {
            let listed = document()["components"]["schemas"][schema]["enum"].clone();
            for state in listed.as_array().unwrap() {
                let state = state.as_str().unwrap();
                let mut named = states.split(|character: char| !character.is_ascii_lowercase());
                assert!(named.any(|word| word == state), "{state}");
            }
        }
    }
}
