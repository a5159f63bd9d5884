//! The data folder of a stopped gateway as evidence: an auditor verifies, proves and compares, and no
//! octet, name or time of it is another afterwards, whether it was stopped in good order or killed, and
//! whether it can be written to or not.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use tokio::process::Command;

use super::ground::{BINARY, CODE, Carrier, Ground, reaches, send, until};
use super::ledger;
use super::public_log::copy;

const READER: &str = "+447700900123";

/// Everything in a folder: when it was changed, its mode, and the octets of files.
type Found = BTreeMap<PathBuf, (i64, i64, u32, Vec<u8>)>;

fn found(place: &Path) -> Found {
    let about = place.symlink_metadata().unwrap();
    let octets = if about.is_file() {
        std::fs::read(place).unwrap()
    } else {
        Vec::new()
    };
    let seen = (about.mtime(), about.mtime_nsec(), about.mode(), octets);
    let mut all = Found::from([(place.to_owned(), seen)]);
    if about.is_dir() {
        for entry in std::fs::read_dir(place).unwrap() {
            all.extend(found(&entry.unwrap().path()));
        }
    }
    all
}

/// Fails with the names of what is another than before.
fn unchanged(before: &Found, place: &Path) {
    let now = found(place);
    let differs = |path: &&PathBuf| before.get(*path) != now.get(*path);
    let names: Vec<_> = before.keys().chain(now.keys()).filter(differs).collect();
    assert!(names.is_empty(), "changed: {names:?}");
}

/// What the commands of an auditor tell.
#[derive(Debug, PartialEq)]
struct Told {
    verified: Value,
    proof: Value,
    rebuilt: Value,
}

/// One auditor: the binary, or a script that runs it where the folder can only be read.
struct Auditor<'g> {
    ground: &'g Ground,
    program: PathBuf,
    message: String,
}

impl Auditor<'_> {
    /// Gives the exit code and the last event.
    async fn ask(&self, args: &[&str]) -> (Option<i32>, Value) {
        let mut command = Command::new(&self.program);
        command.arg("ledger").args(args).arg("--json");
        command
            .arg("--config")
            .arg(self.ground.path("shortstop.toml"));
        let output = command.output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let says = String::from_utf8_lossy(&output.stderr);
        let last = text
            .lines()
            .last()
            .unwrap_or_else(|| panic!("{args:?}: {says}"));
        (output.status.code(), serde_json::from_str(last).unwrap())
    }

    async fn done(&self, args: &[&str]) -> Value {
        let (code, event) = self.ask(args).await;
        assert_eq!(code, Some(0), "{args:?}: {event}");
        event
    }

    /// Runs every command; the folder is as it was after each.
    async fn examine(&self) -> Told {
        let data = self.ground.data();
        let before = found(&data);
        let verified = self.done(&["verify"]).await;
        unchanged(&before, &data);
        let proof = self.done(&["prove", &self.message]).await;
        unchanged(&before, &data);
        let rebuilt = self.done(&["rebuild"]).await;
        unchanged(&before, &data);
        self.done(&["key"]).await;
        unchanged(&before, &data);
        Told {
            verified,
            proof,
            rebuilt,
        }
    }
}

/// Whether a process may mount a folder again for itself alone.
async fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "--bind", "/mnt", "/mnt"])
        .output();
    tried.await.is_ok_and(|tried| tried.status.success())
}

/// A script that runs the binary where the data folder is mounted to be read only.
fn read_only_mount(ground: &Ground) -> PathBuf {
    let (program, data) = (ground.path("auditor.sh"), ground.data());
    let data = data.display();
    let mount = format!("mount --bind {data} {data} && mount -o remount,bind,ro {data}");
    let check = format!("! touch {data}/written 2>/dev/null");
    let script = format!(
        "#!/bin/sh\nexec unshare -rm sh -c '{mount} && {check} && exec {BINARY} \"$@\"' sh \"$@\"\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    program
}

fn set_writable(place: &Path, owner: u32) {
    for path in found(place).into_keys() {
        let mode = path.metadata().unwrap().permissions().mode() & 0o577 | owner;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// The entries, and the size of the last checkpoint, as they lie in a copy.
fn committed(ground: &Ground, name: &str) -> (Vec<Value>, i64) {
    let to = ground.path(name);
    copy(&ground.data(), &to);
    let tree = Connection::open(to.join("tree.sqlite")).unwrap();
    let sql = "SELECT max(size) FROM checkpoint";
    let size = tree.query_row(sql, [], |row| row.get(0)).unwrap();
    (ledger::entries(&to), size)
}

/// A gateway that lived, and is killed with commits in its log. Gives a message that is proven.
async fn killed(ground: &Ground) -> String {
    let mut gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let mut last = String::new();
    for place in 0..20 {
        last = send(&mut api, READER, "alert", &format!("Message {place}")).await;
    }
    reaches(&mut api, &last, "delivered").await;
    let auditor = Auditor {
        ground,
        program: BINARY.into(),
        message: String::new(),
    };
    until("a checkpoint over the message", async || {
        (auditor.ask(&["prove", &last]).await.0 == Some(0)).then_some(())
    })
    .await;
    gateway.kill().await.unwrap();
    let log = ground.data().join("shortstop.sqlite-wal");
    assert!(log.metadata().unwrap().len() > 0, "nothing is in the log");
    last
}

#[tokio::test]
async fn an_auditor_changes_nothing_in_the_folder_of_a_gateway_that_does_not_run() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let message = killed(&ground).await;
    let mut auditor = Auditor {
        ground: &ground,
        program: BINARY.into(),
        message,
    };
    let (entries, size) = committed(&ground, "after-the-kill");

    let told = auditor.examine().await;
    assert_eq!(told.verified["sound"], true, "{told:?}");
    assert_eq!(told.verified["size"], size, "the last checkpoint is seen");
    assert_eq!(told.verified["vault"]["checked"], true, "{told:?}");
    assert_eq!(told.rebuilt["entries"], entries.len(), "all are seen");
    set_writable(&ground.data(), 0);
    assert_eq!(auditor.examine().await, told, "where nobody may write");
    if can_mount().await {
        auditor.program = read_only_mount(&ground);
        assert_eq!(auditor.examine().await, told, "where nobody can write");
        auditor.program = BINARY.into();
    }
    set_writable(&ground.data(), 0o200);

    ground.start().await.stop().await.unwrap();
    let (after, size) = committed(&ground, "after-the-start");
    let (kept, new) = after.split_at(entries.len());
    assert_eq!(kept, entries);
    let epoch = |entry: &Value| entry["epoch"].as_u64().unwrap();
    let begun = epoch(entries.last().unwrap()) + 1;
    assert_eq!(epoch(&new[0]), begun, "no auditor began an epoch");
    let told = auditor.examine().await;
    assert_eq!(told.verified["size"], size);
    assert_eq!(told.rebuilt["entries"], after.len());

    let index = told.proof["index"].as_u64().unwrap();
    let forge = format!(
        "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), '{CODE}', '99999') AS BLOB)
         WHERE idx = {index};
         UPDATE message SET state = 50 WHERE seq = (SELECT max(seq) FROM message)"
    );
    let store = Connection::open(ground.data().join("shortstop.sqlite")).unwrap();
    store.execute_batch(&forge).unwrap();
    drop(store);
    let before = found(&ground.data());
    for command in ["verify", "rebuild"] {
        let (code, event) = auditor.ask(&[command]).await;
        assert_eq!(code, Some(1), "{command}: {event}");
        unchanged(&before, &ground.data());
    }
}
