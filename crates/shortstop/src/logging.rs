//! Logs: one line an event on standard error, JSON by default. What our rooms log holds no numbers, texts
//! or keys, since their types mask themselves. Libraries know no such types, so of theirs only warnings
//! are let through, whatever level is set.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{fmt, registry};

use crate::config::log::{Log, LogFormat};

/// Our rooms; a library's trace could show a header or a PDU.
const ROOMS: [&str; 6] = ["shortstop", "web", "smpp", "store", "engine", "domain"];

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(log: &Log) {
    let filter: EnvFilter = log.level.parse().unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(filter_fn(may_pass));
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format {
        LogFormat::Json => {
            let json = layer.json().flatten_event(true);
            json.with_current_span(false).with_span_list(false).boxed()
        }
        LogFormat::Text => layer.with_ansi(false).boxed(),
    };
    // An error means that a subscriber is set already, as in a test.
    let _second =
        tracing::subscriber::set_global_default(registry().with(layer.with_filter(filter)));
}

fn may_pass(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || is_ours(metadata.target())
}

fn is_ours(target: &str) -> bool {
    let room = target.split("::").next().unwrap_or_default();
    ROOMS.contains(&room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_rooms_may_say_more_than_a_warning() {
        assert!(is_ours("engine::submit") && is_ours("web"));
        assert!(!is_ours("h2::codec") && !is_ours("webpki") && !is_ours("hyper::proto"));
    }
}
