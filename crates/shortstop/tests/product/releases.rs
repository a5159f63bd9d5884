//! The binary about itself: what it is made of, judged by a library that others wrote, and how it stands with
//! lists of releases, honest and forged.

use std::path::{Path, PathBuf};

use ledger::note::Note;
use ledger::note::key::KeyName;
use ledger::note::signer::NoteSigner;
use serde_json::Value;

use super::ground::run;
use super::signed::python;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A folder with the key of those who make releases, and lists by it.
struct Office {
    folder: tempfile::TempDir,
    signer: NoteSigner,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = signer("releases.example/one", 1);
        let key = format!("# ours\n{}\n", signer.verifier_key());
        std::fs::write(folder.path().join("keys"), key).unwrap();
        Self { folder, signer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn signed(&self, text: &str) -> String {
        let mut note = Note::unsigned(text.to_owned()).unwrap();
        note.sign(self.signer.sign(text).unwrap());
        note.to_string()
    }

    /// The exit code, and the event or the words of the failure.
    async fn check(&self, file: &[u8], more: &[&str]) -> (Option<i32>, Value) {
        let (list, keys) = (self.path("list"), self.path("keys"));
        std::fs::write(&list, file).unwrap();
        let words = ["version", "--json", "--check", list.to_str().unwrap()];
        let key = ["--key", keys.to_str().unwrap()];
        let output = run(&[words.as_slice(), &key, more].concat()).await;
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    }
}

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(KeyName::parse(name).unwrap(), &[seed; 32]).unwrap()
}

/// SHA-256 of the binary that is tested, by a program that others wrote.
async fn own_hash() -> String {
    let binary = env!("CARGO_BIN_EXE_shortstop");
    let output = tokio::process::Command::new("sha256sum")
        .arg(binary)
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

async fn target() -> String {
    let sbom = run(&["version", "--sbom", "--json"]).await;
    let sbom: Value = serde_json::from_slice(&sbom.stdout).unwrap();
    let mut remarks = sbom["metadata"]["component"]["properties"]
        .as_array()
        .unwrap()
        .iter();
    let target = remarks
        .find(|remark| remark["name"] == "shortstop:target")
        .unwrap();
    target["value"].as_str().unwrap().to_owned()
}

/// A list of number 5 that knows the version of this binary by `hash`, with `more` releases behind it.
async fn list(hash: &str, more: &str) -> String {
    let target = target().await;
    format!(
        "shortstop-releases/v1\nnumber 5\nissued 2026-01-01T00:00:00Z\nexpires 2999-01-01T00:00:00Z\n\
         release {VERSION}\ndate 2026-01-01\nupgrade-from 0.0.0\nbinary {target} {hash}\n{more}"
    )
}

fn newer() -> String {
    format!(
        "release 99.0.0\ndate 2026-11-01\nupgrade-from {VERSION}\n\
         fix critical SHORTSTOP-2026-1 Receipts could be forged.\nbinary any {}\n",
        "00".repeat(32)
    )
}

#[tokio::test]
async fn the_list_of_parts_meets_the_schema_and_is_the_same_each_time() {
    let first = run(&["version", "--sbom"]).await;
    assert_eq!(first.status.code(), Some(0));
    assert_eq!(first.stdout, run(&["version", "--sbom"]).await.stdout);
    let sbom: Value = serde_json::from_slice(&first.stdout).unwrap();
    let own = &sbom["metadata"]["component"]["hashes"][0]["content"];
    assert_eq!(own.as_str().unwrap(), own_hash().await);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/releases/judge.py");
    let judged: Value = serde_json::from_str(&python(&script, &sbom, &[]).await).unwrap();
    assert_eq!(judged["fault"], Value::Null, "{judged}");
    let parts = sbom["components"].as_array().unwrap().len();
    assert_eq!(judged["components"], parts);
    let purls = judged["purls"].as_array().unwrap();
    assert!(
        purls
            .iter()
            .any(|purl| purl.as_str().unwrap().starts_with("pkg:cargo/tokio@"))
    );
    let mut altered = sbom.clone();
    altered["serialNumber"] = "1".into();
    let judged: Value = serde_json::from_str(&python(&script, &altered, &[]).await).unwrap();
    assert_ne!(judged["fault"], Value::Null);
}

#[tokio::test]
async fn the_newest_release_is_told_from_one_that_is_behind() {
    let office = Office::new();
    let hash = own_hash().await;
    let (code, told) = office
        .check(office.signed(&list(&hash, "").await).as_bytes(), &[])
        .await;
    assert_eq!(
        (code, told["standing"].as_str()),
        (Some(0), Some("released")),
        "{told}"
    );
    assert_eq!(told["list"]["signers"][0], "releases.example/one");

    let behind = office.signed(&list(&hash, &newer()).await);
    let (code, told) = office.check(behind.as_bytes(), &[]).await;
    assert_eq!(
        (code, told["worst"].as_str()),
        (Some(4), Some("critical")),
        "{told}"
    );
    assert_eq!(told["newer"][0]["fixes"][0]["id"], "SHORTSTOP-2026-1");
    assert_eq!(told["steps"][0], "99.0.0");
}

#[tokio::test]
async fn a_binary_that_is_not_what_was_released_is_named_even_when_something_is_newer() {
    let office = Office::new();
    let swapped = office.signed(&list(&"ab".repeat(32), &newer()).await);
    let (code, told) = office.check(swapped.as_bytes(), &[]).await;
    assert_eq!(
        (code, told["standing"].as_str()),
        (Some(1), Some("altered")),
        "{told}"
    );
    assert_eq!(told["expected_sha256"], "ab".repeat(32));
    let unknown = list(&"ab".repeat(32), "").await.replacen(
        &format!("release {VERSION}"),
        "release 98.0.0",
        1,
    );
    let (code, told) = office.check(office.signed(&unknown).as_bytes(), &[]).await;
    assert_eq!(
        (code, told["standing"].as_str()),
        (Some(1), Some("unlisted")),
        "{told}"
    );
    let hash = own_hash().await;
    let taken_back = list(&hash, "").await.replacen(
        "upgrade-from 0.0.0\n",
        "upgrade-from 0.0.0\nwithdrawn It loses messages.\n",
        1,
    );
    let (code, told) = office
        .check(office.signed(&taken_back).as_bytes(), &[])
        .await;
    assert_eq!(
        (code, told["withdrawn"].as_str()),
        (Some(1), Some("It loses messages.")),
        "{told}"
    );
}

/// Checks a file that is not to be believed, and what is said of it.
async fn refused(office: &Office, file: impl AsRef<[u8]>, more: &[&str], says: &str) {
    let (code, told) = office.check(file.as_ref(), more).await;
    assert_eq!(code, Some(1), "{says}: {told}");
    let error = told["error"].as_str().unwrap();
    assert!(error.contains(says), "{says}: {error}");
}

#[tokio::test]
async fn a_list_that_was_altered_cut_or_forged_is_not_believed() {
    let office = Office::new();
    let honest = list(&own_hash().await, &newer()).await;
    let file = office.signed(&honest);
    for (from, to) in [
        ("critical", "low"),
        ("0000", "1111"),
        ("number 5", "number 6"),
    ] {
        let altered = file.replacen(from, to, 1);
        refused(&office, altered, &[], "does not verify").await;
    }
    let stranger = signer("releases.example/one", 2);
    let mut forged = Note::unsigned(honest.clone()).unwrap();
    forged.sign(stranger.sign(&honest).unwrap());
    refused(&office, forged.to_string(), &[], "no known key").await;
    refused(&office, honest.clone(), &[], "no signatures").await;
    let cut = &file.as_bytes()[..file.len() - 20];
    refused(&office, cut, &[], "not believed").await;
    let mut huge = file.clone().into_bytes();
    huge.resize(3 << 20, b'\n');
    refused(&office, huge, &[], "too long").await;
}

#[tokio::test]
async fn a_list_that_expired_was_rolled_back_or_tells_twice_is_not_believed() {
    let office = Office::new();
    let honest = list(&own_hash().await, &newer()).await;
    let file = office.signed(&honest);
    let expired = office.signed(&honest.replacen("2999-01-01", "2026-02-01", 1));
    refused(&office, expired, &[], "expired").await;
    let future = office.signed(&honest.replacen("issued 2026", "issued 2998", 1));
    refused(&office, future, &[], "future").await;
    let seen = ["--newest-seen", "6"];
    refused(&office, &file, &seen, "older than list 6").await;
    let twice = office.signed(&format!("{honest}{}", newer()));
    refused(&office, twice, &[], "names something again").await;
    let (code, _) = office.check(file.as_bytes(), &["--newest-seen", "5"]).await;
    assert_eq!(code, Some(4));
}

#[tokio::test]
async fn without_a_key_nothing_is_believed_and_a_missing_list_is_told_as_missing() {
    let office = Office::new();
    std::fs::write(office.path("none"), "# no key\n").unwrap();
    std::fs::write(
        office.path("list"),
        office.signed(&list(&own_hash().await, "").await),
    )
    .unwrap();
    let code = async |list: &str, key: &str| {
        let (list, key) = (office.path(list), office.path(key));
        let words = [
            "version",
            "--check",
            list.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ];
        run(&words).await.status.code()
    };
    assert_eq!(code("list", "keys").await, Some(0));
    assert_eq!(code("list", "none").await, Some(2));
    assert_eq!(code("list", "missing").await, Some(3));
    assert_eq!(code("missing", "keys").await, Some(3));
}
