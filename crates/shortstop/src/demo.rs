//! The demo: everything on this machine, and a story to watch. A message is sent and delivered, a STOP is
//! honoured, the gateway is killed under load and comes back with nothing lost. The gateway runs as a
//! child process, so that the kill is real; the carrier runs in this one, so that it survives.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::DemoArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};

mod claim;
mod crash;
mod ground;
pub mod load;
mod opening;
mod story;

use ground::Ground;

/// Runs the command.
pub fn run(args: &DemoArgs, output: Output) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(play(args, output));
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn play(args: &DemoArgs, output: Output) -> Outcome {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let told = tokio::select! {
        told = story(args, output) => Some(told?),
        _ = interrupted.recv() => None,
        _ = terminated.recv() => None,
    };
    let Some((mut ground, exit)) = told else {
        return Ok(Exit::Done);
    };
    if args.once {
        ground.stop().await?;
        return Ok(exit);
    }
    output.line("\nThe gateway keeps serving; press Ctrl-C to end it.");
    tokio::select! {
        status = ground.gateway.ended() => {
            Err(Failure::unavailable(format!("the gateway ended by itself: {}", status?)))
        }
        _ = interrupted.recv() => ground.stop().await.map(|()| exit).map_err(Failure::from),
        _ = terminated.recv() => ground.stop().await.map(|()| exit).map_err(Failure::from),
    }
}

/// The whole story, and what still runs at its end.
async fn story(args: &DemoArgs, output: Output) -> Result<(Ground, Exit), Failure> {
    let mut ground = Ground::prepare(args).await?;
    opening::show(&ground, output);
    let told = scenes(&mut ground, args.load, output).await;
    let tally = told.map_err(|error| Failure::new(Exit::CheckFailed, error))?;
    verdict(&tally, output);
    output.event("result", &tally);
    let good = tally.lost == 0 && tally.unknown == 0;
    Ok((ground, if good { Exit::Done } else { Exit::CheckFailed }))
}

async fn scenes(ground: &mut Ground, load: u32, output: Output) -> anyhow::Result<crash::Tally> {
    story::delivered(ground, output).await?;
    story::stop_honoured(ground, output).await?;
    crash::survived(ground, load, output).await
}

fn verdict(tally: &crash::Tally, output: Output) {
    let word = if tally.lost == 0 && tally.unknown == 0 {
        output.tone(Tone::Good, "nothing lost")
    } else {
        output.tone(Tone::Bad, "something is missing")
    };
    output.line(format!(
        "\n  {word}: {} lost, {} sent twice, {} of unknown fate",
        tally.lost, tally.duplicates, tally.unknown
    ));
}

/// The address in `https://127.0.0.1:8443`.
fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let (_, address) = url.split_once("://").unwrap_or(("", url));
    Ok(address.parse()?)
}

/// Waits until something holds, looking often.
async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let watch = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let timed = tokio::time::timeout(patience, watch).await;
    timed.unwrap_or_else(|_| Err(anyhow::anyhow!("{what} did not happen within {patience:?}")))
}

/// A heading for people, an event for programs.
fn scene(output: Output, number: u8, title: &str) {
    output.line(format!(
        "\n{}",
        output.tone(Tone::Strong, format!("{number}. {title}"))
    ));
    output.event("scene", &json!({"number": number, "title": title}));
}
