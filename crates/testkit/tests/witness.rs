//! The witness as a process of its own: every status that C2SP tlog-witness names, and a memory that
//! outlives being killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ledger::note::Note;
use ledger::note::key::{KeyName, VerifierKey};
use ledger::note::signature::Signature;
use ledger::note::signer::NoteSigner;
use ledger::tree::{consistency, node_of, root_of};
use ledger::witness::{AddCheckpoint, monitoring_path};
use ledger::{Checkpoint, Hash, SignedCheckpoint, leaf_hash};
use testkit::ledger::{ORIGIN, log_signer};

/// A running witness; killed when it is dropped.
struct Running {
    child: Child,
    host: String,
    vkey: String,
}

impl Running {
    fn start(folder: &Path) -> Self {
        // Cargo builds examples beside the tests' own folder, whenever it builds all targets.
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().with_file_name("examples/witness");
        let mut child = Command::new(program)
            .args(["--log", &log_signer().verifier_key().to_string(), "--state"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example is built: run cargo test -p testkit");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let member = |name: &str| {
            let (_, rest) = line.split_once(&format!("\"{name}\":\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        assert_eq!(member("event"), "ready");
        let host = member("url").strip_prefix("http://").unwrap().to_owned();
        let vkey = member("vkey");
        Self { child, host, vkey }
    }

    fn ask(&self, start: &str, body: &str) -> (u16, String, String) {
        let mut socket = TcpStream::connect(&self.host).unwrap();
        let length = body.len();
        let head = "HTTP/1.1\r\nHost: witness\r\nConnection: close";
        write!(
            socket,
            "{start} {head}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    fn add(&self, request: &AddCheckpoint) -> (u16, String) {
        let (status, _, body) = self.ask("POST /add-checkpoint", &request.to_string());
        (status, body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn leaves(size: u8, salt: u8) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&[index, salt])).collect()
}

fn checkpoint(leaves: &[Hash], signer: &NoteSigner) -> SignedCheckpoint {
    let name = signer.verifier_key().name();
    let size = u64::try_from(leaves.len()).unwrap();
    Checkpoint::new(name, size, root_of(leaves))
        .sign(signer)
        .unwrap()
}

/// A request of the log to go on from an old size to all of these leaves.
fn request(old: u64, leaves: &[Hash]) -> AddCheckpoint {
    let size = u64::try_from(leaves.len()).unwrap();
    let node = |level, index| node_of(leaves, level, index);
    let proof = match old {
        0 => Vec::new(),
        old if old == size => Vec::new(),
        old => consistency::prove(&node, old, size).unwrap(),
    };
    let checkpoint = checkpoint(leaves, &log_signer());
    AddCheckpoint {
        old,
        proof,
        checkpoint,
    }
}

/// Checks that the body is one line by that key over that checkpoint.
fn check_cosigned(vkey: &str, request: &AddCheckpoint, body: &str) {
    let line = body.strip_suffix('\n').unwrap();
    let mut note = Note::unsigned(request.checkpoint.note().text().to_owned()).unwrap();
    note.sign(Signature::parse(line).unwrap());
    let key = VerifierKey::parse(vkey).unwrap();
    let keys = [key];
    let verified = note.verify(&keys).unwrap();
    assert!(verified[0].timestamp.unwrap() > 1_700_000_000);
}

#[test]
fn what_only_appends_is_cosigned_and_everything_else_has_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Running::start(folder.path());
    let known = "witness.example/w1+416975db+BKf236+POLibqM5km1lPkeTQH9xX+clJPfQ7XlCpmHNn";
    assert_eq!(witness.vkey, known);
    let all = leaves(20, 0);
    for (old, size) in [(0, 3), (3, 7), (7, 8), (8, 8), (8, 20)] {
        let asked = request(old, &all[..size]);
        let (status, body) = witness.add(&asked);
        assert_eq!(status, 200, "{body}");
        check_cosigned(known, &asked, &body);
    }
    let behind = request(8, &all);
    let (status, head, body) = witness.ask("POST /add-checkpoint", &behind.to_string());
    assert_eq!((status, body.as_str()), (409, "20\n"));
    assert!(head.contains("content-type: text/x.tlog.size"), "{head}");
    let forked = leaves(20, 1);
    assert_eq!(witness.add(&request(20, &forked)).0, 422);
    assert_eq!(witness.add(&request(20, &leaves(30, 1))).0, 422);
    assert_eq!(witness.add(&request(0, &all)).0, 409);
    let malformed = request(20, &all)
        .to_string()
        .replacen("old 20", "old 020", 1);
    assert_eq!(witness.ask("POST /add-checkpoint", &malformed).0, 400);
    assert_eq!(witness.add(&request(20, &all)).0, 200);
}

#[test]
fn only_known_logs_and_their_own_keys_are_listened_to() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Running::start(folder.path());
    let all = leaves(3, 0);
    let foreign = |origin: &str| {
        let signer = NoteSigner::from_seed(KeyName::parse(origin).unwrap(), &[2; 32]).unwrap();
        let checkpoint = checkpoint(&all, &signer);
        AddCheckpoint {
            old: 0,
            proof: Vec::new(),
            checkpoint,
        }
    };
    assert_eq!(witness.add(&foreign("other.example")).0, 404);
    assert_eq!(witness.add(&foreign(ORIGIN)).0, 403);
    assert_eq!(witness.ask("GET /add-checkpoint", "").0, 405);
    assert_eq!(witness.ask("POST /", "").0, 404);
    assert_eq!(witness.ask("POST /add-checkpoint/", "").0, 404);
}

#[test]
fn a_witness_that_is_killed_remembers_what_it_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let monitoring = format!("GET /{}", monitoring_path(ORIGIN));
    let witness = Running::start(folder.path());
    assert_eq!(witness.ask(&monitoring, "").0, 404);
    let all = leaves(9, 0);
    let asked = request(0, &all[..5]);
    let (status, line) = witness.add(&asked);
    assert_eq!(status, 200);
    drop(witness);
    let witness = Running::start(folder.path());
    let (status, _, note) = witness.ask(&monitoring, "");
    assert_eq!((status, note), (200, format!("{}{line}", asked.checkpoint)));
    assert_eq!(
        witness.add(&request(0, &leaves(9, 1))),
        (409, "5\n".to_owned())
    );
    assert_eq!(witness.add(&request(5, &leaves(9, 1))).0, 422);
    assert_eq!(witness.add(&request(5, &all)).0, 200);
}

#[test]
fn a_witness_does_not_start_over_a_memory_that_was_touched() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Running::start(folder.path());
    assert_eq!(witness.add(&request(0, &leaves(5, 0))).0, 200);
    drop(witness);
    let path = folder.path().join(monitoring_path(ORIGIN));
    let note = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, note.replacen("\n5\n", "\n4\n", 1)).unwrap();
    let started = std::panic::catch_unwind(|| Running::start(folder.path()));
    assert!(started.is_err());
}
