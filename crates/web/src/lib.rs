//! The HTTPS API and the admin listener. It turns HTTP into calls of the engine and their results into
//! answers; every rule of the product is behind that line, and so is everything that is recorded.

pub mod acme;
mod addresses;
mod admin;
mod api;
mod astray;
mod connection;
mod counters;
mod guide;
mod hosts;
mod http_errors;
mod json;
mod listener;
mod metrics;
mod outgoing;
mod problem;
pub mod provider;
mod reply;
mod request_id;
mod route;
mod settings;
pub mod siem;
pub mod sim_swap;
pub mod twilio;
pub mod webhook;
pub mod witness;

pub use admin::{Admin, Rows, WhenEnding};
pub use api::Api;
pub use connection::{Answer, Serve};
pub use counters::{ListenerCounters, RequestCounters};
pub use hosts::Hosts;
pub use listener::{AdminExposure, BindError, Drained, Listener, Security};
pub use problem::Code;
pub use route::{Access, Dialect, Effect, ROUTES, Route, RouteRow, Verb};
pub use settings::ServerSettings;
