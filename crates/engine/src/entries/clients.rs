//! Entries about clients and their keys. The hash of 32 random octets hides them, and a public key is no secret.

use domain::id::{ClientId, KeyId};
use domain::signature::Algorithm;
use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, ObjectType, Outcome, Shown, UtcMicros};

use crate::batch::sound;
use crate::rows::{ApiKeyRow, ClientRow};

/// What the ledger says of a new key.
pub(crate) fn key(key: &ApiKeyRow) -> Facts {
    Facts::new()
        .put_some("expires", key.expires.map(|end| UtcMicros(end.micros())))
        .put("hash", key.hash.as_str())
        .put("key", Shown(&key.id))
        .put_some("method", key.method.algorithm().map(Algorithm::as_str))
        .put_some("public", key.method.public())
}

/// `client.created`: what a client may do, and its first key.
pub(crate) fn grants(row: &ClientRow) -> Facts {
    let codes: Vec<String> = row.short_codes.iter().map(ToString::to_string).collect();
    let classes: Vec<String> = row.classes.iter().map(|class| class.to_string()).collect();
    let first = row.keys.first().map_or_else(Facts::new, key);
    let facts = first
        .put("classes", classes)
        .put("name", row.name.as_str())
        .put("networks", row.networks.clone())
        .put("scopes", row.scopes.clone())
        .put("short_codes", codes);
    let has_none = row.certificates.is_empty() && row.certificate_names.is_empty();
    if row.auth.is_default() && has_none {
        return facts;
    }
    credentials(facts, row)
}

/// `client.changed`: what its requests must show from now on.
pub(crate) fn demands(row: &ClientRow) -> Facts {
    credentials(Facts::new(), row)
}

fn credentials(facts: Facts, row: &ClientRow) -> Facts {
    let certificates: Vec<String> = row.certificates.iter().map(ToString::to_string).collect();
    let names = row.certificate_names.iter();
    let names: Vec<String> = names.map(ToString::to_string).collect();
    facts
        .put("auth", row.auth.as_str())
        .put_some(
            "certificate_names",
            Some(names).filter(|names| !names.is_empty()),
        )
        .put("certificates", certificates)
}

/// `auth.ahead`: a request was signed by a clock that runs ahead; until then this key's signatures may have been taken.
pub(crate) fn ahead(client: ClientId, key: KeyId, until: Timestamp) -> Draft {
    let data = Facts::new()
        .put("key", Shown(&key))
        .put("until", UtcMicros(until.micros()));
    by_client(Kind::AuthAhead, client, data)
}

/// `client.used`: a key was used, the first time on this day.
pub(crate) fn used(client: ClientId, key: KeyId) -> Draft {
    by_client(
        Kind::ClientUsed,
        client,
        Facts::new().put("key", Shown(&key)),
    )
}

fn by_client(kind: Kind, client: ClientId, data: Facts) -> Draft {
    let builder = Draft::of(kind, Actor::client(&client), Outcome::Done);
    let builder = builder.object(ObjectType::Client, &client).client(&client);
    sound(builder.data(data).build())
}
