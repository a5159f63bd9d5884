//! The demo as a newcomer runs it, with its exit code.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::ground::{files, run};

#[tokio::test]
async fn the_demo_ends_well_and_says_so_in_its_last_line() {
    let output = run(&["demo", "--once", "--json", "--load", "200"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (first, last) = (events.first().unwrap(), events.last().unwrap());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(first["event"], "ready", "{text}");
    for field in [
        "https",
        "ca",
        "api_key",
        "short_code",
        "admin",
        "sim",
        "data",
    ] {
        assert!(first[field].is_string(), "{field}: {first}");
    }
    assert_eq!(
        (&last["event"], &last["lost"], &last["unknown"]),
        (&"result".into(), &0.into(), &0.into())
    );
    assert!(last["duplicates"].is_u64(), "{last}");
    assert!(
        !std::path::Path::new(first["data"].as_str().unwrap()).exists(),
        "nothing is left behind"
    );
}

#[tokio::test]
async fn the_demo_changes_nothing_in_a_folder_that_is_not_its_own() {
    let place = tempfile::tempdir().unwrap();
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(place.path(), private).unwrap();
    let key = place.path().join("tls/server.key");
    std::fs::create_dir(place.path().join("tls")).unwrap();
    std::fs::write(&key, "a production key").unwrap();
    let data = place.path().to_str().unwrap();
    let output = run(&["demo", "--once", "--data", data]).await;
    assert_eq!(output.status.code(), Some(3));
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(says.contains("not a folder of the demo"), "{says}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "a production key");
    assert_eq!(files(place.path()), [key]);
}
