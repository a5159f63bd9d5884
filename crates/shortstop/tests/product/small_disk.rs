//! A data folder on a volume of its own that really fills: a small file system in memory, mounted where
//! only the gateway sees it. What the machine does not let a process mount is stood in for elsewhere
//! (`disk_full`).

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use ledger::tile::bundle;
use rustix::process::Signal;
use serde_json::Value;
use shortstop::child::{GatewayProcess, Launch};
use shortstop::http_client::{Client, Target};

use super::ground::{BINARY, Carrier, Ground, files, message, reaches, run, run_json, until};
use super::ledger::word;

const READER: &str = "+447700900123";

/// A gateway whose data folder is a volume of so many MiB.
struct Small {
    ground: Ground,
    gateway: GatewayProcess,
    /// The data folder as others reach it.
    data: PathBuf,
    api: Client,
    /// How often the ledger was exported.
    exports: AtomicU16,
}

/// Whether a process may mount a volume of its own here.
async fn can_mount() -> bool {
    let tried = tokio::process::Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    tried.await.is_ok_and(|tried| tried.status.success())
}

impl Small {
    async fn start(ground: Ground, mib: u32) -> Self {
        std::fs::create_dir(ground.data()).unwrap();
        let program = ground.path("gateway.sh");
        let mount = format!("mount -t tmpfs -o size={mib}m,mode=700 none");
        let script = format!(
            "#!/bin/sh\nexec unshare -rm sh -c '{mount} {} && exec {BINARY} \"$@\"' sh \"$@\"\n",
            ground.data().display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let launch = Launch {
            program,
            ..ground.launch()
        };
        let started = GatewayProcess::start(&launch).await;
        let gateway = started.unwrap_or_else(|error| panic!("{error:#}\n{}", ground.log()));
        let root = PathBuf::from(format!("/proc/{}/root", gateway.id().unwrap()));
        let data = root.join(ground.data().strip_prefix("/").unwrap());
        let api = api(&ground, &data).await;
        Self {
            ground,
            gateway,
            data,
            api,
            exports: AtomicU16::new(0),
        }
    }

    async fn submit(&mut self, text: &str) -> (u16, String) {
        let body = message(READER, "otp", text);
        let reply = self.api.post("/v1/messages", &body).await.unwrap();
        let name = if reply.status.as_u16() == 202 {
            "id"
        } else {
            "code"
        };
        (reply.status.as_u16(), reply.member(name))
    }

    /// Fills the volume until so many MiB are left, and gives the file that does.
    fn fill(&self, left_mib: u64) -> PathBuf {
        let path = self.data.join("ballast");
        let mut file = File::create(&path).unwrap();
        let chunk = vec![1; 1 << 16];
        loop {
            let volume = rustix::fs::statvfs(&self.data).unwrap();
            let full = volume.f_bavail * volume.f_frsize <= left_mib << 20;
            if full || file.write_all(&chunk).is_err() {
                return path;
            }
        }
    }

    async fn metric(&self, name: &str) -> Option<u64> {
        let page = self.ground.admin().get("/metrics").await.ok()?.text;
        let line = page
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")))?;
        line.rsplit_once(' ')?.1.parse().ok()
    }

    async fn readiness(&self) -> u16 {
        let reply = self.ground.admin().get("/readyz").await.unwrap();
        reply.status.as_u16()
    }

    /// Every entry that a checkpoint covers, by an export to a volume with room; none while the store is
    /// away.
    async fn entries(&self) -> Option<Vec<Value>> {
        // A folder of its own each time: one that was exported to before keeps its former last bundle too.
        let round = self.exports.fetch_add(1, Ordering::Relaxed);
        let to = self.ground.path(&format!("export-{round}"));
        let (to, data) = (to.to_str().unwrap(), self.data.to_str().unwrap());
        let exported = run(&["ledger", "export", "--to", to, "--data", data]).await;
        exported.status.success().then(|| bundled(Path::new(to)))
    }

    /// Waits until the exported ledger holds so many entries of a kind, and gives them.
    async fn told(&self, kind: &str, many: usize) -> Vec<Value> {
        until(&format!("{many} {kind}"), async || {
            let entries = self.entries().await?;
            let of_kind = entries
                .into_iter()
                .filter(|entry| word(entry, "/kind") == kind);
            let found: Vec<Value> = of_kind.collect();
            (found.len() >= many).then_some(found)
        })
        .await
    }
}

async fn api(ground: &Ground, data: &Path) -> Client {
    let config = [
        "client",
        "add",
        "tester",
        "--short-code",
        "12345",
        "--class",
        "otp",
        "--scope",
        "messages:send",
        "--scope",
        "messages:read",
        "--data",
        data.to_str().unwrap(),
    ];
    let made = run_json(&config).await;
    let key = made["client"]["api_key"].as_str().unwrap();
    let ca = std::fs::read(data.join("tls/ca.pem")).unwrap();
    Target::https(ground.https, &ca)
        .unwrap()
        .with_key(key)
        .client()
}

fn bundled(folder: &Path) -> Vec<Value> {
    let mut bundles = files(&folder.join("tile/entries"));
    bundles.sort();
    let mut entries = Vec::new();
    for path in bundles {
        let octets = std::fs::read(&path).unwrap();
        let partial = path.to_str().unwrap().contains(".p/");
        let width = if partial {
            path.file_name().unwrap().to_str().unwrap().parse().unwrap()
        } else {
            256
        };
        for entry in bundle::decode(&octets, width).unwrap() {
            entries.push(serde_json::from_slice(entry).unwrap());
        }
    }
    entries
}

fn refused(gap: &Value) -> u64 {
    gap["data"]["refused"].as_u64().unwrap()
}

#[tokio::test]
async fn before_the_disk_is_full_new_messages_are_refused_and_the_rest_goes_on() {
    if !can_mount().await {
        eprintln!("this machine lets no process mount a volume");
        return;
    }
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.store = "reserve_mib = 4\nlow_water_mib = 16\n".to_owned();
    ground.configure(carrier.smpp);
    let mut small = Small::start(ground, 64).await;
    let (status, first) = small.submit("there is room").await;
    assert_eq!(status, 202);
    let ballast = small.fill(8);
    until("new messages are refused", async || {
        (small.submit("no room").await == (503, "storage-low".to_owned())).then_some(())
    })
    .await;
    for _ in 0..5 {
        assert_eq!(small.submit("no room").await.0, 503, "not one gets in");
    }
    assert_eq!(small.readiness().await, 503);
    assert_eq!(small.metric("shortstop_storage_low").await, Some(1));
    assert_eq!(small.metric("shortstop_store_up").await, Some(1));
    until("it is said aloud", async || {
        let log = small.ground.log();
        log.contains("the disk is nearly full").then_some(())
    })
    .await;
    reaches(&mut small.api, &first, "delivered").await;
    carrier.say(READER, "hello").await;
    small.told("mo.received", 1).await;
    let degraded = small.told("ledger.degraded", 1).await;
    assert_eq!(degraded[0]["data"]["low_water_mib"], 16);

    std::fs::remove_file(ballast).unwrap();
    let again = until("messages are taken again", async || {
        let (status, id) = small.submit("there is room again").await;
        (status == 202).then_some(id)
    })
    .await;
    reaches(&mut small.api, &again, "delivered").await;
    let gap = small.told("ledger.gap", 1).await;
    assert_eq!(word(&gap[0], "/data/cause"), "storage-low");
    assert_eq!(
        Some(refused(&gap[0])),
        small.metric("shortstop_turned_away_total").await
    );
    assert_eq!(small.told("ledger.degraded", 2).await[1]["outcome"], "done");
    assert!(small.gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_full_disk_is_recorded_in_the_reserve_and_over_without_a_restart() {
    if !can_mount().await {
        eprintln!("this machine lets no process mount a volume");
        return;
    }
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.store = "reserve_mib = 8\nlow_water_mib = 0\n".to_owned();
    ground.configure(carrier.smpp);
    let mut small = Small::start(ground, 64).await;
    let ballast = small.fill(0);
    let mut accepted = Vec::new();
    loop {
        let (status, said) = small.submit("until it is full").await;
        if status != 202 {
            break;
        }
        accepted.push(said);
        assert!(accepted.len() < 20_000, "the disk never filled");
    }
    // The disk is still full, yet the gap is recorded, in what the reserve freed.
    let gap = small.told("ledger.gap", 1).await;
    assert_eq!(word(&gap[0], "/data/cause"), "disk-full");
    assert!(refused(&gap[0]) > 0);
    assert!(!small.data.join("reserve").exists());
    assert_eq!(
        small.submit("still full").await,
        (503, "storage-low".to_owned())
    );
    carrier.say(READER, "hello").await;
    small.told("mo.received", 1).await;

    std::fs::remove_file(ballast).unwrap();
    let again = until("messages are taken again", async || {
        let (status, id) = small.submit("there is room again").await;
        (status == 202).then_some(id)
    })
    .await;
    accepted.push(again);
    for id in &accepted {
        reaches(&mut small.api, id, "delivered").await;
    }
    assert!(small.data.join("reserve").exists(), "it is made again");
    let turned_away = small.metric("shortstop_turned_away_total").await.unwrap();
    let mut round = 2;
    until("each that was refused is in one gap", async || {
        let gaps = small.told("ledger.gap", round).await;
        round = gaps.len();
        (gaps.iter().map(refused).sum::<u64>() == turned_away).then_some(())
    })
    .await;
    small.gateway.signal(Signal::TERM).unwrap();
    assert!(small.gateway.ended().await.unwrap().success());
}
