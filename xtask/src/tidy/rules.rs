//! `xtask/tidy.toml`: the exceptions, one line each with its reason. An exception that excuses
//! nothing is itself a finding, so the list can only shrink to what is needed.

use anyhow::Context;
use serde::Deserialize;

use super::finding::{Check, Finding};

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Source file that spells every problem code as a string; unset as long as there is none.
    pub problem_codes: Option<String>,
    /// Findings that are known and accepted.
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Accepts every finding of one check about one subject.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    check: Check,
    of: String,
    reason: String,
}

impl Rules {
    /// Reads the file's text.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context("xtask/tidy.toml is not understood")
    }

    /// The findings that no exception accepts, and a finding for each exception that is idle.
    pub fn judge(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut left: Vec<Finding> = self
            .exceptions
            .iter()
            .filter_map(|exception| exception.fault(&findings))
            .collect();
        let accepted = |finding: &Finding| self.exceptions.iter().any(|e| e.accepts(finding));
        left.extend(findings.into_iter().filter(|finding| !accepted(finding)));
        left
    }
}

impl Exception {
    fn accepts(&self, finding: &Finding) -> bool {
        self.check == finding.check && self.of == finding.subject
    }

    fn fault(&self, findings: &[Finding]) -> Option<Finding> {
        let says = if self.reason.trim().is_empty() {
            "gives no reason"
        } else if findings.iter().any(|finding| self.accepts(finding)) {
            return None;
        } else {
            "excuses nothing any more; remove its line"
        };
        let says = format!("the {} exception {says}", self.check);
        Some(Finding::new(Check::Exception, &self.of, says))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(exceptions: &str) -> Vec<Finding> {
        let rules = Rules::parse(&format!("exceptions = [{exceptions}]")).unwrap();
        rules.judge(vec![Finding::new(Check::Size, "a.rs", "is long")])
    }

    #[test]
    fn an_exception_accepts_only_its_own_check_and_subject() {
        assert!(judge("{ check = 'size', of = 'a.rs', reason = 'a table' }").is_empty());
        assert_eq!(
            judge("{ check = 'size', of = 'b.rs', reason = 'a table' }").len(),
            2
        );
        assert_eq!(
            judge("{ check = 'name', of = 'a.rs', reason = 'a table' }").len(),
            2
        );
    }

    #[test]
    fn an_exception_needs_a_reason() {
        let left = judge("{ check = 'size', of = 'a.rs', reason = ' ' }");
        assert_eq!(left.first().unwrap().check, Check::Exception);
    }

    #[test]
    fn unknown_checks_and_fields_are_refused() {
        assert!(Rules::parse("exceptions = [{ check = 'sise', of = '', reason = '' }]").is_err());
        assert!(Rules::parse("exeptions = []").is_err());
    }
}
