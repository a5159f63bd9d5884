//! The links to carriers, from the configuration and its files to running binds.

use std::sync::Arc;

use engine::Gateway;
use engine::ports::Carriers;

use crate::config::Checked;
use crate::material::LinkMaterial;
use crate::wiring::no_carriers;

/// Every link of the configuration.
pub struct Links {
    port: Arc<dyn Carriers>,
}

impl Links {
    /// Prepares the links; nothing is connected yet.
    pub fn prepare(_checked: &Checked, _material: Vec<LinkMaterial>) -> anyhow::Result<Self> {
        Ok(Self {
            port: no_carriers(),
        })
    }

    /// The engine's way out.
    pub fn port(&self) -> Arc<dyn Carriers> {
        Arc::clone(&self.port)
    }

    /// Connects and binds, again and again, until they are stopped.
    pub fn start(&self, _gateway: &Arc<Gateway>) {}

    /// Unbinds; answers that are on their way are waited for, within a limit.
    pub async fn stop(&self) {}
}
