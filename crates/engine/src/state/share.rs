//! How much of a table that all clients share each of them fills, so that none shuts out the others.

use std::collections::HashMap;

use domain::id::ClientId;

/// One client fills at most three of so many parts of a table: the last one is for the others.
const TABLE_PARTS: usize = 4;

/// How many places each client has.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    by_client: HashMap<ClientId, usize>,
}

impl Shares {
    /// Whether a client has all that one may have of so many places.
    pub(crate) fn is_used_up(&self, client: ClientId, most: usize) -> bool {
        let share = most.saturating_sub(most / TABLE_PARTS);
        self.of(client) >= share
    }

    /// How many places a client has.
    pub(crate) fn of(&self, client: ClientId) -> usize {
        self.by_client.get(&client).copied().unwrap_or_default()
    }

    /// A client took a place.
    pub(crate) fn one_more(&mut self, client: ClientId) {
        let count = self.by_client.entry(client).or_default();
        *count = count.saturating_add(1);
    }

    /// A client gave a place back.
    pub(crate) fn one_less(&mut self, client: ClientId) {
        let Some(count) = self.by_client.get_mut(&client) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.by_client.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_are_one_clients_and_a_place_given_back_is_its_again() {
        let (mut shares, client) = (Shares::default(), ClientId::new(1, 1));
        for _ in 0..3 {
            assert!(!shares.is_used_up(client, 4));
            shares.one_more(client);
        }
        assert!(shares.is_used_up(client, 4));
        assert!(!shares.is_used_up(ClientId::new(1, 2), 4));
        shares.one_less(client);
        assert!(!shares.is_used_up(client, 4));
    }
}
