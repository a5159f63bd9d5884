//! A whole web edge: a real gateway over an in-memory store, the HTTPS listener, the admin listener, and
//! the roles that call them.

use std::net::SocketAddr;
use std::sync::Arc;

use engine::{NewClient, Scope};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::everything;
use tls::{ClientCertificates, TlsProfile, TlsSlot};
use tokio::net::TcpStream;
use tokio::sync::watch;
use web::provider::Providers;
use web::{
    Admin, AdminExposure, Api, Hosts, Listener, ListenerCounters, RequestCounters, Security,
    ServerSettings,
};

use crate::server::certificates;
use crate::wire::{Heard, Wire};

/// A good message.
pub const MESSAGE: &str =
    r#"{"to":"+447700900123","from":"12345","text":"Your code is 482913","class":"otp"}"#;

/// A host beside that of the certificate.
pub const HOST: &str = "sms.example.com";

/// A running edge.
pub struct Site {
    pub test: TestGateway,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub root: CertificateDer<'static>,
    _stop: watch::Sender<bool>,
}

impl Site {
    pub async fn start() -> Self {
        Self::over(TestGateway::immediate(), ServerSettings::default()).await
    }

    pub async fn over(test: TestGateway, settings: ServerSettings) -> Self {
        Self::asking(test, settings, ClientCertificates::default()).await
    }

    pub async fn asking(
        test: TestGateway,
        settings: ServerSettings,
        clients: ClientCertificates,
    ) -> Self {
        Self::with(test, settings, clients, None).await
    }

    /// One where carriers over HTTPS may post.
    pub async fn with_providers(test: TestGateway, providers: Arc<Providers>) -> Self {
        let (settings, clients) = (ServerSettings::default(), ClientCertificates::default());
        Self::with(test, settings, clients, Some(providers)).await
    }

    async fn with(
        test: TestGateway,
        settings: ServerSettings,
        clients: ClientCertificates,
        providers: Option<Arc<Providers>>,
    ) -> Self {
        let (certificates, root) = certificates();
        let slot = TlsSlot::asking(TlsProfile::Modern, certificates, clients);
        let slot = Arc::new(slot.unwrap());
        let requests = Arc::new(RequestCounters::default());
        let counters = Arc::new(ListenerCounters::default());
        let (stop, stopped) = watch::channel(false);
        let local = "127.0.0.1:0".parse().unwrap();
        let https = Listener::bind(local, settings.clone(), Arc::clone(&counters))
            .await
            .unwrap();
        let plain = Arc::new(ListenerCounters::default());
        let loopback = AdminExposure::LoopbackOnly;
        let admin_socket =
            Listener::bind_admin(local, loopback, settings.clone(), Arc::clone(&plain))
                .await
                .unwrap();
        let (address, admin) = (https.address(), admin_socket.address());
        let mut api = Api::new(Arc::clone(&test.gateway), settings, Arc::clone(&requests));
        let hosts = Hosts::new(Arc::clone(&slot), [HOST.to_owned()]);
        api = api.with_hosts(hosts);
        if let Some(providers) = providers {
            api = api.with_providers(providers);
        }
        let pages = Admin::new(
            Arc::clone(&test.gateway),
            requests,
            vec![("https", counters), ("admin", plain)],
        );
        tokio::spawn(https.serve(api, Security::Tls(slot), stopped.clone()));
        tokio::spawn(admin_socket.serve(pages, Security::Clear, stopped));
        Self {
            test,
            address,
            admin,
            root,
            _stop: stop,
        }
    }

    /// The client that may do everything.
    pub async fn client(&self) -> Role {
        self.role(Some(self.test.key.reveal())).await
    }

    /// Somebody without a key.
    pub async fn anonymous(&self) -> Role {
        self.role(None).await
    }

    /// Another client, with these scopes.
    pub async fn another(&self, scopes: &[Scope]) -> Role {
        let new = NewClient {
            scopes: scopes.to_vec(),
            ..everything("another")
        };
        let (_, key) = self.test.add_client(new);
        self.role(Some(key.reveal())).await
    }

    /// Whoever shows this credential.
    pub async fn role(&self, key: Option<&str>) -> Role {
        let wire = self.wire().await;
        Role {
            wire,
            key: key.map(str::to_owned),
        }
    }

    /// A bare connection.
    pub async fn wire(&self) -> Wire {
        Wire::over(self.address, &self.root, "http/1.1").await
    }

    /// A bare connection from this address.
    pub async fn wire_from(&self, source: &str) -> Wire {
        Wire::between(source, (self.address, &self.root))
            .await
            .unwrap()
    }

    /// A page of the admin listener.
    pub async fn admin(&self, method: &str, path: &str) -> Heard {
        let mut wire = Wire::of(TcpStream::connect(self.admin).await.unwrap());
        wire.ask(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ))
        .await
    }
}

/// Somebody who calls the API over one connection.
pub struct Role {
    pub wire: Wire,
    pub key: Option<String>,
}

impl Role {
    /// A request whose head ends with what the caller adds.
    pub fn written(&self, start: &str, more: &str, body: &str) -> String {
        let key = self
            .key
            .as_ref()
            .map(|key| format!("Authorization: Bearer {key}\r\n"));
        format!(
            "{start} HTTP/1.1\r\nHost: localhost\r\n{}{more}\r\n{body}",
            key.unwrap_or_default()
        )
    }

    pub async fn get(&mut self, path: &str) -> Heard {
        let request = self.written(&format!("GET {path}"), "", "");
        self.wire.ask(&request).await
    }

    pub async fn delete(&mut self, path: &str) -> Heard {
        let request = self.written(&format!("DELETE {path}"), "", "");
        self.wire.ask(&request).await
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Heard {
        self.post_with(path, "", body).await
    }

    pub async fn post_with(&mut self, path: &str, headers: &str, body: &str) -> Heard {
        let length = body.len();
        let more =
            format!("Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}");
        let request = self.written(&format!("POST {path}"), &more, body);
        self.wire.ask(&request).await
    }

    /// Sends a good message; gives its id.
    pub async fn send(&mut self) -> String {
        let heard = self.post("/v1/messages", MESSAGE).await;
        assert_eq!(heard.status, 202, "{heard:?}");
        text(&heard.json()["id"])
    }
}

/// A JSON text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
