//! Checks of `[webhooks]`: bounds that make sense, and networks that are some.

use std::time::Duration;

use engine::{QueueBounds, WebhookSettings};
use ipnet::IpNet;
use web::webhook::{Roots, WebhookWay};

use super::super::webhooks::Webhooks;
use super::super::{Config, Problems};
use super::resolved;

/// The most of anything that is counted here.
const COUNT_MAX: usize = 100_000;
/// The longest call that Standard Webhooks speaks of.
const TIMEOUT_MAX: u64 = 30;
const DAYS_MAX: u64 = 30;

/// How webhooks are called, for the engine.
pub fn settings(section: &Webhooks, problems: &mut Problems) -> WebhookSettings {
    count("webhooks_max", section.webhooks_max, problems);
    count("calls_max", section.calls_max, problems);
    within("give_up_days", (section.give_up_days, DAYS_MAX), problems);
    WebhookSettings {
        webhooks_max: section.webhooks_max,
        calls_max: section.calls_max,
        give_up: Duration::from_hours(24).saturating_mul(days(section.give_up_days)),
        permitted: networks(section, problems),
    }
}

fn days(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// How much is kept for each receiver of events.
pub fn queues(section: &Webhooks, problems: &mut Problems) -> QueueBounds {
    count("waiting_max", section.waiting_max, problems);
    count("dead_max", section.dead_max, problems);
    QueueBounds {
        waiting_max: section.waiting_max,
        dead_max: section.dead_max,
    }
}

/// The way that they are called.
pub fn way(config: &Config, problems: &mut Problems) -> WebhookWay {
    let section = &config.webhooks;
    within(
        "timeout_seconds",
        (section.timeout_seconds, TIMEOUT_MAX),
        problems,
    );
    let ca_file = resolved(&config.base, section.ca_file.as_ref());
    WebhookWay {
        roots: ca_file.map_or(Roots::System, Roots::File),
        patience: Duration::from_secs(section.timeout_seconds),
        // Wrong ones are told with the settings of the engine.
        permitted: section
            .i_accept_calls_into
            .iter()
            .filter_map(|net| net.parse().ok())
            .collect(),
    }
}

fn networks(section: &Webhooks, problems: &mut Problems) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for text in &section.i_accept_calls_into {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(_) => problems.add(
                "webhooks.i_accept_calls_into",
                format!("`{text}` is no network; write one such as 10.1.0.0/16"),
            ),
        }
    }
    networks
}

fn count(name: &str, value: usize, problems: &mut Problems) {
    if !(1..=COUNT_MAX).contains(&value) {
        let says = format!("must lie between 1 and {COUNT_MAX}");
        problems.add(format!("webhooks.{name}"), says);
    }
}

fn within(name: &str, (value, max): (u64, u64), problems: &mut Problems) {
    if !(1..=max).contains(&value) {
        problems.add(
            format!("webhooks.{name}"),
            format!("must lie between 1 and {max}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Overlay;

    fn refused(text: &str) -> Vec<String> {
        let config = Config::parse(&format!("[webhooks]\n{text}"), Overlay::default()).unwrap();
        let mut problems = Problems::default();
        settings(&config.webhooks, &mut problems);
        queues(&config.webhooks, &mut problems);
        way(&config, &mut problems);
        let keys = problems.list().iter().map(|problem| problem.key.clone());
        keys.collect()
    }

    #[test]
    fn the_defaults_are_good_and_are_those_of_the_engine() {
        let (section, mut problems) = (Webhooks::default(), Problems::default());
        assert_eq!(
            settings(&section, &mut problems),
            WebhookSettings::default()
        );
        assert_eq!(queues(&section, &mut problems), QueueBounds::default());
        assert!(refused("").is_empty());
    }

    #[test]
    fn numbers_have_bounds_and_networks_a_form() {
        for (key, values) in [
            ("webhooks_max", [0, 100_001]),
            ("calls_max", [0, 100_001]),
            ("timeout_seconds", [0, 31]),
            ("give_up_days", [0, 31]),
            ("waiting_max", [0, 100_001]),
            ("dead_max", [0, 100_001]),
        ] {
            for value in values {
                assert_eq!(
                    refused(&format!("{key} = {value}")),
                    [format!("webhooks.{key}")]
                );
            }
        }
        let wrong = refused("i_accept_calls_into = ['10.0.0.0/8', 'home']");
        assert_eq!(wrong, ["webhooks.i_accept_calls_into"]);
    }
}
