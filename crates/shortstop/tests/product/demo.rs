//! The demo as a newcomer runs it, with its exit code.

use serde_json::Value;

use super::ground::run;

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
