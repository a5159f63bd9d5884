//! The first line of `serve --json` and `demo --json`: where everything is. Outside tools are written
//! against it, so fields are added and never renamed; what does not apply is null.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The HTTPS API, such as `https://127.0.0.1:8443`.
    pub https: String,
    /// The authority that clients must trust, when the gateway made its certificate itself.
    pub ca: Option<PathBuf>,
    /// A key to use; only the demo has one.
    pub api_key: Option<String>,
    /// The first short code.
    pub short_code: Option<String>,
    /// The listener for monitoring, such as `http://127.0.0.1:9464`.
    pub admin: String,
    /// The HTTP side of the built-in carrier; only the demo has one.
    pub sim: Option<String>,
    /// The listener for ESMEs, such as `smpps://127.0.0.1:3550`, when there is one.
    #[serde(default)]
    pub smpp: Option<String>,
    /// The data folder.
    pub data: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_has_every_field_even_when_it_does_not_apply() {
        let ready = Ready {
            https: "https://127.0.0.1:8443".to_owned(),
            ca: None,
            api_key: None,
            short_code: None,
            admin: "http://127.0.0.1:9464".to_owned(),
            sim: None,
            smpp: None,
            data: "/d".into(),
        };
        let text = serde_json::to_string(&ready).unwrap();
        let expected = r#"{"https":"https://127.0.0.1:8443","ca":null,"api_key":null,"short_code":null,"admin":"http://127.0.0.1:9464","sim":null,"smpp":null,"data":"/d"}"#;
        assert_eq!(text, expected);
    }
}
