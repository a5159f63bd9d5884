//! The build with a race in it, which only a test may make: its feature is declared once, in the engine, is
//! in no default, and is turned on by no manifest, configuration or workflow.

use super::finding::{Check, Finding};
use super::tree::TextFile;

/// Put together from pieces, so that this file passes itself.
const FEATURE: &str = concat!("racy", "-checks");

/// Where it is declared, and the whole of the line that declares it.
const HOME: &str = "crates/engine/Cargo.toml";

/// Lines that could turn it on.
pub fn of_file(file: &TextFile) -> Vec<Finding> {
    let is_setting = ["toml", "yml", "yaml", "sh"]
        .iter()
        .any(|end| file.path.rsplit_once('.').is_some_and(|(_, is)| is == *end));
    if !is_setting {
        return Vec::new();
    }
    let declares = format!("{FEATURE} = []");
    let lines = (1..).zip(file.text.lines());
    let hits = lines.filter(|(_, line)| {
        let is_declared = file.path == HOME && line.trim() == declares;
        line.contains(FEATURE) && !is_declared
    });
    hits.map(|(number, _)| {
        let says =
            format!("line {number}: `{FEATURE}` is for one test alone, and nothing may turn it on");
        Finding::new(Check::Racy, &file.path, says)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        of_file(&TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn only_the_declaration_in_the_engine_passes() {
        let declares = format!("[features]\n{FEATURE} = []\n");
        assert_eq!(findings(HOME, &declares), 0);
        assert_eq!(findings("crates/store/Cargo.toml", &declares), 1);
        let default = format!("default = [\"{FEATURE}\"]\n{declares}");
        assert_eq!(findings(HOME, &default), 1);
        let used = format!("engine = {{ features = [\"{FEATURE}\"] }}");
        assert_eq!(findings("crates/shortstop/Cargo.toml", &used), 1);
        assert_eq!(findings("crates/engine/src/check.rs", &used), 0);
    }
}
