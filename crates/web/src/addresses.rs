//! What each source address has open at a listener, and its bounds: nobody can take every place. An IPv6
//! address counts by its /64, since that is what one subscriber has. It knows no clients, and no header of
//! a proxy: what counts is where the connection comes from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::settings::ServerSettings;

/// An IPv4 address, or the first half of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Four(Ipv4Addr),
    Six(u64),
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        // An IPv4 peer of a dual-stack listener shows as ::ffff:a.b.c.d.
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Four(address),
            // The half that is left fits.
            IpAddr::V6(address) => {
                Self::Six(u64::try_from(address.to_bits() >> 64).unwrap_or_default())
            }
        }
    }
}

/// What one address has open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open {
    connections: usize,
    handshakes: usize,
}

/// A sort of thing that an address may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A connection, from its first octet to its last.
    Connection,
    /// A TLS handshake that is not over yet.
    Handshake,
}

impl Open {
    fn of(&mut self, sort: Sort) -> &mut usize {
        match sort {
            Sort::Connection => &mut self.connections,
            Sort::Handshake => &mut self.handshakes,
        }
    }
}

/// Every address with something open; there are never more than connections.
#[derive(Debug)]
pub(crate) struct Addresses {
    open: Mutex<HashMap<Source, Open>>,
    connections_max: usize,
    handshakes_max: usize,
}

/// A place that an address has taken; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    source: Source,
    sort: Sort,
}

impl Addresses {
    /// The bounds of these settings, and nothing open.
    pub(crate) fn new(settings: &ServerSettings) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            connections_max: settings.connections_per_address_max,
            handshakes_max: settings.handshakes_per_address_max,
        })
    }

    /// A place for one more of an address, unless it has as many as it may.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, sort: Sort) -> Option<Place> {
        let source = Source::from(address);
        let most = match sort {
            Sort::Connection => self.connections_max,
            Sort::Handshake => self.handshakes_max,
        };
        let mut open = self.lock();
        let count = open.entry(source).or_default().of(sort);
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place {
            addresses: Arc::clone(self),
            source,
            sort,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.lock();
        if let Some(own) = open.get_mut(&self.source) {
            let count = own.of(self.sort);
            *count = count.saturating_sub(1);
            if *own == Open::default() {
                open.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Arc<Addresses> {
        Addresses::new(&ServerSettings {
            connections_per_address_max: 2,
            handshakes_per_address_max: 1,
            ..ServerSettings::default()
        })
    }

    fn take(addresses: &Arc<Addresses>, text: &str) -> Option<Place> {
        addresses.take(text.parse().unwrap(), Sort::Connection)
    }

    #[test]
    fn each_address_has_places_of_its_own_and_leaves_nothing_behind() {
        let addresses = addresses();
        let first = take(&addresses, "192.0.2.1");
        let second = take(&addresses, "::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(
            take(&addresses, "192.0.2.1").is_none(),
            "both spellings count"
        );
        let other = take(&addresses, "192.0.2.2");
        assert!(other.is_some());
        drop(first);
        assert!(take(&addresses, "192.0.2.1").is_some());
        drop((second, other));
        assert!(addresses.lock().is_empty());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let addresses = addresses();
        let _first = take(&addresses, "2001:db8:0:1::1");
        let _second = take(&addresses, "2001:db8:0:1:ffff::2");
        assert!(take(&addresses, "2001:db8:0:1::3").is_none());
        assert!(take(&addresses, "2001:db8:0:2::1").is_some());
    }

    #[test]
    fn handshakes_and_connections_are_counted_apart() {
        let addresses = addresses();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let _connection = addresses.take(address, Sort::Connection);
        let handshake = addresses.take(address, Sort::Handshake);
        assert!(handshake.is_some());
        assert!(addresses.take(address, Sort::Handshake).is_none());
        drop(handshake);
        assert!(addresses.take(address, Sort::Handshake).is_some());
    }
}
