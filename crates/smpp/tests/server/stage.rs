//! A gateway in memory with a server before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::ConfigChange;
use engine::ports::Clock;
use engine::settings::EsmeAccount;
use smpp::server::{Security, Server, ServerCounters, ServerSettings};
use testkit::TestGateway;
use testkit::settings::{account, with_accounts};
use tokio::sync::watch;

/// As long as anything may take here before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Stage {
    pub test: TestGateway,
    pub address: SocketAddr,
    pub counters: Arc<ServerCounters>,
    stop: watch::Sender<bool>,
    ending: tokio::task::JoinHandle<()>,
}

impl Stage {
    /// With the account `esme1` and settings of patience.
    pub async fn start() -> Self {
        Self::with(ServerSettings::default(), |_| {}).await
    }

    /// With other settings, and another account.
    pub async fn with(settings: ServerSettings, change: impl FnOnce(&mut EsmeAccount)) -> Self {
        Self::over(settings, Security::Clear, change).await
    }

    pub async fn over(
        settings: ServerSettings,
        security: Security,
        change: impl FnOnce(&mut EsmeAccount),
    ) -> Self {
        Self::before(TestGateway::immediate(), (settings, security), change).await
    }

    /// Before a gateway that keeps nothing until it is told to.
    pub async fn queued(settings: ServerSettings) -> Self {
        let parts = (settings, Security::Clear);
        Self::before(TestGateway::queued(), parts, |_| {}).await
    }

    async fn before(
        test: TestGateway,
        (settings, security): (ServerSettings, Security),
        change: impl FnOnce(&mut EsmeAccount),
    ) -> Self {
        let mut account = account(test.caller().client);
        change(&mut account);
        reload(&test, &[("esme1", account)]);
        let counters = Arc::new(ServerCounters::default());
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, settings, Arc::clone(&counters))
            .await
            .unwrap();
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        let clock: Arc<dyn Clock> = test.clock.clone();
        let parts = (Arc::clone(&test.gateway), clock);
        let ending = tokio::spawn(server.serve(parts, security, stopped));
        Self {
            test,
            address,
            counters,
            stop,
            ending,
        }
    }

    /// One count, such as `connections_foreign`.
    pub fn count(&self, name: &str) -> u64 {
        let name = format!("shortstop_smpp_{name}_total");
        self.counters.total(&name).unwrap()
    }

    /// Stops the server, and waits for its end.
    pub async fn stop(self) -> TestGateway {
        self.stop.send_replace(true);
        tokio::time::timeout(PATIENCE, self.ending)
            .await
            .unwrap()
            .unwrap();
        self.test
    }
}

/// Has the gateway read these accounts.
pub fn reload(test: &TestGateway, accounts: &[(&str, EsmeAccount)]) {
    let change = ConfigChange {
        hash_hex: "00".repeat(32),
        changed_keys: Vec::new(),
    };
    test.gateway.reconfigure(with_accounts(accounts), &change);
}
