//! What a request is, as far as limits ask. Facts are parsed before they come here: one number has one
//! form, an address is an address, and an address from a header counts only when a configured proxy
//! wrote it.

use core::fmt;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::country::Destination;
use crate::class::TrafficClass;
use crate::id::ClientId;
use crate::sender::ShortCode;

/// What happens, and so which limits are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A message to a handset is handed in.
    Message,
    /// A request to the API, whatever it is about.
    Request,
    /// Somebody tries to log in as an operator, or showed a key that is not good.
    Login,
    /// An ESME tries to bind.
    Bind,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::Message, Self::Request, Self::Login, Self::Bind];

    /// Its place in [`Event::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Message => 0,
            Self::Request => 1,
            Self::Login => 2,
            Self::Bind => 3,
        }
    }
}

/// The facts of one request. What is `None` is counted as one more value of its dimension, so leaving
/// something out never gets around a limit; only a client without a group is outside all groups, a message
/// without a campaign outside all campaigns (its client could as well name a new one each time; what bounds
/// a client is a limit by client), and whoever shows a key instead of a login is outside the limits by login.
/// `Debug` shows no number, address or login.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// What happens.
    pub event: Event,
    /// The client whose key it is.
    pub client: Option<ClientId>,
    /// The client's tenant group, from the configuration.
    pub group: Option<&'a str>,
    /// The short code it is sent from.
    pub short_code: Option<ShortCode>,
    /// What the message is for.
    pub class: Option<TrafficClass>,
    /// The campaign tag the client gave.
    pub campaign: Option<&'a str>,
    /// The number it goes to, and the country of that.
    pub destination: Option<Destination>,
    /// The address it comes from.
    pub source: Option<IpAddr>,
    /// The login that an operator gave, known or not; upper and lower case are one.
    pub login: Option<&'a str>,
    /// The system_id that an ESME gave, known or not; upper and lower case are one.
    pub system_id: Option<&'a str>,
    /// Segments of the message.
    pub segments: u32,
    /// What it costs, in micro-units of the currency ([`super::price`]).
    pub cost_micros: u64,
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Facts");
        shown
            .field("event", &self.event)
            .field("client", &self.client)
            .field("short_code", &self.short_code)
            .field("class", &self.class)
            .field("segments", &self.segments);
        shown.finish_non_exhaustive()
    }
}

impl Facts<'_> {
    /// An event of which nothing else is known yet.
    pub const fn new(event: Event) -> Self {
        Self {
            event,
            client: None,
            group: None,
            short_code: None,
            class: None,
            campaign: None,
            destination: None,
            source: None,
            login: None,
            system_id: None,
            segments: 1,
            cost_micros: 0,
        }
    }
}
