//! Calls of webhooks: one HTTPS POST to a URL that somebody else chose. The name is looked up once; every
//! address that it leads to is vetted, and the connection goes to one of these addresses and nowhere else, so
//! that a name which answers differently the next time (rebinding) gains nothing. No redirect is followed,
//! no proxy is asked, and time, header and body have bounds.

mod names;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::webhook::{Host, Target, vet};
use engine::ports::Webhook;
use engine::ports::webhook::{Call, Called, Calling, Shape, Uncalled};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub use crate::outgoing::{Roots, RootsError};
pub use names::{LookingUp, Names, SystemNames};

use crate::outgoing::{Answered, Post, Unanswered, connector, post_over};

/// How long one address may take to answer, so that the next has its turn.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(5);

/// How webhooks are called.
#[derive(Clone, Debug)]
pub struct WebhookWay {
    /// Whose certificates are believed.
    pub roots: Roots,
    /// From looking the name up to the last octet of the answer.
    pub patience: Duration,
    /// Networks that may be called though they are not of the public internet.
    pub permitted: Vec<IpNet>,
}

/// Calls webhooks.
pub struct WebhookCaller {
    connector: TlsConnector,
    patience: Duration,
    permitted: Vec<IpNet>,
    names: Arc<dyn Names>,
}

impl WebhookCaller {
    /// One that has the operating system look names up. What names authorities is read at once.
    pub fn new(way: WebhookWay) -> Result<Self, RootsError> {
        Self::with_names(way, Arc::new(SystemNames))
    }

    /// One that has somebody else look names up.
    pub fn with_names(way: WebhookWay, names: Arc<dyn Names>) -> Result<Self, RootsError> {
        Ok(Self {
            connector: connector(&way.roots)?,
            patience: way.patience,
            permitted: way.permitted,
            names,
        })
    }

    async fn within_patience(&self, call: Call) -> Result<Called, Uncalled> {
        let made = tokio::time::timeout(self.patience, self.make(call)).await;
        made.unwrap_or(Err(Uncalled::TimedOut))
    }

    async fn make(&self, call: Call) -> Result<Called, Uncalled> {
        let target = &call.target;
        let addresses = self.addresses(target).await?;
        let socket = connect(&addresses, target.port()).await?;
        let secured = (&self.connector, server_name(target)?);
        let authority = target.authority();
        let answered = post_over(socket, secured, &authority, request(call)?).await;
        Ok(called(&answered.map_err(broken)?))
    }

    /// Where the target leads, looked up once and vetted as a whole: a name that leads to a public address
    /// and to a private one is called at neither.
    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, Uncalled> {
        let found = match target.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let found = self.names.look_up(name).await;
                found.map_err(|error| {
                    Uncalled::Broken(format!("the name has no address: {error}"))
                })?
            }
        };
        for address in &found {
            if self.permitted.iter().any(|net| net.contains(address)) {
                continue;
            }
            vet(*address).map_err(|error| {
                let host = target.host();
                Uncalled::Forbidden(format!("{host} leads where no call may go: {error}"))
            })?;
        }
        Ok(found)
    }
}

impl Webhook for WebhookCaller {
    fn call(&self, call: Call) -> Calling<'_> {
        Box::pin(self.within_patience(call))
    }
}

impl std::fmt::Debug for WebhookCaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookCaller({:?})", self.patience)
    }
}

async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Uncalled> {
    let mut last = Uncalled::Broken("the name has no address".to_owned());
    for address in addresses {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        last = match tokio::time::timeout(ADDRESS_PATIENCE, connecting).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => Uncalled::Broken(format!("no connection: {error}")),
            Err(_) => Uncalled::TimedOut,
        };
    }
    Err(last)
}

/// The name that the certificate must have: the one of the URL, whatever address it led to.
fn server_name(target: &Target) -> Result<ServerName<'static>, Uncalled> {
    match target.host() {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Uncalled::Broken("the host is no name that a certificate has".to_owned())),
    }
}

fn request(call: Call) -> Result<Post, Uncalled> {
    let field = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value);
        let value = value.map_err(|_| Uncalled::Broken(format!("{name} cannot be written")))?;
        Ok::<_, Uncalled>((HeaderName::from_static(name), value))
    };
    let mut fields = vec![
        field("webhook-id", &call.id)?,
        field("webhook-timestamp", &call.timestamp.to_string())?,
        field("webhook-signature", &call.signature)?,
    ];
    if let Shape::Form { twilio_signature } = &call.shape {
        fields.push(field("x-twilio-signature", twilio_signature)?);
    }
    Ok(Post {
        path: call.target.path().to_owned(),
        content_type: call.shape.content_type(),
        fields,
        body: Bytes::from(call.body.0),
    })
}

fn called(answered: &Answered) -> Called {
    let asked = answered.headers.get(RETRY_AFTER);
    let asked = asked.and_then(|value| value.to_str().ok()?.parse().ok());
    Called {
        status: answered.status.as_u16(),
        retry_after: asked.map(Duration::from_secs),
    }
}

fn broken(error: Unanswered) -> Uncalled {
    Uncalled::Broken(error.0)
}
