//! A page of `docs/` as markup. Links to other pages that are served here lead to them; links to pages of
//! the source alone become plain words, so that none is dead.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::GUIDES;
use super::html::{Heading, Level};

/// A page and its list of contents.
pub(super) struct Content {
    pub(super) headings: Vec<Heading>,
    pub(super) body: String,
}

/// Reads a page.
pub(super) fn to_html(text: &str) -> Content {
    let mut events: Vec<_> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let headings = name_headings(&mut events);
    keep_links(&mut events);
    let mut body = String::with_capacity(text.len() * 2);
    html::push_html(
        &mut body,
        events.into_iter().filter(|event| !is_markup(event)),
    );
    Content { headings, body }
}

/// A line of a description, which OpenAPI writes in the same language.
pub(super) fn line(text: &str) -> String {
    let mut events: Vec<_> = Parser::new(text).collect();
    keep_links(&mut events);
    let is_inline = |event: &Event<'_>| {
        let is_paragraph = matches!(
            event,
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)
        );
        !is_paragraph && !is_markup(event)
    };
    let mut line = String::with_capacity(text.len() * 2);
    html::push_html(&mut line, events.into_iter().filter(is_inline));
    line
}

/// Markup in a page of words would be a mistake, and is left out.
fn is_markup(event: &Event<'_>) -> bool {
    matches!(event, Event::Html(_) | Event::InlineHtml(_))
}

/// Gives every heading its anchor, and lists the chapters and their parts.
fn name_headings(events: &mut [Event<'_>]) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut place = 0;
    while let Some(rest) = events.get_mut(place..) {
        let Some(start) = rest.iter().position(is_heading) else {
            break;
        };
        let title = words(rest.get(start + 1..).unwrap_or_default());
        let anchor = free_anchor(&title, &headings);
        if let Some(Event::Start(Tag::Heading { level, id, .. })) = rest.get_mut(start) {
            *id = Some(CowStr::from(anchor.clone()));
            let level = match level {
                HeadingLevel::H1 | HeadingLevel::H2 => Level::Chapter,
                _ => Level::Part,
            };
            headings.push(Heading {
                anchor,
                title,
                level,
            });
        }
        place += start + 1;
    }
    headings
}

fn is_heading(event: &Event<'_>) -> bool {
    matches!(event, Event::Start(Tag::Heading { .. }))
}

/// The words of a heading, up to its end.
fn words(events: &[Event<'_>]) -> String {
    let mut words = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(text),
            Event::End(TagEnd::Heading(_)) => break,
            _ => {}
        }
    }
    words
}

/// The anchor that hosts of Git make of a heading: lower case, hyphens for spaces, no other signs; a
/// second one of the same words is numbered.
fn free_anchor(title: &str, taken: &[Heading]) -> String {
    let kept = title.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ => character.is_alphanumeric().then_some(character),
    });
    let anchor: String = kept.flat_map(char::to_lowercase).collect();
    let is_taken = |anchor: &str| taken.iter().any(|heading| heading.anchor == anchor);
    if !is_taken(&anchor) {
        return anchor;
    }
    let numbered = (1..=taken.len()).map(|count| format!("{anchor}-{count}"));
    numbered
        .into_iter()
        .find(|anchor| !is_taken(anchor))
        .unwrap_or(anchor)
}

/// Turns links to served pages, and takes out those that lead nowhere here.
fn keep_links(events: &mut Vec<Event<'_>>) {
    let mut is_dead = false;
    events.retain_mut(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            let target = target(dest_url);
            is_dead = target.is_none();
            *dest_url = CowStr::from(target.unwrap_or_default());
            !is_dead
        }
        Event::End(TagEnd::Link) => !std::mem::take(&mut is_dead),
        _ => true,
    });
}

/// Where a link of the source leads here.
fn target(link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    if file == "openapi.json" {
        return Some("/openapi.json".to_owned());
    }
    let name = file.strip_suffix(".md")?;
    GUIDES.iter().find(|guide| guide.name == name)?;
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!("#{anchor}")
    };
    Some(format!("/docs/{name}{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        to_html(text).body
    }

    #[test]
    fn a_heading_is_linked_by_its_words() {
        let content = to_html("# A page\n## The `code` of it, and more\n### Same\n### Same\n");
        let anchors = content
            .headings
            .iter()
            .map(|heading| heading.anchor.as_str());
        let anchors: Vec<_> = anchors.collect();
        assert_eq!(
            anchors,
            ["a-page", "the-code-of-it-and-more", "same", "same-1"]
        );
        assert!(content.body.contains("<h2 id=\"the-code-of-it-and-more\">"));
        assert_eq!(content.headings[1].level, Level::Chapter);
        assert_eq!(content.headings[2].level, Level::Part);
    }

    #[test]
    fn links_lead_to_pages_that_are_served() {
        let link = "<p><a href=\"/docs/errors#throttled\">that</a></p>\n";
        assert_eq!(body("[that](errors.md#throttled)"), link);
        assert_eq!(body("[here](#x)"), "<p><a href=\"#x\">here</a></p>\n");
        assert_eq!(
            body("[`it`](openapi.json)"),
            "<p><a href=\"/openapi.json\"><code>it</code></a></p>\n"
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_here_is_plain_words() {
        assert_eq!(
            body("[keys](keys.md) [a](errors.md)"),
            "<p>keys <a href=\"/docs/errors\">a</a></p>\n"
        );
        assert_eq!(body("[x](javascript:alert(1))"), "<p>x</p>\n");
        assert_eq!(body("[x](../README.md)"), "<p>x</p>\n");
    }

    #[test]
    fn a_line_of_a_description_is_no_paragraph() {
        assert_eq!(line("a `b` <i>c</i> & d"), "a <code>b</code> c &amp; d");
    }

    #[test]
    fn markup_among_the_words_is_left_out() {
        assert_eq!(body("a <script>b</script> c"), "<p>a b c</p>\n");
        assert_eq!(body("<div>x</div>\n\ny"), "<p>y</p>\n");
    }
}
