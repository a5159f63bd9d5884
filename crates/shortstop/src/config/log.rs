//! `[log]`: what is written to standard error.

use serde::{Deserialize, Serialize};

use super::section::section;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// Plain lines, for eyes.
    Text,
}

section! {
    /// What is written to standard error. It never holds numbers, texts or keys, at any
    /// level; libraries may say no more than warnings. A change
    /// needs a restart.
    pub struct Log {
        /// `error`, `warn`, `info`, `debug` or `trace`; or per part, such as `info,smpp=debug`.
        pub level: String = "info".to_owned(),
        /// `json`, or `text` for eyes.
        pub format: LogFormat = LogFormat::Json,
    }
}
