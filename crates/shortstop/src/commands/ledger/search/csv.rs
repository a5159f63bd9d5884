//! Entries as comma-separated values (RFC 4180) that a spreadsheet can open: no cell begins like a
//! formula, whatever somebody managed to have written into the ledger.

use super::Shown;

/// The names of the columns.
pub const COLUMNS: [&str; 12] = [
    "index",
    "time",
    "kind",
    "outcome",
    "actor_type",
    "actor",
    "client",
    "object_type",
    "object",
    "correlation",
    "origin",
    "reason",
];

/// One line, without its end.
pub fn line<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",")
}

/// The cells of an entry, in the order of [`COLUMNS`].
pub fn cells<'s>(shown: &'s Shown, index: &'s str) -> [&'s str; 12] {
    [
        index,
        shown.text("/time"),
        shown.text("/kind"),
        shown.text("/outcome"),
        shown.text("/actor/type"),
        shown.text("/actor/id"),
        shown.text("/client"),
        shown.text("/object/type"),
        shown.text("/object/id"),
        shown.text("/correlation"),
        shown.text("/origin/id"),
        shown.text("/reason"),
    ]
}

/// A cell: quoted where it must be, and with an apostrophe before what a spreadsheet would run.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(
            line(["plain", "a,b", "say \"x\"", "two\nlines", ""]),
            "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\","
        );
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            (
                "=HYPERLINK(\"a\",\"b\")",
                "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"",
            ),
            ("a=b", "a=b"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
