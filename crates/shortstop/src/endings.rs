//! Every certificate that the gateway depends on, and when it ends: one list, of which the log, `check-config` and the
//! metrics tell. It is said a month, two weeks, one week, three days and a day ahead, and when it is over.

mod cure;
mod diary;
mod files;

use std::path::PathBuf;
use std::sync::Arc;

use domain::time::Timestamp;
use tls::{Ending, Life};

pub use cure::Cure;
pub use diary::{Diary, Step};
pub use files::{ListenerFiles, of_listeners, outgoing};

/// A certificate that the gateway depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which it is, and its life.
    pub ending: Ending,
    /// Where it lies, when that is known.
    pub file: Option<PathBuf>,
    /// What is to be done before it ends.
    pub cure: Cure,
}

impl Row {
    /// The certificate of an account's ESME, as it showed it.
    pub fn of_esme(system_id: &str, life: Life) -> Self {
        let ending = Ending::new("esme", life);
        Self {
            ending: Ending {
                name: Some(system_id.into()),
                ..ending
            },
            file: None,
            cure: Cure::Owner,
        }
    }

    /// What is to be said of it, if it ends soon: what it is, where it lies, when it ends, and what to do.
    pub fn says(&self, now: Timestamp) -> Option<String> {
        let step = Step::of(&self.ending, now)?;
        let what = self.what();
        let until = self.ending.until;
        let when = match step {
            Step::Over(_) => format!("{what} is over ({}, since {until})", self.which()),
            Step::Within(_) => {
                let days = until.since(now).as_secs() / 86_400;
                format!(
                    "{what} ends soon ({}, {until}, in {days} days)",
                    self.which()
                )
            }
        };
        Some(format!("{when}: {}", self.cure.says()))
    }

    fn what(&self) -> &'static str {
        if self.ending.of.ends_with("-crl") {
            "a revocation list"
        } else {
            "a certificate"
        }
    }

    /// Which it is, and where.
    fn which(&self) -> String {
        let mut parts = vec![match &self.ending.name {
            Some(name) => format!("{} {name}", self.ending.of),
            None => self.ending.of.to_owned(),
        }];
        parts.extend(self.file.as_ref().map(|file| file.display().to_string()));
        parts.join(", ")
    }
}

/// As the metrics tell them.
pub fn plain(rows: Vec<Row>) -> Vec<Ending> {
    rows.into_iter().map(|row| row.ending).collect()
}

/// Says in the log what is new of these.
pub fn warn(diary: &mut Diary, rows: &[Row], now: Timestamp) {
    for (row, step) in diary.news(rows, now) {
        let Some(says) = row.says(now) else { continue };
        let ending = &row.ending;
        let name: Option<&str> = ending.name.as_deref();
        let file = row.file.as_ref().map(|file| file.display().to_string());
        if step.is_urgent() {
            tracing::error!(of = ending.of, name, file, until = %ending.until, "{says}");
        } else {
            tracing::warn!(of = ending.of, name, file, until = %ending.until, "{says}");
        }
    }
}

/// With its owner's name.
fn named(of: &'static str, name: &Arc<str>, life: Life) -> Ending {
    Ending {
        name: Some(Arc::clone(name)),
        ..Ending::new(of, life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_ends_within_a_month_is_said_with_its_file_and_what_to_do_and_nothing_else_is() {
        let now = Timestamp::from_seconds(1_764_064_800);
        let days = |count: u64| Duration::from_hours(24 * count);
        let row = |of, name: Option<&str>, life| Row {
            ending: Ending {
                name: name.map(Into::into),
                ..Ending::new(of, life)
            },
            file: Some("/etc/a.pem".into()),
            cure: Cure::Reload,
        };
        let life = |left: u64| {
            (
                now.saturating_sub(days(300)),
                now.saturating_add(days(left)),
            )
        };
        assert_eq!(row("server", None, life(31)).says(now), None);
        let soon = row("server", None, life(7)).says(now).unwrap();
        assert!(
            soon.starts_with("a certificate ends soon (server, /etc/a.pem,"),
            "{soon}"
        );
        let cure = "in 7 days): replace the file and reload (SIGHUP)";
        assert!(soon.ends_with(cure), "{soon}");
        let ended = now.saturating_sub(Duration::from_secs(1));
        let over = row(
            "carrier",
            Some("acme"),
            (now.saturating_sub(days(90)), ended),
        );
        let over = over.says(now).unwrap();
        let expected = "a certificate is over (carrier acme, /etc/a.pem,";
        assert!(over.starts_with(expected), "{over}");
        let list = row("client-crl", None, life(2)).says(now).unwrap();
        assert!(list.starts_with("a revocation list ends soon"), "{list}");
    }
}
