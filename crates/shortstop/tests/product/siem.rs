//! The ledger for others' systems: written out in their formats, recorded first, never over a file that is
//! there.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::ground::{Carrier, Ground, run};

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

/// Runs `ledger export` and gives its exit code and what it printed.
async fn export(ground: &Ground, args: &[&str]) -> (Option<i32>, String) {
    let config = config(ground);
    let output = run(&[&["ledger", "export", "--config", &config], args].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

fn lines(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn entries_are_written_out_in_each_format_and_recorded_first() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    ground.key().await;
    let (code, text) = export(&ground, &["--format", "jsonl"]).await;
    assert_eq!(code, Some(0));
    let told = lines(&text);
    for (place, line) in told.iter().enumerate() {
        assert_eq!(line["index"].as_u64(), u64::try_from(place).ok());
        assert_eq!(line["entry"]["v"], 1);
    }
    assert_eq!(told[0]["entry"]["kind"], "ledger.started");
    let first = format!("{}", told.len());
    let (_, text) = export(&ground, &["--format", "ocsf", "--since", &first]).await;
    let recorded = lines(&text).remove(0);
    assert_eq!(recorded["metadata"]["event_code"], "ledger.exported");
    let data = &recorded["unmapped"]["data"];
    let count = u64::try_from(told.len()).unwrap();
    assert_eq!(
        (&data["format"], &data["first"]),
        (&"jsonl".into(), &0.into())
    );
    assert_eq!(data["count"].as_u64(), Some(count));
    gateway.stop().await.unwrap();

    let to = ground.path("entries.cef");
    let to = to.to_str().unwrap();
    let (code, _) = export(&ground, &["--format", "cef", "--to", to]).await;
    assert_eq!(code, Some(0));
    let mode = std::fs::metadata(to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(to).unwrap();
    assert!(
        text.lines()
            .all(|line| line.starts_with("CEF:0|Shortstop|"))
    );
    assert!(text.contains("|ledger.stopped|"));
}

#[tokio::test]
async fn a_file_is_not_overwritten_and_one_that_was_cut_off_is_gone_on_with() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let to = ground.path("entries.jsonl");
    let to = to.to_str().unwrap();
    let whole = ["--format", "jsonl", "--until", "3", "--to", to];
    assert_eq!(export(&ground, &whole).await.0, Some(0));
    let text = std::fs::read_to_string(to).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(export(&ground, &whole).await.0, Some(2), "it is there");
    assert_eq!(std::fs::read_to_string(to).unwrap(), text);

    std::fs::write(to, &text[..text.len() - 20]).unwrap();
    let again = [&whole[..], &["--resume"]].concat();
    assert_eq!(export(&ground, &again).await.0, Some(0));
    assert_eq!(std::fs::read_to_string(to).unwrap(), text, "whole again");
    std::fs::write(to, "dear diary\n").unwrap();
    assert_eq!(export(&ground, &again).await.0, Some(3));
    assert_eq!(std::fs::read_to_string(to).unwrap(), "dear diary\n");
    let (code, _) = export(&ground, &["--format", "cef", "--since", "soon"]).await;
    assert_eq!(code, Some(2), "neither an index nor a time");
    let (code, text) = export(
        &ground,
        &["--format", "cef", "--since", "2199-01-01T00:00:00Z"],
    )
    .await;
    assert_eq!((code, text.as_str()), (Some(0), ""));
    gateway.stop().await.unwrap();
}
