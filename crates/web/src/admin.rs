//! The admin pages: is the process alive, is it ready, what does it count. For probes and scrapers on
//! this machine; nothing here changes anything, and nothing tells of a person.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::class::TrafficClass;
use engine::{Condition, Gateway, Health, MetricRow};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use crate::connection::{Answer, Serve};
use crate::counters::{ListenerCounters, RequestCounters};
use crate::json::Json;
use crate::metrics::Page;
use crate::problem::{Code, Problem};
use crate::reply::{Kind, Reply, Transport};
use crate::request_id::RequestIds;
use tls::Ending;

/// Answers the requests of the admin listener.
#[derive(Debug)]
pub struct Admin {
    gateway: Arc<Gateway>,
    requests: Arc<RequestCounters>,
    listeners: Vec<(&'static str, Arc<ListenerCounters>)>,
    endings: Option<Endings>,
    others: Option<Others>,
    ids: RequestIds,
}

/// What another edge counts, as it is now.
pub type Rows = Arc<dyn Fn() -> Vec<MetricRow> + Send + Sync>;

/// When each certificate ends, as it is now.
pub type WhenEnding = Arc<dyn Fn() -> Vec<Ending> + Send + Sync>;

struct Endings(WhenEnding);

impl std::fmt::Debug for Endings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endings")
    }
}

struct Others(Rows);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Others")
    }
}

impl Admin {
    /// The admin pages of a gateway, with what its web server counts: requests of the API, and
    /// connections of each listener by its name (`https`, `admin`).
    pub fn new(
        gateway: Arc<Gateway>,
        requests: Arc<RequestCounters>,
        listeners: Vec<(&'static str, Arc<ListenerCounters>)>,
    ) -> Self {
        Self {
            gateway,
            requests,
            listeners,
            endings: None,
            others: None,
            ids: RequestIds::new(),
        }
    }

    /// The same, with when the certificates end that are in force.
    #[must_use]
    pub fn with_endings(self, endings: WhenEnding) -> Self {
        let endings = Some(Endings(endings));
        Self { endings, ..self }
    }

    /// The same pages, with what another edge counts.
    pub fn with_rows(self, rows: Rows) -> Self {
        let others = Some(Others(rows));
        Self { others, ..self }
    }

    fn page(&self, method: &Method, path: &str) -> Reply {
        let page = match path {
            "/healthz" => Self::alive,
            "/readyz" => Self::ready,
            "/metrics" => Self::metrics,
            _ => return nothing().into(),
        };
        if *method == Method::GET || *method == Method::HEAD {
            page(self)
        } else {
            reads_only()
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "one of three pages that are called alike"
    )]
    fn alive(&self) -> Reply {
        let mut json = Json::default();
        json.open().name("status").word("alive").close();
        Reply::json(StatusCode::OK, json)
    }

    fn ready(&self) -> Reply {
        let health = self.gateway.health();
        let status = if health.is_ready() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        Reply::json(status, readiness(&health))
    }

    fn metrics(&self) -> Reply {
        let mut page = Page::default();
        page.rows(&self.gateway.metrics().rows);
        if let Some(Others(rows)) = &self.others {
            page.rows(&rows());
        }
        page.requests(&self.requests);
        let listeners: Vec<_> = self
            .listeners
            .iter()
            .map(|(name, counters)| (*name, &**counters))
            .collect();
        page.listeners(&listeners);
        if let Some(Endings(endings)) = &self.endings {
            page.certificates(&endings());
        }
        Reply::ready(StatusCode::OK, Kind::Metrics, Bytes::from(page.finish()))
    }
}

impl Serve for Admin {
    async fn serve(&self, request: Request<Incoming>, _: SocketAddr) -> Answer {
        let id = self.ids.of(request.headers());
        self.page(request.method(), request.uri().path())
            .into_answer(id, Transport::Clear)
    }

    fn broken(&self) -> Answer {
        let id = self.ids.fresh();
        tracing::error!(request = id.as_str(), "an admin page panicked");
        let problem = Problem::new(Code::Internal, "the gateway made a mistake with this page");
        Reply::from(problem).into_answer(id, Transport::Clear)
    }
}

/// The words of a condition.
const fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Up => "up",
        Condition::Down => "down",
    }
}

fn readiness(health: &Health) -> Json {
    let mut json = Json::with_capacity(512);
    json.open().name("status").word(if health.is_ready() {
        "ready"
    } else {
        "not-ready"
    });
    json.name("store")
        .word(word(health.store))
        .name("room")
        .word(word(health.room))
        .name("binds")
        .open_list();
    for (bind, condition) in &health.binds {
        json.open().name("carrier").text(&bind.carrier.to_string());
        json.name("bind")
            .bare(bind.index)
            .name("condition")
            .word(word(*condition))
            .close();
    }
    json.close_list().name("queues").open_list();
    for ((class, waiting), max) in TrafficClass::ALL
        .into_iter()
        .zip(health.queue)
        .zip(health.queue_max)
    {
        json.open()
            .name("class")
            .word(class)
            .name("waiting")
            .bare(waiting);
        json.name("max").bare(max).close();
    }
    json.close_list().name("reasons").open_list();
    if health.store == Condition::Down {
        json.text("the store takes nothing: see the log, and the space and health of its disk");
    }
    if health.room == Condition::Down {
        json.text("the disk is nearly full, so that new messages are refused: make room on it");
    }
    json.close_list().close();
    json
}

fn nothing() -> Problem {
    Problem::new(
        Code::NotFound,
        "there are /healthz, /readyz and /metrics here",
    )
}

fn reads_only() -> Reply {
    let detail = "nothing can be changed over this listener: use GET";
    let problem = Problem::new(Code::MethodNotAllowed, detail);
    Problem {
        allow: Some("GET, HEAD"),
        ..problem
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_tells_what_is_down_and_how_full_the_queues_are() {
        let health = Health {
            store: Condition::Down,
            room: Condition::Up,
            binds: vec![],
            queue: [1, 2, 3],
            queue_max: [10, 20, 30],
        };
        assert_eq!(
            readiness(&health).finish(),
            "{\"status\":\"not-ready\",\"store\":\"down\",\"room\":\"up\",\"binds\":[],\"queues\":[\
             {\"class\":\"otp\",\"waiting\":1,\"max\":10},\
             {\"class\":\"alert\",\"waiting\":2,\"max\":20},\
             {\"class\":\"marketing\",\"waiting\":3,\"max\":30}],\
             \"reasons\":[\"the store takes nothing: see the log, and the space and health of its disk\"]}"
        );
    }
}
