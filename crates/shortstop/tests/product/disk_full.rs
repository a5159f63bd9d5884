//! A disk that takes nothing more: refused at once, never a hang, and nothing accepted is lost. The limit
//! on the size of files stands in for the full disk: it needs no right to mount one, and the system
//! refuses the same writes.

use std::os::unix::fs::PermissionsExt as _;
use tokio::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use shortstop::child::{GatewayProcess, Launch};

use super::ground::{BINARY, Carrier, Ground, message, reaches, until};

const READER: &str = "+447700900123";

/// A gateway that is told of a full file by an error and not by a signal, as on a full disk.
async fn start(ground: &Ground) -> GatewayProcess {
    let program = ground.path("gateway.sh");
    std::fs::write(
        &program,
        format!("#!/bin/sh\ntrap '' XFSZ\nexec {BINARY} \"$@\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let launch = Launch {
        program,
        ..ground.launch()
    };
    GatewayProcess::start(&launch).await.unwrap()
}

/// No file of the gateway may grow past this; `None` lifts the limit.
fn limit(gateway: &GatewayProcess, octets: Option<u64>) {
    let id = Pid::from_raw(i32::try_from(gateway.id().unwrap()).unwrap()).unwrap();
    prlimit(
        Some(id),
        Resource::Fsize,
        Rlimit {
            current: octets,
            maximum: None,
        },
    )
    .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_at_once_and_loses_nothing() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = start(&ground).await;
    let mut api = ground.api(&ground.key().await).client();
    let wal = ground.data().join("shortstop.sqlite-wal");
    let room = std::fs::metadata(&wal).map_or(0, |wal| wal.len()) + 200_000;
    limit(&gateway, Some(room));

    let mut accepted = Vec::new();
    let refused = loop {
        let text = format!("Until it is full {}", accepted.len());
        let asked = Instant::now();
        let reply = api
            .post("/v1/messages", &message(READER, "otp", &text))
            .await
            .unwrap();
        assert!(asked.elapsed().as_secs() < 10, "it hung");
        if reply.status.as_u16() != 202 {
            break reply;
        }
        accepted.push(reply.member("id"));
        assert!(accepted.len() < 20_000, "the disk never filled");
    };
    assert_eq!(
        (refused.status.as_u16(), refused.member("code").as_str()),
        (503, "unavailable")
    );
    assert!(refused.header("retry-after").is_some());
    assert!(!accepted.is_empty());
    let mut admin = ground.admin();
    until("not ready", async || {
        (admin.get("/readyz").await.unwrap().status.as_u16() == 503).then_some(())
    })
    .await;
    assert_eq!(
        admin.get("/healthz").await.unwrap().status.as_u16(),
        200,
        "it is alive"
    );

    limit(&gateway, None);
    until("ready again", async || {
        (admin.get("/readyz").await.unwrap().status.as_u16() == 200).then_some(())
    })
    .await;
    let again = until("the next message", async || {
        let reply = api
            .post("/v1/messages", &message(READER, "otp", "There is room"))
            .await
            .unwrap();
        (reply.status.as_u16() == 202).then(|| reply.member("id"))
    })
    .await;
    accepted.push(again);
    for id in &accepted {
        reaches(&mut api, id, "delivered").await;
    }
    assert!(gateway.stop().await.unwrap().success());
}
