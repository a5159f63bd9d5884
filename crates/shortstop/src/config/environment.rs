//! The one place that reads the environment: settings as `SHORTSTOP__SECTION__FIELD`, and the folder
//! of systemd credentials. Everything else gets its settings from the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::problems::Problems;

/// What every variable of ours begins with.
const PREFIX: &str = "SHORTSTOP__";

/// Settings from the environment, which win over the file: `SHORTSTOP__HTTPS__LISTEN` sets `listen`
/// of `[https]`, and `SHORTSTOP__CARRIER__PRIMARY__PASSWORD` is a secret of the carrier `primary`.
#[derive(Clone, Default)]
pub struct Overlay(BTreeMap<String, String>);

impl Overlay {
    /// Reads the environment of the process.
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Takes what is set for one field.
    pub fn take(&mut self, section: &str, field: &str) -> Option<String> {
        self.0.remove(&path(section, field))
    }

    /// Variables that no field took are mistakes, not silence.
    pub fn finish(self, problems: &mut Problems) {
        for name in self.0.keys() {
            let variable = format!("{PREFIX}{}", name.to_uppercase().replace('.', "__"));
            problems.add(
                variable,
                "is set in the environment but names no setting; unset it or correct its name",
            );
        }
    }
}

/// Letters of a carrier's name that a variable cannot hold become `_`.
fn path(section: &str, field: &str) -> String {
    format!("{section}.{field}")
        .to_lowercase()
        .replace('-', "_")
}

impl FromIterator<(String, String)> for Overlay {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.strip_prefix(PREFIX)?;
            Some((name.to_lowercase().replace("__", "."), value))
        });
        Self(ours.collect())
    }
}

impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The folder in which systemd places the credentials of the service (`LoadCredential=`).
pub fn credentials_folder() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one adapter of the environment"
    )]
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    Some(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(name: &str, value: &str) -> Overlay {
        Overlay::from_iter([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_variable_names_section_and_field() {
        let mut set = overlay("SHORTSTOP__HTTPS__LISTEN", "127.0.0.1:1");
        assert_eq!(set.take("https", "key_file"), None);
        assert_eq!(set.take("https", "listen").unwrap(), "127.0.0.1:1");
    }

    #[test]
    fn a_carrier_is_found_by_its_name() {
        let mut set = overlay("SHORTSTOP__CARRIER__EU_WEST__PASSWORD", "x");
        assert!(set.take("carrier.eu-west", "password").is_some());
    }

    #[test]
    fn a_variable_that_sets_nothing_is_a_problem_and_its_value_is_not_shown() {
        let set = overlay("SHORTSTOP__HTPS__LISTEN", "secret");
        assert!(!format!("{set:?}").contains("secret"));
        let mut problems = Problems::default();
        set.finish(&mut problems);
        assert_eq!(problems.list().len(), 1);
        assert_eq!(problems.list()[0].key, "SHORTSTOP__HTPS__LISTEN");
        assert!(overlay("PATH", "x").0.is_empty());
    }
}
