//! The way out to carriers of either kind: each bind belongs to a link over SMPP or to a provider over HTTPS.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::carrier::{BindId, CarrierEvents, Carriers, Submission};
use smpp::link::Links;
use web::provider::Providers;

/// Both kinds of carriers.
#[derive(Clone)]
pub struct Roads {
    links: Arc<Links>,
    providers: Arc<Providers>,
}

impl Roads {
    /// The roads of a configuration; nothing is connected yet.
    pub const fn new(links: Arc<Links>, providers: Arc<Providers>) -> Self {
        Self { links, providers }
    }

    /// The carriers over HTTPS.
    pub const fn providers(&self) -> &Arc<Providers> {
        &self.providers
    }

    /// Starts every carrier on the present runtime; each tells `events` everything.
    pub fn start(&self, events: &Arc<dyn CarrierEvents>) {
        self.links.start(events);
        self.providers.start(events);
    }

    /// Ends all of them; answers that are on their way get `limit`.
    pub async fn stop(&self, limit: Duration) {
        tokio::join!(self.links.stop(limit), self.providers.stop(limit));
    }
}

impl Carriers for Roads {
    fn submit(&self, bind: &BindId, batch: Vec<Submission>) {
        if self.providers.has(&bind.carrier) {
            self.providers.submit(bind, batch);
        } else {
            self.links.submit(bind, batch);
        }
    }
}
