//! A person is forgotten, on a real data folder: no file holds an octet of what was destroyed, and every
//! proof goes on to verify. What passes for erasure and is none is found and named.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use domain::id::MessageId;
use ledger::{LogProof, Policy, VerifierKey};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use shortstop::http_client::{Reply, Target};

use super::ground::{Carrier, Ground, files, reaches, run, run_json, send, until};

/// Sealed octets and blind indexes, under a name for the message.
type Traces = Vec<(String, Vec<u8>)>;

fn number(place: usize) -> String {
    format!("+447700900{place:03}")
}

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

fn read_only(data: &Path) -> Connection {
    let path = data.join("shortstop.sqlite");
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// Sends to ten numbers at once from several sides, so that commits come out of order. Gives the ids by
/// number.
async fn traffic(ground: &Ground, key: &str, rounds: usize) -> Vec<Vec<String>> {
    let mut tasks = Vec::new();
    for place in 0..10 {
        let target: Target = ground.api(key);
        tasks.push(tokio::spawn(async move {
            let mut api = target.client();
            let mut ids = Vec::new();
            for round in 0..rounds {
                let text = format!(
                    "Message {round} to number {place}, {}",
                    "z".repeat(round % 90)
                );
                ids.push(send(&mut api, &number(place), "alert", &text).await);
            }
            ids
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    let mut api = ground.api(key).client();
    for id in ids.iter().flatten() {
        reaches(&mut api, id, "delivered").await;
    }
    ids
}

/// What the data folder holds of these messages and of messages from the handset.
fn traces(data: &Path, ids: &[String]) -> Traces {
    let database = read_only(data);
    let mut traces = Traces::new();
    let mut subjects = BTreeSet::new();
    for id in ids {
        let id: MessageId = id.parse().unwrap();
        let owner = i64::try_from(id.sequence()).unwrap();
        let subject: Vec<u8> = database
            .query_row(
                "SELECT subject FROM message WHERE seq = ?1",
                [owner],
                |row| row.get(0),
            )
            .unwrap();
        subjects.insert(subject);
        let mut statement = database
            .prepare("SELECT wrapped, sealed FROM vault WHERE row BETWEEN ?1 AND ?2")
            .unwrap();
        let range = [owner << 2, (owner << 2) | 3];
        let found = statement
            .query_map(range, |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .unwrap();
        for (place, row) in found.enumerate() {
            let (wrapped, sealed) = row.unwrap();
            // A piece of it is enough to be found, and more than an accident.
            traces.push((format!("{id} wrapped {place}"), wrapped[20..52].to_vec()));
            traces.push((format!("{id} sealed {place}"), sealed[12..24].to_vec()));
        }
    }
    assert_eq!(subjects.len(), 1, "one number");
    for subject in subjects {
        traces.push(("blind index".to_owned(), subject[..8].to_vec()));
    }
    traces
}

/// The traces that a file of the data folder holds. Each is looked for by its first octets.
fn found(data: &Path, traces: &Traces) -> Vec<String> {
    const HEAD: usize = 8;
    let mut by_head: BTreeMap<&[u8], Vec<&(String, Vec<u8>)>> = BTreeMap::new();
    for trace in traces {
        by_head.entry(&trace.1[..HEAD]).or_default().push(trace);
    }
    let firsts: BTreeSet<u8> = by_head.keys().map(|head| head[0]).collect();
    let is_first: Vec<bool> = (0..=255).map(|octet| firsts.contains(&octet)).collect();
    let mut found = Vec::new();
    for path in files(data) {
        let octets = std::fs::read(&path).unwrap();
        for (place, head) in octets.windows(HEAD).enumerate() {
            if !is_first[usize::from(head[0])] {
                continue;
            }
            for (name, trace) in by_head.get(head).into_iter().flatten() {
                if octets[place..].starts_with(trace) {
                    found.push(format!("{} holds {name}", path.display()));
                }
            }
        }
    }
    found
}

async fn erase(ground: &Ground, place: usize) -> Value {
    let asked = number(place);
    run_json(&[
        "subject",
        "erase",
        &asked,
        "--basis",
        "GDPR Art. 17, case 7",
        "--config",
        &config(ground),
    ])
    .await
}

async fn verify(ground: &Ground) -> (Option<i32>, Vec<Value>) {
    let output = run(&["ledger", "verify", "--json", "--config", &config(ground)]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

async fn receipt(ground: &Ground, key: &str, id: &str) -> Reply {
    let mut api = ground.api(key).client();
    until("a receipt", async || {
        let reply = api
            .get(&format!("/v1/messages/{id}/receipt"))
            .await
            .unwrap();
        (reply.status.as_u16() == 200).then_some(reply)
    })
    .await
}

fn holds(ground: &Ground, receipt: &Reply) {
    let vkey = std::fs::read_to_string(ground.data().join("log.vkey")).unwrap();
    let policy = Policy::of_log(VerifierKey::parse(vkey.trim_end()).unwrap());
    let proof = LogProof::parse(receipt.member("proof").as_bytes()).unwrap();
    proof
        .verify(receipt.member("entry").as_bytes(), &policy)
        .unwrap();
}

#[tokio::test]
async fn no_file_holds_an_octet_of_what_was_erased_and_every_proof_goes_on_to_verify() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    // A small index batch, so that the index database is in use.
    ground.store.push_str("\nindex_batch_rows = 50\n");
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let ids = traffic(&ground, &key, 40).await;
    carrier
        .say(&number(3)[1..], "A word from the handset")
        .await;
    let before = receipt(&ground, &key, &ids[3][0]).await;
    assert_eq!(before.json()["openings"].as_array().unwrap().len(), 2);
    let traces = traces(&ground.data(), &ids[3]);
    assert!(
        !found(&ground.data(), &traces).is_empty(),
        "they are there to be found"
    );

    let told = erase(&ground, 3).await;
    assert_eq!(
        (&told["messages"], &told["moving"]),
        (&40.into(), &0.into())
    );
    assert_eq!(told["remains"], Value::Null);
    assert_eq!(
        found(&ground.data(), &traces),
        Vec::<String>::new(),
        "while it runs"
    );

    let after = receipt(&ground, &key, &ids[3][0]).await;
    assert_eq!(after.member("entry"), before.member("entry"));
    assert!(after.json()["openings"].as_array().unwrap().is_empty());
    holds(&ground, &before);
    holds(&ground, &after);
    let mut api = ground.api(&key).client();
    let view = api
        .get(&format!("/v1/messages/{}", ids[3][0]))
        .await
        .unwrap();
    assert_eq!(view.status.as_u16(), 200, "{}", view.text);
    assert!(!view.text.contains(&number(3)), "{}", view.text);
    let other = api
        .get(&format!("/v1/messages/{}", ids[4][0]))
        .await
        .unwrap();
    assert_eq!(other.member("to"), number(4));
    assert!(!ground.log().contains("does not open"), "{}", ground.log());
    let (code, events) = verify(&ground).await;
    assert_eq!(code, Some(0), "{events:?}");
    assert_eq!(events.last().unwrap()["vault"]["checked"], true);

    gateway.stop().await.unwrap();
    assert_eq!(
        found(&ground.data(), &traces),
        Vec::<String>::new(),
        "after a stop"
    );
    let (code, events) = verify(&ground).await;
    assert_eq!(code, Some(0), "{events:?}");
    assert_eq!(events.last().unwrap()["vault"]["checked"], true);
    let gateway = ground.start().await;
    assert_eq!(erase(&ground, 3).await["values"], 0);
    gateway.stop().await.unwrap();
}

/// Does something to the database that no gateway would.
fn tamper(data: &Path, sql: &str) -> usize {
    let database = Connection::open(data.join("shortstop.sqlite")).unwrap();
    database.execute(sql, []).unwrap()
}

/// The entry of the message whose rows come first in the vault, but for those to `erased`: the vault's
/// order is that of the ids, the entries' that of the commits.
fn earliest_accepted(entries: &[Value], ids: &[Vec<String>], erased: usize) -> usize {
    let others = ids.iter().enumerate().filter(|(place, _)| *place != erased);
    let earliest = others
        .flat_map(|(_, ids)| ids)
        .min_by_key(|id| id.parse::<MessageId>().unwrap().sequence())
        .unwrap();
    let accepted = |entry: &Value| {
        entry["kind"] == "message.accepted" && entry["object"]["id"] == earliest.as_str()
    };
    entries.iter().position(accepted).unwrap()
}

#[tokio::test]
async fn what_passes_for_erasure_and_is_none_is_found_and_named() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let ids = traffic(&ground, &key, 2).await;
    erase(&ground, 3).await;
    gateway.stop().await.unwrap();
    let (code, events) = verify(&ground).await;
    assert_eq!(code, Some(0), "{events:?}");

    let entries = super::ledger::entries(&ground.data());
    let erased = entries
        .iter()
        .position(|entry| entry["kind"] == "subject.erased")
        .unwrap();
    let first = earliest_accepted(&entries, &ids, 3);
    let whole = std::fs::read(ground.data().join("shortstop.sqlite")).unwrap();
    let oldest = "(SELECT min(row) FROM vault WHERE length(wrapped) > 0)";
    let newest = "(SELECT max(row) FROM vault WHERE length(wrapped) > 0)";
    let forged = format!("X'{:016x}'", 1);
    let attacks = [
        // A row that is gone.
        (format!("DELETE FROM vault WHERE row = {oldest}"), "commitment-unopened", Some(first)),
        // A row with what belongs to another.
        (
            format!(
                "UPDATE vault SET (wrapped, sealed) = (SELECT wrapped, sealed FROM vault WHERE row = {newest})
                 WHERE row = {oldest}"
            ),
            "commitment-unopened",
            Some(first),
        ),
        // A tombstone that names no erasure.
        (
            format!("UPDATE vault SET wrapped = x'', sealed = {forged} WHERE row = {oldest}"),
            "erasure-unfounded",
            Some(first),
        ),
        // A tombstone that hides behind an erasure of others.
        (
            format!(
                "UPDATE vault SET wrapped = x'', sealed = X'{erased:016x}' WHERE row = {oldest}"
            ),
            "erasure-miscounted",
            Some(erased),
        ),
        // An erasure that says another count.
        (
            format!(
                "UPDATE entry SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"count\":4', '\"count\":3') AS BLOB)
                 WHERE idx = {erased}"
            ),
            "erasure-miscounted",
            Some(erased),
        ),
    ];
    for (sql, kind, index) in attacks {
        std::fs::write(ground.data().join("shortstop.sqlite"), &whole).unwrap();
        assert_eq!(tamper(&ground.data(), &sql), 1, "{sql}");
        let (code, events) = verify(&ground).await;
        assert_eq!(code, Some(1), "{sql}: {events:?}");
        let named = events.iter().any(|event| {
            event["kind"] == kind && event["index"].as_u64() == index.map(|index| index as u64)
        });
        assert!(named, "{sql}: {events:#?}");
    }
}

#[tokio::test]
async fn a_number_comes_from_standard_input_and_must_not_stand_in_the_basis() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let asked = number(3);
    let config = config(&ground);
    let basis = format!("asked by {asked}");
    let args = [
        "subject", "erase", &asked, "--basis", &basis, "--config", &config,
    ];
    let refused = run(&args).await;
    assert_eq!(refused.status.code(), Some(2));
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(says.contains("name a case"), "{says}");
    assert!(!says.contains("7700900003"), "{says}");
    // Nothing on standard input is no number.
    let args = [
        "subject", "erase", "-", "--basis", "case 7", "--config", &config,
    ];
    let refused = run(&args).await;
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test]
async fn a_person_gets_a_copy_of_everything_with_proofs_that_hold() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let ids = traffic(&ground, &key, 1).await;
    carrier.say(&number(3)[1..], "STOP").await;
    let mut api = ground.api(&key).client();
    until("the opt-out", async || {
        let reply = api.get("/v1/inbound").await.unwrap();
        reply.text.contains("STOP").then_some(())
    })
    .await;
    receipt(&ground, &key, &ids[3][0]).await;
    let (asked, config) = (number(3), config(&ground));
    let to = ground.path("copy.json").display().to_string();
    let args = [
        "subject", "export", &asked, "--to", &to, "--config", &config,
    ];
    // A checkpoint is made each second, and the opt-out may be younger than the last.
    let copy = until("proofs of all", async || {
        std::fs::remove_file(&to).ok();
        run_json(&args).await;
        let copy: Value = serde_json::from_slice(&std::fs::read(&to).unwrap()).unwrap();
        let items = copy["items"].as_array().unwrap();
        let proven = items.iter().all(|item| item["proof"].is_string());
        proven.then_some(copy)
    })
    .await;
    assert_eq!(copy["number"], number(3));
    let items = copy["items"].as_array().unwrap();
    let sorts: Vec<&str> = items
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    // The message, the answer to the keyword, the keyword, the opt-out.
    assert_eq!(sorts, ["message", "message", "inbound", "opt_out"]);
    assert!(items.iter().all(|item| item["number"] == number(3)));
    assert_eq!(items[1]["text"], "Message 0 to number 3, ");
    let mode = std::fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let vkey = std::fs::read_to_string(ground.data().join("log.vkey")).unwrap();
    let policy = Policy::of_log(VerifierKey::parse(vkey.trim_end()).unwrap());
    for item in items {
        let (entry, proof) = (
            item["entry"].as_str().unwrap(),
            item["proof"].as_str().unwrap(),
        );
        let proof = LogProof::parse(proof.as_bytes()).unwrap();
        proof.verify(entry.as_bytes(), &policy).unwrap();
        assert!(entry.contains(item["id"].as_str().unwrap()), "{entry}");
        assert!(!item["openings"].as_array().unwrap().is_empty());
    }
    let again = run(&args).await;
    assert_eq!(
        again.status.code(),
        Some(2),
        "a file that is there is never overwritten"
    );
    gateway.stop().await.unwrap();
    let entries = super::ledger::entries(&ground.data());
    let told: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["kind"] == "subject.exported")
        .collect();
    assert!(!told.is_empty() && told.iter().all(|entry| entry["data"]["count"] == 4));
}
