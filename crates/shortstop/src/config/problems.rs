//! Everything that is wrong with a configuration, told at once: each problem names its key and says
//! what to do.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path of keys such as `carrier[0].address`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what to do.
    pub says: String,
}

/// All that is wrong. As an error it is never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One problem, as an error.
    pub fn one(key: &str, says: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(key, says);
        problems
    }

    /// Remembers a problem.
    pub fn add(&mut self, key: impl Into<String>, says: impl Into<String>) {
        let (key, says) = (key.into(), says.into());
        self.0.push(Problem { key, says });
    }

    /// Takes a value, or remembers why there is none.
    pub fn keep<T, E: fmt::Display>(&mut self, key: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(key, error.to_string())).ok()
    }

    /// Takes a setting that must be there, or remembers that it is missing.
    pub fn need<T>(&mut self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(key, "is missing; every entry needs it");
        }
        value
    }

    /// Adds what another step found. Of a field that has a problem already only the first counts: what
    /// was not read must not be told again as missing.
    pub fn merge(&mut self, later: Self) {
        let known = |problem: &Problem| self.0.iter().any(|other| other.key == problem.key);
        let fresh: Vec<Problem> = later
            .0
            .into_iter()
            .filter(|problem| !known(problem))
            .collect();
        self.0.extend(fresh);
    }

    /// What was found.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// The value if nothing is wrong, and the problems otherwise.
    pub fn or_value<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.says)
        } else {
            write!(f, "{}: {}", self.key, self.says)
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
