//! Commands on clients over the control socket.

use std::fmt::Display;
use std::time::Duration;

use domain::id::{ClientId, KeyId};
use domain::time::Timestamp;
use engine::rows::ClientRow;
use engine::{ApiKey, ClientChange, ClientError, Gateway, KeyWish, NewClient, WebhookSecret};
use serde_json::json;

use super::super::message::{Answer, ClientShown, KeyAsked, NewClientAsked, Request};

/// Does what is asked of clients.
pub async fn act(gateway: &Gateway, actor: &str, request: Request) -> Answer {
    match request {
        Request::ClientAdd(asked) => add(gateway, actor, asked).await,
        Request::ClientList => list(gateway, actor).await,
        Request::ClientRevoke { client, key } => revoke(gateway, actor, client, key).await,
        Request::ClientRotate {
            client,
            overlap_seconds,
            expires,
            key,
        } => rotate(gateway, actor, client, (key, (overlap_seconds, expires))).await,
        Request::ClientChange {
            client,
            auth,
            add,
            drop,
            add_names,
            drop_names,
        } => match all(&drop) {
            Err(says) => Answer::refused(says),
            Ok(drop) => {
                let wanted = ClientChange {
                    auth,
                    add,
                    drop,
                    add_names,
                    drop_names,
                };
                change(gateway, actor, client, wanted).await
            }
        },
        Request::ClientCallbackSecret { client } => {
            with_callback_secret(gateway.callback_secret(actor, client).await)
        }
        Request::ClientCallbackRotate {
            client,
            overlap_seconds,
        } => {
            let overlap = Duration::from_secs(overlap_seconds);
            let rotated = gateway.rotate_callback_secret(actor, client, overlap);
            with_callback_secret(rotated.await)
        }
        _ => Answer::refused("this asks nothing of clients"),
    }
}

async fn add(gateway: &Gateway, actor: &str, asked: NewClientAsked) -> Answer {
    let (wish, new) = match (wish(&asked.key), new_client(asked)) {
        (Ok(wish), Ok(new)) => (wish, new),
        (Err(says), _) | (_, Err(says)) => return Answer::refused(says),
    };
    match gateway.add_client_with(actor, new, wish.clone()).await {
        Ok((row, key)) => with_key(&row, key.as_ref(), &wish),
        Err(error) => failed(error),
    }
}

async fn list(gateway: &Gateway, actor: &str) -> Answer {
    match gateway.read_clients(actor).await {
        Ok(rows) => {
            let clients: Vec<ClientShown> = rows.iter().map(ClientShown::from).collect();
            Answer::done(&json!({"clients": clients}))
        }
        Err(error) => failed(error),
    }
}

async fn revoke(gateway: &Gateway, actor: &str, client: ClientId, key: Option<KeyId>) -> Answer {
    match gateway.revoke_client(actor, client, key).await {
        Ok(row) => Answer::done(&json!({"client": ClientShown::from(&row)})),
        Err(error) => failed(error),
    }
}

async fn rotate(
    gateway: &Gateway,
    actor: &str,
    client: ClientId,
    (key, (overlap_seconds, expires)): (KeyAsked, (u64, Option<String>)),
) -> Answer {
    let (wish, expires) = match (wish(&key), moment(expires.as_deref())) {
        (Ok(wish), Ok(expires)) => (wish, expires),
        (Err(says), _) | (_, Err(says)) => return Answer::refused(says),
    };
    let until = (Duration::from_secs(overlap_seconds), expires);
    match gateway
        .rotate_key_with(actor, client, wish.clone(), until)
        .await
    {
        Ok((row, key)) => with_key(&row, key.as_ref(), &wish),
        Err(error) => failed(error),
    }
}

async fn change(gateway: &Gateway, actor: &str, client: ClientId, change: ClientChange) -> Answer {
    match gateway.change_client(actor, client, change).await {
        Ok(row) => Answer::done(&json!({"client": ClientShown::from(&row)})),
        Err(error) => failed(error),
    }
}

fn with_callback_secret(result: Result<(ClientRow, WebhookSecret), ClientError>) -> Answer {
    match result {
        Ok((row, secret)) => {
            let overlap_ends = row.callback.overlap_ends;
            Answer::done(&json!({"callback": {
                "client": row.id,
                "secret": secret.reveal(),
                "account_sid": domain::twilio::sid("AC", row.id.to_bytes()),
                "overlap_ends": overlap_ends.map(|ends| ends.to_string()),
            }}))
        }
        Err(error) => failed(error),
    }
}

fn with_key(row: &ClientRow, key: Option<&ApiKey>, wish: &KeyWish) -> Answer {
    let mut client = ClientShown::from(row);
    let key = key.map(|key| key.reveal().to_owned());
    if *wish == KeyWish::HmacSha256 {
        client.signing_secret = key;
    } else {
        client.api_key = key;
    }
    Answer::done(&json!({"client": client}))
}

/// The sort of key that is asked for, or what is wrong with it.
fn wish(asked: &KeyAsked) -> Result<KeyWish, String> {
    Ok(match asked {
        KeyAsked::Bearer => KeyWish::Bearer,
        KeyAsked::HmacSha256 => KeyWish::HmacSha256,
        KeyAsked::Ed25519(hex) => {
            let wish = KeyWish::ed25519(hex);
            wish.ok_or_else(|| format!("`{hex}`: is no Ed25519 key of 64 hex digits"))?
        }
        KeyAsked::Rsa(hex) => {
            KeyWish::rsa(hex).ok_or_else(|| "it is no RSA key of 2048 to 4096 bits".to_owned())?
        }
    })
}

fn failed(error: ClientError) -> Answer {
    match error {
        ClientError::Unavailable => Answer::unavailable(error),
        _ => Answer::refused(error),
    }
}

/// The words of the command line as values, or what is wrong with the first that is none.
fn new_client(asked: NewClientAsked) -> Result<NewClient, String> {
    Ok(NewClient {
        name: asked.name,
        scopes: all(&asked.scopes)?,
        short_codes: asked.short_codes,
        classes: asked.classes.into_iter().collect(),
        networks: all(&asked.networks)?,
        auth: asked.auth,
        certificates: asked.certificates,
        certificate_names: asked.certificate_names,
        key_expires: moment(asked.expires.as_deref())?,
    })
}

fn all<T>(words: &[String]) -> Result<Vec<T>, String>
where
    T: std::str::FromStr<Err: Display>,
{
    let parsed = words
        .iter()
        .map(|word| word.parse().map_err(|error| format!("`{word}`: {error}")));
    parsed.collect()
}

fn moment(text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let parse = |text: &str| text.parse().map_err(|error| format!("`{text}`: {error}"));
    text.map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rows::AuthMode;

    fn asked() -> NewClientAsked {
        NewClientAsked {
            name: "shop".to_owned(),
            scopes: vec!["messages:send".to_owned()],
            short_codes: Vec::new(),
            classes: Vec::new(),
            networks: vec!["10.0.0.0/8".to_owned()],
            expires: Some("2027-01-31T00:00:00Z".to_owned()),
            auth: AuthMode::Key,
            certificates: Vec::new(),
            certificate_names: Vec::new(),
            key: KeyAsked::Bearer,
        }
    }

    #[test]
    fn words_become_values_and_the_wrong_one_is_named() {
        assert!(new_client(asked()).is_ok());
        let wrong = |change: fn(&mut NewClientAsked)| {
            let mut asked = asked();
            change(&mut asked);
            new_client(asked).unwrap_err()
        };
        assert!(wrong(|asked| asked.scopes.push("all".to_owned())).contains("`all`"));
        assert!(wrong(|asked| asked.networks.push("home".to_owned())).contains("`home`"));
        assert!(wrong(|asked| asked.expires = Some("soon".to_owned())).contains("`soon`"));
    }
}
