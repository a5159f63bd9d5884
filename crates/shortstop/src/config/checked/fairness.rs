//! Checks of `[fairness]`: weights that are sensible, of clients that can exist.

use domain::id::ClientId;
use engine::settings::Fairness;

use super::super::Problems;
use super::super::fairness::Fairness as Raw;
use super::limits::positive;

/// How clients share what there is.
pub fn fairness(raw: &Raw, problems: &mut Problems) -> Fairness {
    positive("fairness.commits_max", raw.commits_max, problems);
    let mut fairness = Fairness {
        commits_max: raw.commits_max,
        ..Fairness::default()
    };
    for (client, weight) in &raw.weights {
        let key = format!("fairness.weights.{client}");
        if !(1..=Fairness::WEIGHT_MAX).contains(weight) {
            let says = format!("must lie between 1 and {}", Fairness::WEIGHT_MAX);
            problems.add(key, says);
            continue;
        }
        match client.parse::<ClientId>() {
            Ok(client) => {
                fairness.weights.insert(client, *weight);
            }
            Err(_) => problems.add(
                key,
                "is no id of a client; `shortstop client list` shows them, each begins with cli_",
            ),
        }
    }
    fairness
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Overlay;
    use crate::config::{Checked, Config};

    fn problems(text: &str) -> String {
        let config = Config::parse(text, Overlay::default()).unwrap();
        let checked = Checked::try_from(&config);
        checked.map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn defaults_of_the_engine_and_of_the_file_are_the_same() {
        let mut problems = Problems::default();
        assert_eq!(
            fairness(&Raw::default(), &mut problems),
            Fairness::default()
        );
    }

    #[test]
    fn weights_belong_to_clients_and_have_an_end() {
        let client = ClientId::new(7, 7);
        assert_eq!(
            problems(&format!("[fairness]\nweights = {{ {client} = 3 }}")),
            ""
        );
        for (weights, says) in [
            (format!("{client} = 0"), "between 1 and 1000"),
            (format!("{client} = 1001"), "between 1 and 1000"),
            ("shop = 3".to_owned(), "is no id of a client"),
        ] {
            let told = problems(&format!("[fairness]\nweights = {{ {weights} }}"));
            assert!(told.contains(says), "{weights}: {told}");
        }
        assert!(problems("[fairness]\ncommits_max = 0").contains("1 or more"));
    }
}
