//! Logs: one line an event on standard error, JSON by default. What is logged holds no numbers, texts
//! or keys, since their types mask themselves; nothing here has to filter them.

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::log::{Log, LogFormat};

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(log: &Log) {
    let filter = log.level.parse().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt::Subscriber::builder()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error means that a subscriber is set already, as in a test.
    let _second = match log.format {
        LogFormat::Json => {
            let json = builder.json().flatten_event(true).with_current_span(false);
            tracing::subscriber::set_global_default(json.with_span_list(false).finish())
        }
        LogFormat::Text => {
            tracing::subscriber::set_global_default(builder.with_ansi(false).finish())
        }
    };
}
