//! `cargo xtask bench`: what the release build does on this machine, with the load generator and the
//! carrier simulator on the same cores. It measures and states; only its aims can fail it.
//!
//! The chore itself is built like any other; the measuring half is compiled with optimisation and
//! started as a second process, since a slow load generator would measure itself.

#[cfg(feature = "bench")]
mod esmes;
#[cfg(feature = "bench")]
pub mod gateway;
#[cfg(feature = "bench")]
pub mod load;
#[cfg(feature = "bench")]
mod machine;
#[cfg(feature = "bench")]
mod report;
#[cfg(feature = "bench")]
mod scenario;
#[cfg(feature = "bench")]
mod streams;

/// Builds the product and the measuring half, and runs the scenarios.
#[cfg(not(feature = "bench"))]
pub fn run(scenario: Option<&str>) -> anyhow::Result<()> {
    use crate::step::{Step, cargo};

    Step {
        name: "release build",
        cure: "mend what does not compile",
        command: cargo(&["build", "--release", "--locked"]),
    }
    .run()?;
    let mut words = vec![
        "run",
        "--release",
        "--locked",
        "--package",
        "xtask",
        "--features",
        "bench",
        "--",
    ];
    words.push("bench");
    words.extend(scenario);
    Step {
        name: "bench",
        cure: "a figure is behind its aim, or a process failed; the lines above say which",
        command: cargo(&words),
    }
    .run()
}

/// Runs the scenarios.
#[cfg(feature = "bench")]
pub fn run(scenario: Option<&str>) -> anyhow::Result<()> {
    scenario::run(scenario)
}
