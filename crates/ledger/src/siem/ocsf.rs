//! An entry as an event of the Open Cybersecurity Schema Framework (OCSF 1.3): the class that fits its
//! kind, with what that class asks for. What OCSF has no place for is under `unmapped`. Its commitments
//! are there too, so that an event can be compared with the log.

mod class;

use core::net::IpAddr;
use std::borrow::Cow;

use super::cef::commitments;
use super::level::Level;
use super::{Placed, Producer};
use crate::entry::actor::{ActorType, OriginType};
use crate::entry::outcome::Outcome;
use crate::entry::parse::Entry;
use crate::entry::time;
use crate::entry::value::Value;

pub use class::{Activity, Class};

/// The version of the schema.
pub const VERSION: &str = "1.3.0";

/// Members of a map.
type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The event, as canonical JSON without a line end.
pub fn event(placed: &Placed<'_>, producer: &Producer) -> Vec<u8> {
    let entry = &placed.entry;
    let class = Activity::of(entry.kind).class;
    let mut members = heading(entry);
    members.extend([
        member("metadata", metadata(placed, producer)),
        member("unmapped", unmapped(entry)),
    ]);
    if class.has_source() {
        members.push(member("src_endpoint", source(entry)));
    }
    if class.has_actor() {
        members.push(member("actor", actor(entry)));
    }
    members.extend(particulars(entry, producer));
    let mut out = Vec::new();
    Value::Map(members).render(&mut out);
    out
}

/// What every event has.
fn heading<'a>(entry: &Entry<'a>) -> Members<'a> {
    let Activity { class, id, name } = Activity::of(entry.kind);
    let (severity_id, severity) = Level::of(entry.kind, entry.outcome).ocsf();
    let (status_id, status) = status(entry.outcome);
    let millis = i64::try_from(entry.time_micros / 1_000).unwrap_or(i64::MAX);
    let mut members = vec![
        member("class_uid", number(class.uid())),
        member("class_name", text(class.name())),
        member("category_uid", number(class.category().0)),
        member("category_name", text(class.category().1)),
        member("activity_id", number(id)),
        member("activity_name", text(name)),
        member("type_uid", number(class.uid() * 100 + id)),
        member("type_name", text(format!("{}: {name}", class.name()))),
        member("severity_id", number(severity_id)),
        member("severity", text(severity)),
        member("status_id", number(status_id)),
        member("status", text(status)),
        member("time", number(millis)),
        member("message", text(sentence(entry))),
    ];
    if let Some(reason) = &entry.reason {
        members.push(member("status_code", text(reason.clone())));
    }
    members
}

const fn status(outcome: Outcome) -> (i64, &'static str) {
    match outcome {
        Outcome::Accepted | Outcome::Done => (1, "Success"),
        Outcome::Refused | Outcome::Failed => (2, "Failure"),
        Outcome::Unknown => (0, "Unknown"),
    }
}

/// Kind, outcome and reason in a few words.
fn sentence(entry: &Entry<'_>) -> String {
    match &entry.reason {
        Some(reason) => format!("{} {}: {reason}", entry.kind, entry.outcome),
        None => format!("{} {}", entry.kind, entry.outcome),
    }
}

fn metadata<'a>(placed: &Placed<'a>, producer: &Producer) -> Value<'a> {
    let entry = &placed.entry;
    let mut moment = Vec::new();
    time::write(&mut moment, entry.time_micros);
    let product = vec![
        member("name", text("Shortstop")),
        member("vendor_name", text("Shortstop")),
        member("version", text(producer.version.clone())),
    ];
    let index = i64::try_from(placed.index).unwrap_or(i64::MAX);
    let mut members = vec![
        member("version", text(VERSION)),
        member("product", Value::Map(product)),
        member("log_name", text(producer.log.clone())),
        member("log_provider", text(entry.node.clone())),
        member("event_code", text(entry.kind.as_str())),
        member("uid", text(placed.leaf.to_string())),
        member("sequence", number(index)),
        member(
            "original_time",
            text(String::from_utf8(moment).unwrap_or_default()),
        ),
    ];
    if let Some(correlation) = &entry.correlation {
        members.push(member("correlation_uid", text(correlation.clone())));
    }
    if let Some(profile) = Activity::of(entry.kind).class.profile() {
        members.push(member("profiles", Value::List(vec![text(profile)])));
    }
    Value::Map(members)
}

fn unmapped<'a>(entry: &Entry<'a>) -> Value<'a> {
    let epoch = i64::try_from(entry.epoch).unwrap_or(i64::MAX);
    let node_seq = i64::try_from(entry.node_seq).unwrap_or(i64::MAX);
    let mut members = vec![
        member("epoch", number(epoch)),
        member("node_seq", number(node_seq)),
        member("outcome", text(entry.outcome.as_str())),
        member("actor_type", text(entry.actor.kind.as_str())),
        member("actor_id", text(entry.actor.id.clone())),
    ];
    if let Some(client) = &entry.client {
        members.push(member("client", text(client.clone())));
    }
    if let Some(object) = &entry.object {
        members.push(member("object", named(object.kind.as_str(), &object.id)));
    }
    if let Some(origin) = &entry.origin {
        members.push(member("origin", named(origin.kind.as_str(), &origin.id)));
    }
    if let Some(data) = &entry.data {
        members.push(member("data", data.clone()));
    }
    if !entry.private.is_empty() {
        members.push(member("commitments", commitments(entry)));
    }
    Value::Map(members)
}

fn named<'a>(kind: &'static str, id: &Cow<'a, str>) -> Value<'a> {
    Value::Map(vec![
        member("type", text(kind)),
        member("id", text(id.clone())),
    ])
}

/// From where it came; of what came from inside, the node.
fn source<'a>(entry: &Entry<'a>) -> Value<'a> {
    let Some(origin) = &entry.origin else {
        let is_inside = matches!(entry.actor.kind, ActorType::System | ActorType::OsUser);
        let name = if is_inside {
            text(entry.node.clone())
        } else {
            text("unknown")
        };
        return Value::Map(vec![member("name", name)]);
    };
    if origin.id.parse::<IpAddr>().is_ok() {
        return Value::Map(vec![member("ip", text(origin.id.clone()))]);
    }
    let inside = match origin.kind {
        OriginType::Connection | OriginType::Bind => None,
        OriginType::Socket | OriginType::Process => Some(text(entry.node.clone())),
    };
    let name = inside.unwrap_or_else(|| text(origin.id.clone()));
    Value::Map(vec![member("name", name)])
}

fn actor<'a>(entry: &Entry<'a>) -> Value<'a> {
    let (name, value) = match entry.actor.kind {
        ActorType::Carrier | ActorType::System => ("app_name", text(entry.actor.id.clone())),
        _ => ("user", user(entry)),
    };
    Value::Map(vec![member(name, value)])
}

/// Who did it, as a user.
fn user<'a>(entry: &Entry<'a>) -> Value<'a> {
    let id = || text(entry.actor.id.clone());
    let (name, type_id, word) = match entry.actor.kind {
        ActorType::Client => return service(entry.actor.id.clone()),
        ActorType::Operator | ActorType::OsUser => (id(), 2, "Admin"),
        ActorType::Carrier | ActorType::System => (id(), 3, "System"),
        ActorType::Anonymous => (text("anonymous"), 0, "Unknown"),
    };
    Value::Map(vec![
        member("name", name),
        member("type_id", number(type_id)),
        member("type", text(word)),
    ])
}

/// A client: none of the types that OCSF has for users.
fn service(uid: Cow<'_, str>) -> Value<'_> {
    Value::Map(vec![
        member("uid", text(uid)),
        member("type_id", number(99)),
        member("type", text("Service")),
    ])
}

/// What the class asks for besides.
fn particulars<'a>(entry: &Entry<'a>, producer: &Producer) -> Members<'a> {
    match Activity::of(entry.kind).class {
        Class::Base => Vec::new(),
        Class::AccountChange => vec![member("user", account(entry))],
        Class::Authentication => {
            let service = vec![member("name", text("shortstop"))];
            vec![
                member("user", account(entry)),
                member("service", Value::Map(service)),
            ]
        }
        Class::EntityManagement => vec![member("entity", entity(entry))],
        Class::NetworkActivity => {
            let peer = entry.object.as_ref().map(|object| object.id.clone());
            let peer = vec![member("name", text(peer.unwrap_or("unknown".into())))];
            vec![member("dst_endpoint", Value::Map(peer))]
        }
        Class::ApplicationLifecycle => {
            let app = vec![
                member("name", text("Shortstop")),
                member("vendor_name", text("Shortstop")),
                member("version", text(producer.version.clone())),
                member("uid", text(entry.node.clone())),
            ];
            vec![member("app", Value::Map(app))]
        }
        Class::ApiActivity => api(entry),
    }
}

/// Whose account it is: the client that it happened to, else the one who tried.
fn account<'a>(entry: &Entry<'a>) -> Value<'a> {
    let object = entry.object.as_ref().map(|object| &object.id);
    match object.or(entry.client.as_ref()) {
        Some(uid) => service(uid.clone()),
        None => user(entry),
    }
}

fn entity<'a>(entry: &Entry<'a>) -> Value<'a> {
    if let Some(object) = &entry.object {
        return Value::Map(vec![
            member("type", text(object.kind.as_str())),
            member("uid", text(object.id.clone())),
        ]);
    }
    let (what, _) = entry.kind.as_str().split_once('.').unwrap_or_default();
    Value::Map(vec![member("type", text(what)), member("name", text(what))])
}

fn api<'a>(entry: &Entry<'a>) -> Members<'a> {
    let operation = vec![member("operation", text(entry.kind.as_str()))];
    let mut members = vec![member("api", Value::Map(operation))];
    if let Some(object) = &entry.object {
        let resource = vec![
            member("type", text(object.kind.as_str())),
            member("uid", text(object.id.clone())),
        ];
        members.push(member("resources", Value::List(vec![Value::Map(resource)])));
    }
    members
}

const fn member<'a>(name: &'static str, value: Value<'a>) -> (Cow<'a, str>, Value<'a>) {
    (Cow::Borrowed(name), value)
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Value<'a> {
    Value::Text(text.into())
}

const fn number<'a>(number: i64) -> Value<'a> {
    Value::Integer(number)
}
