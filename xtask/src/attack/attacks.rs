//! The attacks, one after another.

use super::flood;
use super::guessing;
use super::report::{Outcome, Report, Unprotected};
use super::world::{Protections, World};
use super::{SPELLINGS, Scale};

/// The numbers that are bombed and guessed at, without +44.
const BOMBED: u64 = 7_400_123_456;
const GUESSED: u64 = 7_400_654_321;
/// Codes that a number gets within ten minutes out of the box.
const CODES_IN_TEN_MINUTES: u64 = 3;
/// Keys that may be guessed from one address at once, and how many more come a second.
const GUESSES_AT_ONCE: u64 = 20;

/// Clients and addresses of a bomber.
struct Crowd {
    clients: usize,
    addresses: usize,
}

fn crowd(scale: Scale) -> Crowd {
    match scale {
        Scale::Full => Crowd {
            clients: 100,
            addresses: 1_000,
        },
        Scale::Quick => Crowd {
            clients: 10,
            addresses: 100,
        },
    }
}

/// Runs all attacks.
pub async fn run(scale: Scale) -> anyhow::Result<()> {
    let mut report = Report::open();
    let bare = unprotected(scale).await?;
    let mut world = World::start("attack", scale, Protections::On)?;
    world.clients(crowd(scale).clients)?;
    report.outcome(&bombing(&world, scale, bare).await?);
    report.outcome(&amnesty(&mut world).await?);
    report.outcome(&guessing::run(&world, GUESSED).await?);
    report.outcome(&spoofing(&mut world).await?);
    world.end()?;
    flood::run(&mut report, scale)?;
    report.close()
}

/// The bomber against a gateway whose limits only record.
async fn unprotected(scale: Scale) -> anyhow::Result<u64> {
    let mut world = World::start("attack-bare", scale, Protections::Off)?;
    let crowd = crowd(scale);
    world.clients(crowd.clients)?;
    let sent = bomb(&world, crowd.addresses).await?;
    let reached = world.inbox(usize::try_from(sent)?).await?.len();
    world.end()?;
    Ok(u64::try_from(reached)?)
}

/// One number, many clients, many addresses, many spellings.
async fn bombing(world: &World, scale: Scale, bare: u64) -> anyhow::Result<Outcome> {
    let crowd = crowd(scale);
    let sent = bomb(world, crowd.addresses).await?;
    let reached = world.inbox(usize::try_from(sent)?).await?.len();
    Ok(Outcome {
        attack: "bombing one number, all clients and addresses".to_owned(),
        counted: "messages".to_owned(),
        tried: u64::try_from(crowd.addresses)?,
        through: u64::try_from(reached)?,
        allowed: CODES_IN_TEN_MINUTES,
        unprotected: Unprotected::Measured(bare),
    })
}

/// One request from each address; gives how many were accepted.
async fn bomb(world: &World, addresses: usize) -> anyhow::Result<u64> {
    let mut accepted = 0;
    for (place, spelling) in (0..addresses).zip(SPELLINGS.iter().cycle()) {
        let mut wire = world.connect(place).await?;
        let answer = world.message(&mut wire, place, &spelling(BOMBED)).await?;
        match answer.status {
            202 => accepted += 1,
            429 => {}
            status => anyhow::bail!("a message was answered {status}: {}", answer.body),
        }
    }
    Ok(accepted)
}

/// The bomber again after a crash: what was used stays used.
async fn amnesty(world: &mut World) -> anyhow::Result<Outcome> {
    const TRIES: usize = 30;
    let before = world.inbox(0).await?.len();
    world.crash().await?;
    let sent = bomb(world, TRIES).await?;
    let after = world.inbox(before + usize::try_from(sent)?).await?.len();
    Ok(Outcome {
        attack: "the same after kill -9 and a start".to_owned(),
        counted: "messages".to_owned(),
        tried: u64::try_from(TRIES)?,
        through: u64::try_from(after - before)?,
        allowed: 0,
        unprotected: Unprotected::Computed(u64::try_from(TRIES)?),
    })
}

/// Keys are guessed from one address that claims to be another one each time.
async fn spoofing(world: &mut World) -> anyhow::Result<Outcome> {
    const TRIES: u64 = 200;
    let began = tokio::time::Instant::now();
    let mut wire = world.connect(70_000).await?;
    let mut through = 0;
    for guess in 0..TRIES {
        let claims = format!(
            "x-forwarded-for: 198.51.100.{guess}\r\nforwarded: for=198.51.100.{guess}\r\n\
             x-real-ip: 198.51.100.{guess}\r\n"
        );
        let key = format!("ssk_{guess:049}");
        let body = serde_json::Value::Null;
        let answer = wire.post("/v1/messages", &key, &claims, &body).await?;
        match answer.status {
            401 => through += 1,
            429 => {}
            status => anyhow::bail!("a wrong key was answered {status}: {}", answer.body),
        }
    }
    let minutes = began.elapsed().as_secs() / 60 + 1;
    Ok(Outcome {
        attack: "guessing keys behind made-up forwarding headers".to_owned(),
        counted: "guesses evaluated".to_owned(),
        tried: TRIES,
        through,
        allowed: GUESSES_AT_ONCE + GUESSES_AT_ONCE * minutes,
        unprotected: Unprotected::Computed(TRIES),
    })
}
