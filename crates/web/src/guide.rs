//! The documentation that the binary brings along, as pages for a browser: the OpenAPI document as a
//! reference, and the guides. They are made once, hold no script, and load nothing: neither from elsewhere
//! nor from the gateway.

mod html;
mod markdown;
mod reference;

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;

use crate::reply::{Kind, Reply};

pub(crate) use html::STYLE_POLICY;

/// A page made of one that lies in `docs/`.
struct Guide {
    /// Its place below `/docs/`, and with `.md` its file.
    name: &'static str,
    title: &'static str,
    text: &'static str,
}

/// The guides, in the order of their list.
const GUIDES: [Guide; 6] = [
    Guide {
        name: "quickstart",
        title: "Quick starts",
        text: include_str!("../../../docs/quickstart.md"),
    },
    Guide {
        name: "api",
        title: "HTTPS API",
        text: include_str!("../../../docs/api.md"),
    },
    Guide {
        name: "errors",
        title: "Errors",
        text: include_str!("../../../docs/errors.md"),
    },
    Guide {
        name: "twilio",
        title: "Twilio's applications",
        text: include_str!("../../../docs/twilio.md"),
    },
    Guide {
        name: "webhooks",
        title: "Webhooks",
        text: include_str!("../../../docs/webhooks.md"),
    },
    Guide {
        name: "smpp",
        title: "SMPP",
        text: include_str!("../../../docs/smpp.md"),
    },
];

/// The name of the page of errors.
pub(crate) const ERRORS: &str = "errors";

static REFERENCE: LazyLock<Bytes> = LazyLock::new(|| reference::page().into());
static PAGES: LazyLock<Vec<Bytes>> =
    LazyLock::new(|| GUIDES.iter().map(|guide| page(guide).into()).collect());

/// `GET /docs`.
pub(crate) fn reference() -> Reply {
    Reply::ready(StatusCode::OK, Kind::Html, REFERENCE.clone())
}

/// `GET /docs/{id}`: a guide, if there is one of this name.
pub(crate) fn read(name: &str) -> Option<Reply> {
    let place = GUIDES.iter().position(|guide| guide.name == name)?;
    let page = PAGES.get(place)?;
    Some(Reply::ready(StatusCode::OK, Kind::Html, page.clone()))
}

fn page(guide: &Guide) -> String {
    let content = markdown::to_html(guide.text);
    html::page(guide.title, guide.name, &content.headings, &content.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every page, by its name; the reference has none.
    fn pages() -> Vec<(&'static str, String)> {
        let guides = GUIDES.iter().map(|guide| (guide.name, page(guide)));
        let mut pages: Vec<_> = guides.collect();
        pages.push(("", reference::page()));
        pages
    }

    /// What stands between `before` and the next quote, each time.
    fn all<'a>(page: &'a str, before: &str) -> Vec<&'a str> {
        let parts = page.split(before).skip(1);
        parts
            .filter_map(|part| part.split_once('"').map(|(value, _)| value))
            .collect()
    }

    #[test]
    fn no_page_loads_or_runs_anything() {
        for (name, page) in pages() {
            for word in [
                "<script",
                "<img",
                "<iframe",
                "<link",
                "<object",
                "<form",
                " src=",
                "javascript:",
                "url(",
                "@import",
                " style=",
                " onclick",
                " onload",
            ] {
                assert!(!page.contains(word), "{name}: {word}");
            }
            assert_eq!(page.matches("<style>").count(), 1, "{name}");
        }
    }

    #[test]
    fn every_link_between_the_pages_leads_somewhere() {
        let pages = pages();
        let anchors = |name: &str| -> Option<Vec<&str>> {
            let (_, page) = pages.iter().find(|(known, _)| *known == name)?;
            Some(all(page, " id=\""))
        };
        for (name, page) in &pages {
            for link in all(page, " href=\"") {
                if link.starts_with("https://") || link == "/openapi.json" {
                    continue;
                }
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = match path {
                    "" => name,
                    "/docs" => "",
                    other => other.strip_prefix("/docs/").unwrap(),
                };
                let anchors = anchors(target).unwrap_or_else(|| panic!("{name}: {link}"));
                assert!(
                    anchor.is_empty() || anchors.contains(&anchor),
                    "{name}: {link}"
                );
            }
        }
    }

    #[test]
    fn no_anchor_stands_twice_in_a_page() {
        for (name, page) in pages() {
            let mut anchors = all(&page, " id=\"");
            let count = anchors.len();
            anchors.sort_unstable();
            anchors.dedup();
            assert_eq!(anchors.len(), count, "{name}");
        }
    }

    #[test]
    fn the_page_of_an_error_code_is_where_problems_point() {
        let (_, page) = pages()
            .into_iter()
            .find(|(name, _)| *name == ERRORS)
            .unwrap();
        let anchors = all(&page, " id=\"");
        for code in crate::problem::Code::ALL {
            assert!(anchors.contains(&code.as_str()), "{}", code.as_str());
        }
    }

    #[test]
    fn another_name_is_no_page() {
        for name in ["", "keys", "api.md", "..", "API"] {
            assert!(read(name).is_none(), "{name}");
        }
    }
}
