//! What the limits are: policies, where messages may go, what they cost, and which clients are counted
//! together.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::id::ClientId;
use domain::limit::country::Countries;
use domain::limit::policy::{Policy, defaults};
use domain::limit::price::PriceTable;

/// The limits of a gateway.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// The policies, in the order in which they are told. No two have the same name.
    pub policies: Vec<Policy>,
    /// Where messages may go.
    pub countries: Countries,
    /// What a segment costs.
    pub prices: PriceTable,
    /// The tenant group of each client that is in one.
    pub groups: BTreeMap<ClientId, Arc<str>>,
}

impl LimitSettings {
    /// The group of a client.
    pub fn group_of(&self, client: Option<ClientId>) -> Option<&str> {
        let group = client.and_then(|client| self.groups.get(&client));
        group.map(|name| &**name)
    }
}

impl Default for LimitSettings {
    /// The limits out of the box, nowhere to send to, and everything free.
    fn default() -> Self {
        Self {
            policies: defaults(),
            countries: Countries::default(),
            prices: PriceTable::default(),
            groups: BTreeMap::new(),
        }
    }
}
