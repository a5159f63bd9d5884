//! The OpenAPI document as a page: every operation with its scope, parameters, bodies and answers, an
//! example as a `curl` where the document has one, and every schema.

mod schema;

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::html::{self, Escaped, Heading, Level};
use super::markdown;
use crate::api::documents::OPENAPI;

/// The whole page.
pub(super) fn page() -> String {
    let document = serde_json::from_str(OPENAPI).unwrap_or_default();
    let mut reference = Reference {
        document: &document,
        headings: Vec::new(),
        body: String::with_capacity(512 * 1_024),
    };
    reference.write();
    html::page("API reference", "", &reference.headings, &reference.body)
}

/// What an operation may be called by, in the order that the path items list them.
const VERBS: [&str; 3] = ["get", "post", "delete"];

/// The chapters of the operations, in their order.
const CHAPTERS: [&str; 9] = [
    "messages",
    "inbound",
    "opt-outs",
    "verifications",
    "factors",
    "Twilio-compatible",
    "ledger",
    "carrier",
    "documents",
];

struct Reference<'d> {
    document: &'d Value,
    headings: Vec<Heading>,
    body: String,
}

impl<'d> Reference<'d> {
    fn write(&mut self) {
        let document = self.document;
        self.put("<h1>", text(document, "/info/title"), "</h1>\n");
        self.described(document.get("info").unwrap_or(document));
        self.security();
        for chapter in CHAPTERS {
            let paths = members(document, "/paths").iter();
            let mut paths = paths
                .filter(|(path, _)| chapter_of(path) == chapter)
                .peekable();
            if paths.peek().is_some() {
                self.chapter(chapter);
            }
            for (path, item) in paths {
                self.operations(path, item);
            }
        }
        if !members(document, "/webhooks").is_empty() {
            self.chapter("webhooks");
        }
        for (name, item) in members(document, "/webhooks") {
            self.operations(name, item);
        }
        self.schemas();
    }

    /// Markup around text.
    fn put(&mut self, before: &str, text: &str, after: &str) {
        if !text.is_empty() {
            let _ = write!(self.body, "{before}{}{after}", Escaped(text));
        }
    }

    /// What a part of the document says of itself.
    fn described(&mut self, value: &Value) {
        let said = description(value);
        if !said.is_empty() {
            let _ = writeln!(self.body, "<p>{said}</p>");
        }
    }

    fn chapter(&mut self, name: &str) {
        let anchor = format!("chapter-{name}");
        let _ = writeln!(self.body, "<h2 id=\"{anchor}\">{}</h2>", Escaped(name));
        self.headings.push(Heading {
            anchor,
            title: name.to_owned(),
            level: Level::Chapter,
        });
    }

    fn part(&mut self, anchor: String, title: String) {
        self.headings.push(Heading {
            anchor,
            title,
            level: Level::Part,
        });
    }

    fn security(&mut self) {
        self.chapter("access");
        self.body
            .push_str("<table><tr><th>by</th><th>how</th></tr>\n");
        for (name, scheme) in members(self.document, "/components/securitySchemes") {
            self.put("<tr><td><code>", name, "</code></td>");
            let _ = writeln!(self.body, "<td>{}</td></tr>", description(scheme));
        }
        self.body.push_str("</table>\n");
    }

    fn operations(&mut self, path: &str, item: &'d Value) {
        for verb in VERBS {
            if let Some(operation) = item.get(verb) {
                self.operation(verb, path, operation);
            }
        }
    }

    fn operation(&mut self, verb: &str, path: &str, operation: &'d Value) {
        let id = text(operation, "/operationId");
        let _ = writeln!(
            self.body,
            "<h3 id=\"{id}\"><span class=\"verb {verb}\">{upper}</span><code>{path}</code></h3>",
            id = Escaped(id),
            upper = verb.to_uppercase(),
            path = Escaped(path)
        );
        self.part(id.to_owned(), text(operation, "/summary").to_owned());
        self.put(
            "<p><strong>",
            text(operation, "/summary"),
            "</strong></p>\n",
        );
        self.described(operation);
        self.scopes(operation);
        self.parameters(operation);
        self.bodies(operation);
        self.example(verb, path, operation);
        self.answers(operation);
    }

    /// All ways in ask for the same scope, so the first tells it.
    fn scopes(&mut self, operation: &Value) {
        let ways = operation.get("security").and_then(Value::as_array);
        let Some(ways) = ways else { return };
        if ways.is_empty() {
            self.body.push_str("<p>Open to everybody.</p>\n");
            return;
        }
        self.body.push_str("<p>Scope: ");
        let first = ways.first().and_then(Value::as_object);
        let scopes = first.into_iter().flat_map(|way| way.values());
        for scope in scopes.filter_map(Value::as_array).flatten() {
            self.put("<code>", scope.as_str().unwrap_or_default(), "</code> ");
        }
        self.body.push_str("</p>\n");
    }

    fn parameters(&mut self, operation: &'d Value) {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let Some(parameters) = parameters.filter(|list| !list.is_empty()) else {
            return;
        };
        self.body.push_str(
            "<table><tr><th>parameter</th><th>in</th><th>value</th><th>meaning</th></tr>\n",
        );
        for parameter in parameters {
            let parameter = self.resolved(parameter);
            self.put("<tr><td><code>", text(parameter, "/name"), "</code>");
            if parameter.get("required") == Some(&Value::Bool(true)) {
                self.body.push_str(" <span class=\"must\">required</span>");
            }
            self.put("</td><td>", text(parameter, "/in"), "</td><td>");
            if let Some(value) = parameter.get("schema") {
                schema::in_words(&mut self.body, value);
            }
            let _ = writeln!(self.body, "</td><td>{}</td></tr>", description(parameter));
        }
        self.body.push_str("</table>\n");
    }

    fn bodies(&mut self, operation: &'d Value) {
        for (kind, media) in members(operation, "/requestBody/content") {
            self.put("<h4>Body: ", kind, "</h4>\n");
            let Some(value) = media.get("schema") else {
                continue;
            };
            self.body.push_str("<p>");
            schema::in_words(&mut self.body, value);
            self.body.push_str("</p>\n");
            let object = self.resolved(value);
            schema::fields(&mut self.body, object);
        }
    }

    /// The request as it would be sent, where the document has an example of its body.
    fn example(&mut self, verb: &str, path: &str, operation: &Value) {
        let media = members(operation, "/requestBody/content");
        let example = media.iter().find_map(|(kind, media)| {
            let example = media.get("example")?;
            Some((kind.as_str(), example))
        });
        let Some((kind, example)) = example.filter(|_| path.starts_with('/')) else {
            return;
        };
        let sent = match example {
            Value::String(form) => form.clone(),
            json => json.to_string(),
        };
        let curl = format!(
            "curl -X {} \"$SHORTSTOP{path}\" -H \"Authorization: Bearer $KEY\" \\\n  -H 'Content-Type: {kind}' -d '{}'",
            verb.to_uppercase(),
            sent.replace('\'', "'\\''"),
        );
        self.put("<pre><code>", &curl, "</code></pre>\n");
    }

    fn answers(&mut self, operation: &'d Value) {
        self.body
            .push_str("<table><tr><th>answer</th><th>body</th><th>meaning</th></tr>\n");
        for (status, answer) in members(operation, "/responses") {
            let answer = self.resolved(answer);
            self.put("<tr><td><code>", status, "</code></td><td>");
            for (kind, media) in members(answer, "/content") {
                match media.get("schema") {
                    Some(value) => schema::in_words(&mut self.body, value),
                    None => self.put("", kind, ""),
                }
            }
            let _ = writeln!(self.body, "</td><td>{}</td></tr>", description(answer));
        }
        self.body.push_str("</table>\n");
    }

    fn schemas(&mut self) {
        self.chapter("schemas");
        for (name, value) in members(self.document, "/components/schemas") {
            let anchor = schema::anchor(name);
            let _ = writeln!(self.body, "<h3 id=\"{anchor}\">{}</h3>", Escaped(name));
            self.described(value);
            self.body.push_str("<p>");
            schema::in_words(&mut self.body, value);
            self.body.push_str("</p>\n");
            schema::fields(&mut self.body, value);
            self.part(anchor, name.clone());
        }
    }

    /// What a reference leads to; the value itself where it is none.
    fn resolved(&self, value: &'d Value) -> &'d Value {
        let pointer = text(value, "/$ref").strip_prefix('#');
        pointer
            .and_then(|pointer| self.document.pointer(pointer))
            .unwrap_or(value)
    }
}

/// A description as markup.
fn description(value: &Value) -> String {
    markdown::line(text(value, "/description"))
}

/// The text at a place, or none.
fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// The members of the object at a place, or none.
fn members<'v>(value: &'v Value, pointer: &str) -> &'v Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    let found = value.pointer(pointer).and_then(Value::as_object);
    found.unwrap_or(&NONE)
}

/// The chapter of a path: its first part that says what it is about.
fn chapter_of(path: &str) -> &str {
    let mut parts = path.split('/').skip(1);
    match parts.next() {
        Some("v1") => parts.next().unwrap_or_default(),
        Some("2010-04-01" | "v2") => "Twilio-compatible",
        Some("openapi.json" | "docs") => "documents",
        Some(first) => first,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::ROUTES;

    #[test]
    fn every_route_has_its_place_in_the_page() {
        let page = page();
        for row in &ROUTES {
            let heading = format!("{}</span><code>{}</code></h3>", row.verb.as_str(), row.path);
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
    }

    #[test]
    fn every_schema_and_field_is_told() {
        let page = page();
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        for (name, value) in members(&document, "/components/schemas") {
            assert!(
                page.contains(&format!("<h3 id=\"{}\">", schema::anchor(name))),
                "{name}"
            );
            for field in members(value, "/properties").keys() {
                assert!(
                    page.contains(&format!("<td><code>{field}</code>")),
                    "{name}.{field}"
                );
            }
        }
    }

    #[test]
    fn an_example_is_a_command_that_a_shell_takes() {
        let page = page();
        let send = "<pre><code>curl -X POST &quot;$SHORTSTOP/v1/messages&quot; ";
        let (_, send) = page.split_once(send).unwrap();
        assert!(send.contains("-d &#39;{&quot;"));
    }
}
