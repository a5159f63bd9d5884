//! A JSON Schema in words: its type, bounds and fields, with links to the schemas it names.

use std::fmt::Write as _;

use serde_json::Value;

use super::{description, members, text};
use crate::guide::html::Escaped;

/// Where the schema of this name stands in the page.
pub(super) fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

/// A table of the fields of an object; nothing where it has none.
pub(super) fn fields(page: &mut String, schema: &Value) {
    let properties = members(schema, "/properties");
    if properties.is_empty() {
        return;
    }
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        let mut names = required.into_iter().flatten();
        names.any(|required| required == name)
    };
    page.push_str("<table><tr><th>field</th><th>value</th><th>meaning</th></tr>\n");
    for (name, value) in properties {
        let _ = write!(page, "<tr><td><code>{}</code>", Escaped(name));
        if is_required(name) {
            page.push_str(" <span class=\"must\">required</span>");
        }
        page.push_str("</td><td>");
        in_words(page, value);
        let meaning = description(value);
        let _ = writeln!(page, "</td><td>{meaning}</td></tr>");
    }
    page.push_str("</table>\n");
}

/// What a value may be, in a line.
pub(super) fn in_words(page: &mut String, schema: &Value) {
    let target = text(schema, "/$ref");
    if let Some(name) = target.strip_prefix("#/components/schemas/") {
        let _ = write!(page, "<a href=\"#{}\">{name}</a>", anchor(name));
        return;
    }
    if let Some(choices) = choices(schema) {
        joined(page, choices, " or ", in_words);
        return;
    }
    types(page, schema);
    if let Some(items) = schema.get("items") {
        page.push_str(" of ");
        in_words(page, items);
    }
    values(page, schema);
    bounds(page, schema);
}

fn choices(schema: &Value) -> Option<&[Value]> {
    let mut choices = ["anyOf", "oneOf"].iter();
    let choices = choices.find_map(|name| schema.get(name)?.as_array());
    choices.map(Vec::as_slice)
}

fn joined(page: &mut String, values: &[Value], between: &str, write: fn(&mut String, &Value)) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            page.push_str(between);
        }
        write(page, value);
    }
}

fn types(page: &mut String, schema: &Value) {
    match schema.get("type") {
        Some(Value::String(name)) => page.push_str(name),
        Some(Value::Array(names)) => joined(page, names, " or ", |page, name| {
            page.push_str(name.as_str().unwrap_or_default());
        }),
        _ => {}
    }
    let format = text(schema, "/format");
    if !format.is_empty() {
        let _ = write!(page, " ({})", Escaped(format));
    }
}

/// The values of a list or of a constant.
fn values(page: &mut String, schema: &Value) {
    let one = schema.get("const").map(std::slice::from_ref);
    let several = schema.get("enum").and_then(Value::as_array);
    let Some(values) = one.or(several.map(Vec::as_slice)) else {
        return;
    };
    page.push_str(": ");
    joined(page, values, ", ", |page, value| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(page, "<code>{}</code>", Escaped(&value));
    });
}

fn bounds(page: &mut String, schema: &Value) {
    const BOUNDS: [(&str, &str); 8] = [
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "characters from "),
        ("maxLength", "characters up to "),
        ("minItems", "items from "),
        ("maxItems", "items up to "),
        ("pattern", "like "),
        ("default", "by default "),
    ];
    for (name, words) in BOUNDS {
        let Some(bound) = schema.get(name) else {
            continue;
        };
        let bound = bound
            .as_str()
            .map_or_else(|| bound.to_string(), str::to_owned);
        let _ = write!(page, ", {words}<code>{}</code>", Escaped(&bound));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(schema: &Value) -> String {
        let mut page = String::new();
        in_words(&mut page, schema);
        page
    }

    #[test]
    fn a_value_is_told_with_its_type_and_bounds() {
        let number = json!({"type": ["integer", "null"], "minimum": 1, "maximum": 9});
        let told = "integer or null, at least <code>1</code>, at most <code>9</code>";
        assert_eq!(words(&number), told);
        let text = json!({"type": "string", "format": "date-time", "pattern": "^<a>$"});
        assert_eq!(
            words(&text),
            "string (date-time), like <code>^&lt;a&gt;$</code>"
        );
        let list = json!({"type": "array", "items": {"$ref": "#/components/schemas/A"}});
        assert_eq!(words(&list), "array of <a href=\"#schema-A\">A</a>");
    }

    #[test]
    fn choices_and_constants_are_listed() {
        let choice = json!({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]});
        assert_eq!(words(&choice), "<a href=\"#schema-A\">A</a> or null");
        let word = json!({"type": "string", "enum": ["a", "b"]});
        assert_eq!(words(&word), "string: <code>a</code>, <code>b</code>");
        assert_eq!(words(&json!({"const": 2})), ": <code>2</code>");
    }

    #[test]
    fn fields_say_which_of_them_must_be_there() {
        let mut page = String::new();
        let object = json!({
            "required": ["a"],
            "properties": {"a": {"type": "string"}, "b": {"type": "boolean", "description": "B & c."}},
        });
        fields(&mut page, &object);
        assert!(
            page.contains("<code>a</code> <span class=\"must\">required</span></td><td>string")
        );
        assert!(page.contains("<code>b</code></td><td>boolean</td><td>B &amp; c.</td>"));
    }
}
