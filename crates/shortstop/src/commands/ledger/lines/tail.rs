//! Where a file of lines ends: the index of its last whole line, and nothing behind that line.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use serde_json::Value;

use crate::control::LineFormat;

/// No line is longer: an entry has at most 65,535 octets, and each may be escaped twice.
const LINE_MAX: u64 = 1 << 20;

/// The index behind that of the file's last whole line; 0 of a file without one. What is behind that line
/// is cut off, and the file stands at its end.
pub fn next_index(file: &mut File, format: LineFormat) -> anyhow::Result<u64> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LINE_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    file.take(LINE_MAX).read_to_end(&mut end)?;
    let whole = end.iter().rposition(|octet| *octet == b'\n');
    let Some(whole) = whole else {
        anyhow::ensure!(start == 0, "it has no end of a line");
        cut(file, 0)?;
        return Ok(0);
    };
    let lines = end.get(..whole).unwrap_or_default();
    let begins = lines.iter().rposition(|octet| *octet == b'\n');
    let line = lines.get(begins.map_or(0, |place| place + 1)..);
    let index = index_of(line.unwrap_or_default(), format);
    let index = index.ok_or_else(|| anyhow::anyhow!("its last line is none of this format"))?;
    cut(file, start + u64::try_from(whole)? + 1)?;
    Ok(index + 1)
}

fn cut(file: &mut File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::End(0)).map(|_| ())
}

/// The index that a line tells.
fn index_of(line: &[u8], format: LineFormat) -> Option<u64> {
    let text = str::from_utf8(line).ok()?;
    match format {
        LineFormat::Cef => {
            let (_, rest) = text.strip_prefix("CEF:0|")?.split_once(" externalId=")?;
            rest.split(' ').next()?.parse().ok()
        }
        LineFormat::Jsonl => member(text, "/index"),
        LineFormat::Ocsf => member(text, "/metadata/sequence"),
    }
}

fn member(text: &str, path: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.pointer(path)?.as_u64()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn check(content: &str, format: LineFormat, next: Option<u64>, left: &str) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        assert_eq!(next_index(&mut file, format).ok(), next, "{content}");
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut kept = String::new();
        file.read_to_string(&mut kept).unwrap();
        assert_eq!(kept, left);
    }

    #[test]
    fn a_file_is_gone_on_with_behind_its_last_whole_line() {
        let two = "{\"index\":7}\n{\"index\":8}\n";
        check("", LineFormat::Jsonl, Some(0), "");
        check("{\"ind", LineFormat::Jsonl, Some(0), "");
        check(two, LineFormat::Jsonl, Some(9), two);
        check(
            "{\"index\":7}\n{\"index\":8",
            LineFormat::Jsonl,
            Some(8),
            "{\"index\":7}\n",
        );
        let cef = "CEF:0|a|b|c|d|e|1|rt=1 externalId=41 cat=x\n";
        check(cef, LineFormat::Cef, Some(42), cef);
        let ocsf = "{\"metadata\":{\"sequence\":5}}\n";
        check(ocsf, LineFormat::Ocsf, Some(6), ocsf);
    }

    #[test]
    fn a_file_of_something_else_is_left_as_it_is() {
        for format in [LineFormat::Jsonl, LineFormat::Cef, LineFormat::Ocsf] {
            check("dear diary\n", format, None, "dear diary\n");
        }
    }
}
