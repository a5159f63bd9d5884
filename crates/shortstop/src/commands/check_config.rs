//! `shortstop check-config`: every rule and every file of a configuration, without starting anything.

use std::io::Write as _;
use std::path::Path;

use engine::ports::Clock as _;
use serde_json::{Value, json};

use crate::cli::CheckArgs;
use crate::clock::SystemClock;
use crate::config::environment::Overlay;
use crate::config::{self, Checked, Problems, example};
use crate::endings::{self, Row};
use crate::exit::{Exit, Outcome};
use crate::folder::DataFolder;
use crate::key_places::FIRST_SEAL_KEY_WARNING;
use crate::limit_words;
use crate::material::Material;
use crate::output::Output;
use crate::unvouched;

/// Runs the command.
pub fn run(args: &CheckArgs, output: Output) -> Outcome {
    if let Some(file) = &args.file {
        return Ok(check(file, output));
    }
    output.event("example", &json!({"text": example::render()}));
    output.line(example::render().trim_end());
    Ok(Exit::Done)
}

fn check(file: &Path, output: Output) -> Exit {
    let problems = match read(file) {
        Ok((checked, endings)) => {
            warn(&checked, &endings);
            let limits: Vec<Value> = checked
                .settings
                .limits
                .policies
                .iter()
                .map(|policy| {
                    json!({"name": policy.name(), "says": limit_words::says(policy.draft())})
                })
                .collect();
            output.event(
                "config",
                &json!({"ok": true, "problems": [], "limits": limits}),
            );
            let says = "is a configuration that can be run";
            output.line(format!(
                "{} {says}.\n\n{}",
                file.display(),
                summary(&checked)
            ));
            return Exit::Done;
        }
        Err(problems) => problems,
    };
    output.event("config", &json!({"ok": false, "problems": problems}));
    let count = problems.list().len();
    output.line(format!(
        "{} has {count} problem(s):\n\n{problems}",
        file.display()
    ));
    Exit::CheckFailed
}

fn read(file: &Path) -> Result<(Checked, Vec<Row>), Problems> {
    let (_, checked) = config::load(file, Overlay::from_process())?;
    let material = Material::read(&checked)?;
    let mut rows = endings::of_listeners(&checked, &material);
    rows.extend(endings::outgoing(&checked));
    Ok((checked, rows))
}

/// What can be run, and does nothing or more than was meant: on standard error, since it is no problem.
fn warn(checked: &Checked, endings: &[Row]) {
    let now = SystemClock.now();
    let ending = endings.iter().filter_map(|row| row.says(now));
    let names = unvouched::says(checked, &unvouched::in_store(checked));
    for says in idle(checked).into_iter().chain(ending).chain(names) {
        let _closed = writeln!(std::io::stderr(), "warning: {says}");
    }
    let folder = DataFolder::existing(&checked.data_folder);
    if folder.is_ok_and(|folder| folder.first_seal_key().exists()) {
        let _closed = writeln!(std::io::stderr(), "warning: {FIRST_SEAL_KEY_WARNING}");
    }
}

fn idle(checked: &Checked) -> Vec<String> {
    let mut found = Vec::new();
    if checked.settings.short_codes.is_empty() {
        found.push("no short code: nothing can be sent; add a [[short_code]]".to_owned());
    }
    if checked.carriers.is_empty() && checked.providers.is_empty() {
        found.push("no carrier: nothing can be sent; add a [[carrier]]".to_owned());
    }
    found.extend(checked.warnings().into_iter().map(str::to_owned));
    found.extend(checked.limit_warnings());
    found
}

fn summary(checked: &Checked) -> String {
    let codes: Vec<String> = checked
        .settings
        .short_codes
        .keys()
        .map(ToString::to_string)
        .collect();
    let providers = checked.providers.iter();
    let providers = providers.map(|link| format!("{} (HTTPS)", link.plan.name));
    let carriers: Vec<String> = checked
        .carriers
        .iter()
        .map(|link| link.name.to_string())
        .chain(providers)
        .collect();
    let countries = &checked.settings.limits.countries;
    let countries: Vec<String> = countries
        .enabled()
        .map(|region| region.to_string())
        .collect();
    let countries = match &countries[..] {
        [] => "NONE: every message is refused".to_owned(),
        countries => countries.join(", "),
    };
    let mut lines = vec![
        format!("  node         {}", checked.node),
        format!("  data folder  {}", checked.data_folder.display()),
        format!("  HTTPS        {}", checked.https.limits.listen),
        format!("  ESMEs        {}", esmes(checked)),
        format!("  admin        {}", checked.admin.listen),
        format!("  short codes  {}", codes.join(", ")),
        format!("  carriers     {}", carriers.join(", ")),
        format!("  countries    {countries}"),
        "  limits".to_owned(),
    ];
    for policy in &checked.settings.limits.policies {
        let says = limit_words::says(policy.draft());
        lines.push(format!("    {:<26} {says}", policy.name()));
    }
    lines.join("\n")
}

fn esmes(checked: &Checked) -> String {
    let Some(plan) = &checked.smpp else {
        return "none: smpp.listen is not set".to_owned();
    };
    let names = checked.esmes.iter().map(|esme| esme.system_id.to_string());
    format!("{} ({})", plan.listen, names.collect::<Vec<_>>().join(", "))
}
