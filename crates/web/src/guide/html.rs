//! What all pages of the documentation share: the frame, the style, and text that cannot become markup.

use std::fmt::{self, Display, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha2::{Digest as _, Sha256};

use super::GUIDES;

/// The style of every page.
const STYLE: &str = include_str!("style.css");

/// Nothing is loaded and nothing runs; of styles the page's own one counts (CSP level 3).
pub(crate) static STYLE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// A heading, as the list of contents shows it.
pub(super) struct Heading {
    /// What a link names after `#`.
    pub(super) anchor: String,
    /// In words.
    pub(super) title: String,
    /// Whether it stands below the one before it.
    pub(super) level: Level,
}

/// How far in a heading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// A chapter.
    Chapter,
    /// A part of one.
    Part,
}

/// A whole page. `name` is that of the guide, empty for the reference; `body` is markup.
pub(super) fn page(title: &str, name: &str, headings: &[Heading], body: &str) -> String {
    let mut page = String::with_capacity(body.len() + STYLE.len() + 4_096);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Shortstop</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        title = Escaped(title),
    );
    page.push_str("<header><strong>Shortstop</strong><nav aria-label=\"Pages\">");
    pages(&mut page, name);
    page.push_str("<a href=\"/openapi.json\">openapi.json</a></nav></header>\n");
    contents(&mut page, headings);
    let _ = write!(page, "<main>\n{body}</main>\n</body>\n</html>\n");
    page
}

/// The list of all pages.
fn pages(page: &mut String, shown: &str) {
    let mut link = |name: &str, path: &str, title: &str| {
        let current = if name == shown {
            " aria-current=\"page\""
        } else {
            ""
        };
        let _ = write!(page, "<a href=\"{path}\"{current}>{}</a>", Escaped(title));
    };
    link("", "/docs", "Reference");
    for guide in &GUIDES {
        link(guide.name, &format!("/docs/{}", guide.name), guide.title);
    }
}

/// The list of what stands in this page.
fn contents(page: &mut String, headings: &[Heading]) {
    page.push_str("<nav class=\"contents\" aria-label=\"Contents\">\n");
    for heading in headings {
        let class = match heading.level {
            Level::Chapter => "chapter",
            Level::Part => "part",
        };
        let _ = writeln!(
            page,
            "<a class=\"{class}\" href=\"#{}\">{}</a>",
            Escaped(&heading.anchor),
            Escaped(&heading.title)
        );
    }
    page.push_str("</nav>\n");
}

/// Text that stands in markup as it is.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let text = Escaped("<b a=\"1\" b='2'>&amp;").to_string();
        assert_eq!(text, "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;");
    }

    #[test]
    fn the_policy_names_the_style_of_the_page_and_nothing_else() {
        let page = page("A <title>", "", &[], "");
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let policy = STYLE_POLICY.to_str().unwrap();
        assert!(
            policy.contains(&format!("style-src 'sha256-{hash}';")),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none';"));
        assert!(page.contains("<title>A &lt;title&gt; · Shortstop</title>"));
    }
}
