//! What the command line says of configurations, and the names that outside tools rely on.

use serde_json::Value;
use shortstop::config::{Config, SECTIONS, example};

use super::ground::{Ground, run};

async fn checked(text: &str) -> (Option<i32>, Vec<(String, String)>) {
    let ground = Ground::new();
    let file = ground.path("wrong.toml");
    std::fs::write(&file, text).unwrap();
    let output = run(&["check-config", "--json", file.to_str().unwrap()]).await;
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = event["problems"].as_array().unwrap().iter();
    let word = |problem: &Value, name: &str| problem[name].as_str().unwrap().to_owned();
    let problems = problems
        .map(|problem| (word(problem, "key"), word(problem, "says")))
        .collect();
    (output.status.code(), problems)
}

#[tokio::test]
async fn a_wrong_configuration_tells_every_problem_and_what_to_do() {
    let (code, problems) = checked(
        "[https]\nlisten = '0.0.0.0:8443'\nbody_bytes_max = 1\n\
         [[short_code]]\nnumber = '12'\n[[carrier]]\nname = 'A B'\nportt = 1\nsystem_id = 7\n",
    )
    .await;
    assert_eq!(code, Some(1));
    let expected = [
        "https.certificate_file",
        "https.body_bytes_max",
        "carrier[0].portt",
        "carrier[0].name",
        "carrier[0].address",
        "carrier[0].system_id",
        "carrier[0].password_file",
        "short_code[0].number",
        "short_code[0].carriers",
    ];
    let keys: Vec<&str> = problems.iter().map(|(key, _)| key.as_str()).collect();
    for key in expected {
        let told = keys.iter().filter(|found| **found == key).count();
        assert_eq!(told, 1, "{key}: {problems:#?}");
    }
}

#[tokio::test]
async fn files_that_are_missing_are_problems_too() {
    let (code, problems) =
        checked("[https]\ncertificate_file = 'no.pem'\nkey_file = 'no.key'\n").await;
    assert_eq!(code, Some(1));
    assert!(
        problems[0].1.contains("no.pem cannot be read"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn the_printed_example_is_the_kept_one() {
    let output = run(&["check-config", "--example"]).await;
    assert_eq!(String::from_utf8(output.stdout).unwrap(), example::render());
}

#[tokio::test]
async fn wrong_usage_ends_with_two_and_a_missing_file_with_one() {
    assert_eq!(run(&["srve"]).await.status.code(), Some(2));
    assert_eq!(run(&["serve"]).await.status.code(), Some(2));
    assert_eq!(
        run(&["serve", "--config", "nowhere.toml"])
            .await
            .status
            .code(),
        Some(1)
    );
    assert_eq!(run(&["version"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn wrong_usage_is_one_event_for_a_program() {
    for words in [&["--json", "srve"][..], &["serve", "--json"]] {
        let output = run(words).await;
        assert_eq!(output.status.code(), Some(2));
        let event: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&event["event"], &event["exit"]),
            (&"error".into(), &2.into())
        );
        assert!(event["error"].as_str().is_some_and(|says| !says.is_empty()));
        assert!(output.stderr.is_empty());
    }
}

#[tokio::test]
async fn a_configuration_that_sends_nothing_is_warned_of_and_passes() {
    let ground = Ground::new();
    let file = ground.path("empty.toml");
    std::fs::write(&file, "").unwrap();
    let output = run(&["check-config", file.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0));
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        says.contains("no short code: nothing can be sent"),
        "{says}"
    );
    assert!(says.contains("no carrier: nothing can be sent"), "{says}");
}

#[test]
fn ports_sections_and_fields_keep_their_names() {
    let config = Config::default();
    let mut names: Vec<String> = SECTIONS.iter().map(|name| format!("[{name}]")).collect();
    names.push(format!("https.listen = {}", config.https.listen));
    names.push(format!("admin.listen = {}", config.admin.listen));
    names.extend(fields());
    insta::assert_snapshot!(names.join("\n"));
}

/// `section.field` of every line of the example.
fn fields() -> Vec<String> {
    let mut section = String::new();
    let mut fields = Vec::new();
    for line in example::render().lines() {
        // A section that may be absent is commented out as a whole.
        if let Some(name) = line.trim_start_matches("# ").strip_prefix('[') {
            name.trim_matches(['[', ']']).clone_into(&mut section);
        } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ")
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            fields.push(format!("{section}.{name}"));
        }
    }
    fields
}
