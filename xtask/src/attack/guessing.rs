//! Guessing a code: every client asks for codes to one number in every spelling, and tries wrong codes
//! before and after asking for the code again.

use serde_json::json;

use super::SPELLINGS;
use super::report::{Outcome, Unprotected};
use super::wire::Wire;
use super::world::World;

/// Wrong codes tried before and after each resend.
const GUESSES: u64 = 8;
/// Checks of one code, and codes that a number gets within ten minutes, out of the box.
const CHECKS_A_CODE: u64 = 5;
const CODES_IN_TEN_MINUTES: u64 = 3;
/// Clients that guess.
const CLIENTS: usize = 6;

/// Guesses as fast as it can; gives how many were evaluated.
pub async fn run(world: &World, number: u64) -> anyhow::Result<Outcome> {
    let mut wire = world.connect(80_000).await?;
    let (mut tried, mut evaluated) = (0, 0);
    for client in 0..CLIENTS {
        for spelling in SPELLINGS {
            let to = spelling(number);
            let started = world.verification(&mut wire, client, &to).await?;
            let id = match (started.status, started.text("id")) {
                (201, Some(id)) => id.to_owned(),
                (429, _) => {
                    // Without a code there is nothing to guess at: what would have been tried.
                    tried += 2 * GUESSES;
                    continue;
                }
                (status, _) => anyhow::bail!("a start was answered {status}: {}", started.body),
            };
            for _ in 0..2 {
                evaluated += guesses(world, &mut wire, client, &id).await?;
                tried += GUESSES;
                let resend = format!("{id}/resend");
                world.act(&mut wire, client, &resend, &json!({})).await?;
            }
        }
    }
    Ok(Outcome {
        attack: "guessing a code: resends, clients, spellings".to_owned(),
        counted: "guesses evaluated".to_owned(),
        tried,
        through: evaluated,
        allowed: CHECKS_A_CODE * CODES_IN_TEN_MINUTES,
        unprotected: Unprotected::Computed(tried),
    })
}

async fn guesses(world: &World, wire: &mut Wire, client: usize, id: &str) -> anyhow::Result<u64> {
    let (path, mut evaluated) = (format!("{id}/check"), 0);
    for guess in 0..GUESSES {
        let code = format!("{:06}", (guess * 104_729 + 13) % 1_000_000);
        let answer = world
            .act(wire, client, &path, &json!({ "code": code }))
            .await?;
        evaluated += u64::from(answer.status == 200);
    }
    Ok(evaluated)
}
