//! Somebody who calls as an application of Twilio's does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::id::ClientId;
use engine::{ApiKey, NewClient};
use testkit::gateway::everything;
use web::twilio::form::encoded;
use web::twilio::sid::AccountSid;

use crate::site::Site;
use crate::wire::{Heard, Wire};

/// A client with its account and its key, on one connection.
pub struct Account {
    wire: Wire,
    /// Its SID.
    pub sid: String,
    /// What it sends as `Authorization`; empty for nothing.
    pub authorization: String,
}

/// What HTTP Basic sends for a name and a key.
pub fn basic(name: &str, key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{key}")))
}

impl Account {
    /// A new client that may do everything.
    pub async fn new(site: &Site) -> Self {
        Self::with(site, everything("account")).await
    }

    /// A new client like this.
    pub async fn with(site: &Site, new: NewClient) -> Self {
        let (row, key) = site.test.add_client(new);
        Self::of(site, row.id, &key).await
    }

    /// A client that is there.
    pub async fn of(site: &Site, id: ClientId, key: &ApiKey) -> Self {
        let sid = AccountSid::of(id).to_string();
        Self {
            wire: site.wire().await,
            authorization: basic(&sid, key.reveal()),
            sid,
        }
    }

    /// A path below the account.
    pub fn path(&self, rest: &str) -> String {
        format!("/2010-04-01/Accounts/{}/{rest}", self.sid)
    }

    pub async fn get(&mut self, path: &str) -> Heard {
        self.call("GET", path, "", "").await
    }

    pub async fn delete(&mut self, path: &str) -> Heard {
        self.call("DELETE", path, "", "").await
    }

    /// Posts parameters.
    pub async fn post(&mut self, path: &str, parameters: &[(&str, &str)]) -> Heard {
        self.post_with(path, "", &form(parameters)).await
    }

    /// Posts a body as a form, with more headers.
    pub async fn post_with(&mut self, path: &str, headers: &str, body: &str) -> Heard {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
        self.call("POST", path, &headers, body).await
    }

    /// Calls with whatever is given.
    pub async fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Heard {
        let authorization = match self.authorization.as_str() {
            "" => String::new(),
            shown => format!("Authorization: {shown}\r\n"),
        };
        let length = match (method, body.len()) {
            ("GET" | "DELETE", 0) => String::new(),
            (_, length) => format!("Content-Length: {length}\r\n"),
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        self.wire
            .ask(&format!("{head}{authorization}{headers}{length}\r\n{body}"))
            .await
    }

    /// Sends a message; gives its SID.
    pub async fn send(&mut self, to: &str, body: &str) -> String {
        let path = self.path("Messages.json");
        let asked = [("To", to), ("From", "12345"), ("Body", body)];
        let heard = self.post(&path, &asked).await;
        assert_eq!(heard.status, 201, "{heard:?}");
        crate::site::text(&heard.json()["sid"])
    }
}

/// Parameters as a form.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let written = parameters.iter();
    let written = written.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    written.collect::<Vec<_>>().join("&")
}

/// The status, the number and the code of ours of an answer that is no success.
pub fn refusal(heard: &Heard) -> (u16, u64, String) {
    let json = heard.json();
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert_eq!(json["status"], heard.status, "{heard:?}");
    assert_eq!(json.as_object().unwrap().len(), 4, "{heard:?}");
    let page = json["more_info"].as_str().unwrap();
    let code = page.strip_prefix("/docs/errors#").unwrap().to_owned();
    (heard.status, json["code"].as_u64().unwrap(), code)
}
