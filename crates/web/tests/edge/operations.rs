//! What operators see: readiness, metrics, and how the API answers when the gateway is in trouble. And
//! the record of opt-outs and messages from handsets.

use std::sync::Arc;

use domain::event::EventType;
use domain::msisdn::Msisdn;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Delivery, Mobile};
use serde_json::json;
use testkit::{TestGateway, settings};
use web::{
    Access, AdminExposure, BindError, Dialect, Listener, ListenerCounters, ROUTES, ServerSettings,
};

use crate::site::{MESSAGE, Site};

#[tokio::test]
async fn a_failed_store_shows_at_once_and_nothing_hangs() {
    let site = Site::start().await;
    let mut client = site.client().await;
    assert_eq!(site.admin("GET", "/readyz").await.status, 200);
    site.test.store.poison();
    let heard = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(heard.problem(), (503, "unavailable".to_owned()));
    assert_eq!(heard.header("retry-after"), Some("5"));
    assert_eq!(heard.json()["retry_after_seconds"], 5);
    let ready = site.admin("GET", "/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["store"]),
        (503, &json!("down"))
    );
    assert_eq!(ready.json()["reasons"].as_array().unwrap().len(), 1);
    assert_eq!(
        site.admin("GET", "/healthz").await.json(),
        json!({"status": "alive"})
    );
}

#[tokio::test]
async fn the_description_names_every_way_in_of_each_route_with_its_scope() {
    let site = Site::start().await;
    let described = site.anonymous().await.get("/openapi.json").await.json();
    for row in ROUTES {
        let Access::Scoped(scope) = row.access else {
            continue;
        };
        let verb = format!("{:?}", row.verb).to_lowercase();
        let scope = scope.as_str();
        let ways = match row.dialect {
            Dialect::Own => json!([
                {"api_key": [scope]},
                {"signature": [scope]},
                {"api_key": [scope], "client_certificate": []},
            ]),
            Dialect::Messages | Dialect::Verify => json!([
                {"account": [scope]},
                {"account": [scope], "client_certificate": []},
            ]),
        };
        let found = &described["paths"][row.path][&verb]["security"];
        assert_eq!(found, &ways, "{verb} {}", row.path);
    }
}

#[tokio::test]
async fn the_description_names_every_event_that_webhooks_are_told_and_the_url_of_a_message() {
    let site = Site::start().await;
    let described = site.anonymous().await.get("/openapi.json").await.json();
    let told = described["webhooks"].as_object().unwrap();
    assert_eq!(told.len(), EventType::ALL.len());
    let schemas = &described["components"]["schemas"];
    for event in EventType::ALL {
        let body = &told[event.as_str()]["post"]["requestBody"]["content"]["application/json"];
        let name = body["schema"]["$ref"].as_str().unwrap();
        let name = name.rsplit('/').next().unwrap();
        let words = &schemas[name]["properties"]["type"]["enum"];
        assert!(words.as_array().unwrap().contains(&event.as_str().into()));
    }
    let send = &described["paths"]["/v1/messages"]["post"];
    assert!(send["callbacks"]["status"]["{$request.body#/status_callback}"].is_object());
    assert!(schemas["NewMessage"]["properties"]["status_callback"].is_object());
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back_and_touches_no_other_class() {
    let mut tight = settings::usual();
    tight.bounds.queue_max = [10, 10, 1];
    let site = Site::over(
        TestGateway::immediate_with(tight),
        ServerSettings::default(),
    )
    .await;
    let mut client = site.client().await;
    let marketing = MESSAGE.replace("\"otp\"", "\"marketing\"");
    assert_eq!(client.post("/v1/messages", &marketing).await.status, 202);
    let heard = client.post("/v1/messages", &marketing).await;
    assert_eq!(heard.problem(), (503, "queue-full".to_owned()));
    assert!(heard.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(client.post("/v1/messages", MESSAGE).await.status, 202);
}

#[tokio::test]
async fn requests_and_batches_beyond_their_bounds_are_told_to_come_back() {
    let settings = ServerSettings {
        batches_max: 0,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let mut client = site.client().await;
    let batch = format!(r#"{{"messages":[{MESSAGE}]}}"#);
    let heard = client.post("/v1/messages/batch", &batch).await;
    assert_eq!(heard.problem(), (503, "busy".to_owned()));
    assert_eq!(heard.header("retry-after"), Some("1"));
    assert_eq!(client.post("/v1/messages", MESSAGE).await.status, 202);
    let settings = ServerSettings {
        requests_max: 1,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::queued(), settings).await;
    let mut waiting = site.client().await;
    let length = MESSAGE.len();
    let more = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    let request = waiting.written("POST /v1/messages", &more, MESSAGE);
    waiting.wire.send(request).await;
    let mut second = site.client().await;
    let full = async { while second.get("/openapi.json").await.status != 503 {} };
    tokio::time::timeout(crate::server::PATIENCE, full)
        .await
        .unwrap();
    site.test.store.sync();
    assert_eq!(waiting.wire.answer().await.unwrap().status, 202);
    assert_eq!(second.get("/openapi.json").await.status, 200);
}

#[tokio::test]
async fn the_admin_listener_changes_nothing_and_knows_three_pages() {
    let site = Site::start().await;
    for page in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(site.admin("GET", page).await.status, 200);
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
            let heard = site.admin(method, page).await;
            assert_eq!(heard.problem(), (405, "method-not-allowed".to_owned()));
            assert_eq!(heard.header("allow"), Some("get, head"));
        }
    }
    for path in ["/", "/v1/messages", "/openapi.json", "/metrics/"] {
        assert_eq!(
            site.admin("GET", path).await.problem(),
            (404, "not-found".to_owned())
        );
    }
}

#[tokio::test]
async fn the_admin_listener_stays_on_loopback_unless_told_loudly() {
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let bind = |exposure| {
        let counters = Arc::new(ListenerCounters::default());
        Listener::bind_admin(anywhere, exposure, ServerSettings::default(), counters)
    };
    let refused = bind(AdminExposure::LoopbackOnly).await;
    assert!(matches!(refused, Err(BindError::NotLoopback)));
    assert!(bind(AdminExposure::AnyAddressInClear).await.is_ok());
}

/// The names and kinds of the listeners' metrics.
const HTTP_METRICS: [&str; 16] = [
    "shortstop_http_requests_total counter",
    "shortstop_http_clients_busy_total counter",
    "shortstop_http_bodies_slow_total counter",
    "shortstop_http_connections_total counter",
    "shortstop_http_connections_refused_total counter",
    "shortstop_http_connections_refused_address_total counter",
    "shortstop_http_connections_timed_out_total counter",
    "shortstop_http_connections_stalled_total counter",
    "shortstop_http_connections_flooded_total counter",
    "shortstop_http_connections_broken_total counter",
    "shortstop_tls_handshakes_failed_total counter",
    "shortstop_tls_handshakes_refused_total counter",
    "shortstop_http_received_bytes_total counter",
    "shortstop_http_sent_bytes_total counter",
    "shortstop_http_panics_total counter",
    "shortstop_http_connections_open gauge",
];

#[tokio::test]
async fn metrics_count_routes_and_hold_nothing_personal() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let id = client.send().await;
    client.get(&format!("/v1/messages/{id}")).await;
    client.get("/v1/messages/7700900123").await;
    client.get("/7700900123").await;
    let page = site.admin("GET", "/metrics").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for line in [
        r#"shortstop_http_requests_total{route="/v1/messages",method="POST",status="2xx"} 1"#,
        r#"shortstop_http_requests_total{route="/v1/messages/{id}",method="GET",status="2xx"} 1"#,
        r#"shortstop_http_requests_total{route="/v1/messages/{id}",method="GET",status="4xx"} 1"#,
        r#"shortstop_http_requests_total{route="none",method="",status="4xx"} 1"#,
        r#"shortstop_messages_accepted_total{class="otp"} 1"#,
        r#"shortstop_http_connections_open{listener="https"} 1"#,
    ] {
        assert!(
            page.body.lines().any(|found| found == line),
            "{line}\n{}",
            page.body
        );
    }
    // Outside tools are written against these; the engine holds its own names.
    let types = page
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let ours: Vec<&str> = types
        .filter(|line| line.contains("_http_") || line.contains("_tls_"))
        .collect();
    assert_eq!(ours, HTTP_METRICS);
    for secret in ["7700900", "482913", "ssk_", &id] {
        assert!(!page.body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn an_opt_out_is_recorded_looked_up_held_and_removed() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let who = r#""short_code":"12345","number":"+447700900123""#;
    let change = format!(r#"{{{who},"basis":"request","evidence":"call of 3 May"}}"#);
    let subject = format!("{{{who}}}");
    let open = client.post("/v1/opt-outs/lookup", &subject).await.json();
    let none = json!({"short_code": "12345", "standing": "open", "basis": null, "since": null});
    assert_eq!(open, none);
    let out = client.post("/v1/opt-outs", &change).await.json();
    assert_eq!(
        (&out["standing"], &out["basis"]),
        (&json!("opted-out"), &json!("request"))
    );
    assert_eq!(
        client.post("/v1/opt-outs/lookup", &subject).await.json(),
        out
    );
    let heard = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(heard.problem(), (422, "opted-out".to_owned()));
    assert_eq!(
        client.post("/v1/opt-outs/remove", &change).await.json(),
        none
    );
    assert_eq!(client.post("/v1/messages", MESSAGE).await.status, 202);
    let heard = client.post("/v1/opt-outs/remove", &change).await;
    assert_eq!(heard.problem(), (409, "not-opted-out".to_owned()));
}

#[tokio::test]
async fn what_a_handset_sent_is_shown_to_the_client_of_its_short_code() {
    let site = Site::start().await;
    let mobile = Mobile {
        id: None,
        from: Msisdn::parse("+447700900123").unwrap(),
        to: settings::short_code(),
        data_coding: 0,
        udh: Vec::new(),
        payload: b"Is \"it\" open?".to_vec(),
    };
    let (durable, done) = tokio::sync::oneshot::channel();
    let verdicts = Box::new(move |verdicts| drop(durable.send(verdicts)));
    let batch = vec![Delivery::Mobile(mobile)];
    site.test
        .gateway
        .delivered(&settings::primary(0), batch, verdicts);
    done.await.unwrap();
    let page = site.client().await.get("/v1/inbound?to=12345").await.json();
    let row = &page["inbound"][0];
    assert_eq!(row["from"], "+447700900123");
    assert_eq!(row["text"], "Is \"it\" open?");
    assert_eq!(
        (&row["to"], &row["keyword"]),
        (&json!("12345"), &json!(null))
    );
    assert_eq!(page["next"], json!(null));
}
