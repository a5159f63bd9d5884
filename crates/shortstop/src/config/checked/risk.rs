//! Checks of `[risk]`: one service, one way to show who we are, and limits that make sense.

use std::path::PathBuf;
use std::time::Duration;

use domain::verification::risk::{MaxAgeHours, WhenUnknown};
use web::sim_swap::SimSwapPlace;
use web::witness::Roots;

use super::super::risk::{OnError, Risk};
use super::super::{Config, Problems};
use super::resolved;

/// The longest time that somebody waits for a code because of a question.
const TIMEOUT_MAX: u64 = 30_000;

/// The most questions on their way at once; each holds a connection.
const QUESTIONS_MAX: usize = 4_096;

/// Who is asked about SIMs.
#[derive(Clone, Debug)]
pub struct RiskPlan {
    /// Where the service is.
    pub place: SimSwapPlace,
    /// How we show who we are.
    pub identity: RiskIdentity,
    /// How far back a change counts.
    pub max_age: MaxAgeHours,
    /// What happens when nobody says.
    pub when_unknown: WhenUnknown,
}

/// How the gateway shows who it is; what is secret lies in files.
#[derive(Clone, Debug)]
pub enum RiskIdentity {
    /// By the token in this file.
    Bearer(PathBuf),
    /// By tokens that it gets for itself.
    Client {
        /// Where.
        token_url: String,
        /// Its name there.
        id: String,
        /// The file with its secret.
        secret_file: PathBuf,
        /// What the tokens are for.
        scope: String,
    },
}

/// The plan of a configuration; `None` when nobody is asked.
pub fn plan(config: &Config, problems: &mut Problems) -> Option<RiskPlan> {
    let section = &config.risk;
    let Some(url) = section.url.clone() else {
        idle(section, problems);
        return None;
    };
    let identity = identity(config, problems);
    let max_age = MaxAgeHours::new(section.max_age_hours);
    let max_age = problems.keep("risk.max_age_hours", max_age);
    within(
        "risk.timeout_milliseconds",
        (section.timeout_milliseconds, TIMEOUT_MAX),
        problems,
    );
    if !(1..=QUESTIONS_MAX).contains(&section.questions_max) {
        let says = format!("must lie between 1 and {QUESTIONS_MAX}");
        problems.add("risk.questions_max", says);
    }
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    Some(RiskPlan {
        place: SimSwapPlace {
            url,
            roots: ca_file.map_or(Roots::System, Roots::File),
            patience: Duration::from_millis(section.timeout_milliseconds),
            questions_max: section.questions_max,
        },
        identity: identity?,
        max_age: max_age?,
        when_unknown: match section.on_error {
            OnError::Refuse => WhenUnknown::FailClosed,
            OnError::Send => WhenUnknown::FailOpen,
        },
    })
}

fn within(key: &str, (value, max): (u64, u64), problems: &mut Problems) {
    if !(1..=max).contains(&value) {
        problems.add(key, format!("must lie between 1 and {max}"));
    }
}

/// Settings of a service that is not named are a mistake: somebody believes that it is asked.
fn idle(section: &Risk, problems: &mut Problems) {
    let set = section.token_url.is_some()
        || section.client_id.is_some()
        || section.client_secret_file.is_some()
        || section.bearer_file.is_some();
    if set {
        let says =
            "is missing: without it nobody is asked, and the other settings of [risk] do nothing";
        problems.add("risk.url", says);
    }
}

fn identity(config: &Config, problems: &mut Problems) -> Option<RiskIdentity> {
    let section = &config.risk;
    let given = resolved(&config.base, section.bearer_file.as_ref());
    let secret = resolved(&config.base, section.client_secret_file.as_ref());
    match (given, &section.token_url, &section.client_id, secret) {
        (Some(file), None, None, None) => Some(RiskIdentity::Bearer(file)),
        (None, Some(token_url), Some(id), Some(secret_file)) => Some(RiskIdentity::Client {
            token_url: token_url.clone(),
            id: id.clone(),
            secret_file,
            scope: section.scope.clone(),
        }),
        _ => {
            let says = "needs one way to show who the gateway is: bearer_file alone, or token_url, \
                        client_id and client_secret_file together";
            problems.add("risk", says);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Overlay;

    fn planned(text: &str) -> Result<Option<RiskPlan>, Problems> {
        let config = Config::parse(&format!("[risk]\n{text}"), Overlay::default())?;
        let mut problems = Problems::default();
        let plan = plan(&config, &mut problems);
        problems.or_value(Some(plan))
    }

    fn refused(text: &str) -> Vec<String> {
        let problems = planned(text).unwrap_err();
        let keys = problems.list().iter().map(|problem| problem.key.clone());
        keys.collect()
    }

    const URL: &str = "url = 'https://api.operator.example/sim-swap/v1'\n";

    #[test]
    fn nobody_is_asked_unless_a_service_is_named() {
        assert!(planned("").unwrap().is_none());
        assert_eq!(refused("bearer_file = 'token'"), ["risk.url"]);
    }

    #[test]
    fn one_way_to_show_who_we_are_is_needed() {
        let client =
            "token_url = 'https://a.example/t'\nclient_id = 'c'\nclient_secret_file = 's'\n";
        for identity in ["bearer_file = 'token'\n", client] {
            let plan = planned(&format!("{URL}{identity}")).unwrap().unwrap();
            assert_eq!(plan.when_unknown, WhenUnknown::FailClosed);
            assert_eq!(plan.max_age.get(), 240);
        }
        for identity in [
            "",
            "client_id = 'c'",
            &format!("{client}bearer_file = 'token'"),
        ] {
            assert_eq!(refused(&format!("{URL}{identity}")), ["risk"], "{identity}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let base = format!("{URL}bearer_file = 'token'\n");
        for (key, values) in [
            ("timeout_milliseconds", [0, 30_001]),
            ("max_age_hours", [0, 2_401]),
            ("questions_max", [0, 4_097]),
        ] {
            for value in values {
                let found = refused(&format!("{base}{key} = {value}"));
                assert_eq!(found, [format!("risk.{key}")]);
            }
        }
    }
}
