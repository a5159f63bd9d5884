//! `cargo xtask attack`: a running gateway is attacked from outside, and what reaches the handsets is
//! counted. Each attack says what an unprotected gateway would have sent, and fails when more gets through
//! than the protection promises.
//!
//! The full scale attacks the release build; the quick one a tenth of it on the build that the tests use.
//! Like the bench, the attacking half is a second process, compiled with what it needs.

#[cfg(feature = "bench")]
mod attacks;
#[cfg(feature = "bench")]
mod flood;
#[cfg(feature = "bench")]
mod guessing;
#[cfg(feature = "bench")]
mod report;
#[cfg(feature = "bench")]
mod wire;
#[cfg(feature = "bench")]
mod world;

/// How much is thrown at the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// All of it, at the release build.
    Full,
    /// A part of it, at the build of the tests.
    Quick,
}

/// Builds the product and the attacking half, and runs the attacks.
#[cfg(not(feature = "bench"))]
pub fn run(scale: Scale) -> anyhow::Result<()> {
    use crate::step::{Step, cargo};

    let profile = match scale {
        Scale::Full => "release",
        Scale::Quick => "dev",
    };
    let mut words = vec!["build", "--locked", "--profile", profile];
    Step {
        name: "build",
        cure: "mend what does not compile",
        command: cargo(&words),
    }
    .run()?;
    words = vec!["run", "--locked", "--profile", profile];
    words.extend(["--package", "xtask", "--features", "bench", "--", "attack"]);
    words.extend((scale == Scale::Quick).then_some("--quick"));
    Step {
        name: "attack",
        cure: "a protection does not hold, or a process failed; the lines above say which",
        command: cargo(&words),
    }
    .run()
}

/// Runs the attacks.
#[cfg(feature = "bench")]
pub fn run(scale: Scale) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(attacks::run(scale))
}

/// Ways to write one British number, so that none of them counts as another number.
#[cfg(feature = "bench")]
const SPELLINGS: [fn(u64) -> String; 4] = [
    |number| format!("+44{number}"),
    |number| format!("+44 {} {:06}", number / 1_000_000, number % 1_000_000),
    |number| format!("+44-{}-{:03}", number / 1_000, number % 1_000),
    |number| format!("+44 ({}) {:06}", number / 1_000_000, number % 1_000_000),
];
