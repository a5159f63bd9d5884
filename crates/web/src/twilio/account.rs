//! HTTP Basic: the SID of an account or of an API key as the user, and an API key as the password. The key is what
//! opens; the SID must be that of its client or its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine::{Caller, Credential, KeyName};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::http_errors::not_found;
use crate::problem::Problem;
use crate::route::RouteRow;
use crate::twilio::sid::{AccountSid, ApiKeySid, Sid};

/// A name and the key shown under it.
pub(crate) struct Named {
    name: KeyName,
    key: Zeroizing<String>,
}

impl Named {
    /// The same for the engine.
    pub(crate) fn credential(&self) -> Credential<'_> {
        Credential::Named(self.name, &self.key)
    }
}

/// What `Authorization: Basic …` shows, when there is exactly one and its user is a SID of ours.
pub(crate) fn shown(headers: &HeaderMap) -> Option<Named> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let octets = Zeroizing::new(STANDARD.decode(token).ok()?);
    let (user, key) = str::from_utf8(&octets).ok()?.split_once(':')?;
    Some(Named {
        name: name(user)?,
        key: Zeroizing::new(key.to_owned()),
    })
}

fn name(user: &str) -> Option<KeyName> {
    let client = || user.parse::<AccountSid>().ok().map(Sid::id);
    let key = || user.parse::<ApiKeySid>().ok().map(Sid::id);
    client()
        .map(KeyName::Client)
        .or_else(|| key().map(KeyName::Key))
}

/// Refuses a path of another account's, word for word as one of none at all.
pub(crate) fn require_own(row: &RouteRow, account: &str, caller: &Caller) -> Result<(), Problem> {
    if !row.path.contains("{account}") {
        return Ok(());
    }
    match account.parse::<AccountSid>() {
        Ok(sid) if sid.id() == caller.client => Ok(()),
        _ => Err(not_found()),
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ClientId, KeyId};
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    fn name_of(values: &[&str]) -> Option<KeyName> {
        shown(&headers(values)).map(|named| named.name)
    }

    #[test]
    fn a_key_is_shown_under_the_sid_of_an_account_or_of_a_key() {
        let (client, key) = (ClientId::new(5, 5), KeyId::new(6, 6));
        let account = basic(&format!("{}:ssk_x:y", AccountSid::of(client)));
        assert_eq!(name_of(&[&account]), Some(KeyName::Client(client)));
        let lower = account.replace("Basic", "basic");
        assert_eq!(name_of(&[&lower]), Some(KeyName::Client(client)));
        let by_key = basic(&format!("{}:ssk_x", ApiKeySid::of(key)));
        assert_eq!(name_of(&[&by_key]), Some(KeyName::Key(key)));
        // Whatever follows the first colon is the key.
        let named = shown(&headers(&[&account])).unwrap();
        assert!(matches!(
            named.credential(),
            Credential::Named(_, "ssk_x:y")
        ));
    }

    #[test]
    fn anything_else_shows_nothing() {
        let sid = AccountSid::of(ClientId::new(5, 5)).to_string();
        let good = basic(&format!("{sid}:ssk_x"));
        let odd = format!("Basic {}", STANDARD.encode(b"AC\xff\xfe:ssk_x"));
        let two_lines: [&str; 2] = [&good, &good];
        assert_eq!(name_of(&two_lines), None);
        for wrong in [
            String::new(),
            "Basic".to_owned(),
            "Basic  ".to_owned(),
            "Basic !!!!".to_owned(),
            good.replace("Basic", "Bearer"),
            format!("{good} x"),
            good.trim_end_matches('=').to_owned() + "=",
            basic(&sid),
            basic(&format!("{}:ssk_x", sid.to_uppercase())),
            basic(&format!(" {sid}:ssk_x")),
            basic(":ssk_x"),
            basic("AC:ssk_x"),
            odd,
        ] {
            let shown = name_of(&[&wrong]);
            assert!(shown.is_none() || wrong == good, "{wrong}: {shown:?}");
        }
    }
}
