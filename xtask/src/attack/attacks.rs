//! The attacks, one after another.

use super::flood;
use super::guessing;
use super::report::{Outcome, Report, Unprotected};
use super::world::{Protections, World};
use super::{SPELLINGS, Scale};

/// The numbers that are bombed and guessed at, without +44.
const BOMBED: u64 = 7_400_123_456;
const GUESSED: u64 = 7_400_654_321;
/// The first of the numbers side by side that are pumped, without +44, and how many there are.
const PUMPED: u64 = 7_400_200_000;
const SIDE_BY_SIDE: u64 = 200;
/// Of them those that get a code before their prefix is blocked, out of the box.
const BEFORE_THE_BLOCK: u64 = 7;
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
    report.outcome(&bombing(&world, scale, bare.bombed).await?);
    report.outcome(&pumping(&world, bare.pumped).await?);
    report.outcome(&amnesty(&mut world).await?);
    report.outcome(&guessing::run(&world, GUESSED).await?);
    report.outcome(&spoofing(&world).await?);
    world.end()?;
    flood::run(&mut report, scale)?;
    report.close()
}

/// What reached the handsets of a gateway whose protections only record.
struct Bare {
    bombed: u64,
    pumped: u64,
}

async fn unprotected(scale: Scale) -> anyhow::Result<Bare> {
    let mut world = World::start("attack-bare", scale, Protections::Off)?;
    let crowd = crowd(scale);
    world.clients(crowd.clients)?;
    let bombed = arrived(&world, 0, bomb(&world, crowd.addresses).await?).await?;
    let pumped = arrived(&world, bombed, pump(&world, PUMPED).await?).await?;
    world.end()?;
    Ok(Bare { bombed, pumped })
}

/// How many messages reached the handsets after the first `before`, once `accepted` more are there.
async fn arrived(world: &World, before: u64, accepted: u64) -> anyhow::Result<u64> {
    let inbox = world.inbox(usize::try_from(before + accepted)?).await?;
    Ok(u64::try_from(inbox.len())? - before)
}

/// How many there are by now.
async fn here(world: &World) -> anyhow::Result<u64> {
    Ok(u64::try_from(world.inbox(0).await?.len())?)
}

/// Codes to numbers side by side, asked for by one client.
async fn pumping(world: &World, bare: u64) -> anyhow::Result<Outcome> {
    let before = here(world).await?;
    let sent = pump(world, PUMPED).await?;
    Ok(Outcome {
        attack: "pumping 200 numbers side by side, over HTTPS".to_owned(),
        counted: "codes".to_owned(),
        tried: SIDE_BY_SIDE,
        through: arrived(world, before, sent).await?,
        allowed: BEFORE_THE_BLOCK,
        unprotected: Unprotected::Measured(bare),
    })
}

/// Asks for a code for each number; gives for how many it was sent.
async fn pump(world: &World, first: u64) -> anyhow::Result<u64> {
    let (mut wire, mut sent) = (world.connect(60_000).await?, 0);
    for number in first..first + SIDE_BY_SIDE {
        let to = format!("+44{number}");
        let answer = world.verification(&mut wire, 0, &to).await?;
        match answer.status {
            201 => sent += 1,
            403 | 429 => {}
            status => anyhow::bail!("a start was answered {status}: {}", answer.body),
        }
    }
    Ok(sent)
}

/// One number, many clients, many addresses, many spellings.
async fn bombing(world: &World, scale: Scale, bare: u64) -> anyhow::Result<Outcome> {
    let addresses = crowd(scale).addresses;
    let sent = bomb(world, addresses).await?;
    Ok(Outcome {
        attack: "bombing one number, all clients and addresses".to_owned(),
        counted: "messages".to_owned(),
        tried: u64::try_from(addresses)?,
        through: arrived(world, 0, sent).await?,
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

/// The bomber and the pumper again after a crash: what was used stays used, and a block stands.
async fn amnesty(world: &mut World) -> anyhow::Result<Outcome> {
    const TRIES: usize = 30;
    let before = here(world).await?;
    world.crash().await?;
    let sent = bomb(world, TRIES).await? + pump(world, PUMPED).await?;
    let tried = u64::try_from(TRIES)? + SIDE_BY_SIDE;
    Ok(Outcome {
        attack: "both again after kill -9 and a start".to_owned(),
        counted: "messages".to_owned(),
        tried,
        through: arrived(world, before, sent).await?,
        allowed: 0,
        unprotected: Unprotected::Computed(tried),
    })
}

/// Keys are guessed from one address that claims to be another one each time.
async fn spoofing(world: &World) -> anyhow::Result<Outcome> {
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
