//! What a limit counts by: any combination of facts. Each combination also has coarser forms, which
//! newcomers share when the table of the exact one is full.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::country::Country;
use super::facts::Facts;
use crate::class::TrafficClass;
use crate::id::ClientId;
use crate::msisdn::Msisdn;
use crate::sender::ShortCode;

/// Digits of a recipient's prefix: a block of 10,000 to 100,000 numbers in most countries.
pub const PREFIX_DIGITS: u32 = 7;

/// One fact that a limit counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// The client.
    Client,
    /// The client's tenant group. A limit by group is not asked for a client without one.
    Group,
    /// The short code.
    ShortCode,
    /// The traffic class.
    Class,
    /// The client's campaign tag. A limit by campaign is not asked for a message without one: codes and
    /// alerts are no campaign, and together would use up what one may send.
    Campaign,
    /// The recipient's number.
    Recipient,
    /// The first [`PREFIX_DIGITS`] digits of it.
    Prefix,
    /// The recipient's country.
    Country,
    /// The source address: an IPv4 address, or the /64 of an IPv6 address, which is one customer's.
    Source,
    /// The source's network: the /24 of an IPv4 address, the /48 of an IPv6 address.
    Network,
    /// The login of an operator.
    Login,
    /// The system_id of an ESME.
    SystemId,
}

/// How exactly a key tells apart. Newcomers to a full table share the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// By every fact the limit names.
    Own,
    /// Numbers by their prefix, prefixes by their country, addresses by their network.
    Near,
    /// Numbers and prefixes by their country, addresses by IPv4 or IPv6, texts that the other side
    /// chooses (campaign, login, system_id) not at all.
    Far,
    /// All together.
    Last,
}

impl Level {
    /// Every level, the most exact first.
    pub const ALL: [Self; 4] = [Self::Own, Self::Near, Self::Far, Self::Last];

    /// Its place in [`Level::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Own => 0,
            Self::Near => 1,
            Self::Far => 2,
            Self::Last => 3,
        }
    }
}

/// A set of dimensions. The empty one counts everything together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Dimension>", into = "Vec<Dimension>")]
pub struct Dimensions(u16);

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 12] = [
        Self::Client,
        Self::Group,
        Self::ShortCode,
        Self::Class,
        Self::Campaign,
        Self::Recipient,
        Self::Prefix,
        Self::Country,
        Self::Source,
        Self::Network,
        Self::Login,
        Self::SystemId,
    ];

    const fn bit(self) -> u16 {
        1 << match self {
            Self::Client => 0,
            Self::Group => 1,
            Self::ShortCode => 2,
            Self::Class => 3,
            Self::Campaign => 4,
            Self::Recipient => 5,
            Self::Prefix => 6,
            Self::Country => 7,
            Self::Source => 8,
            Self::Network => 9,
            Self::Login => 10,
            Self::SystemId => 11,
        }
    }

    const fn is_given(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Client => facts.client.is_some(),
            Self::Group => facts.group.is_some(),
            Self::ShortCode => facts.short_code.is_some(),
            Self::Class => facts.class.is_some(),
            Self::Campaign => facts.campaign.is_some(),
            Self::Recipient | Self::Prefix | Self::Country => facts.destination.is_some(),
            Self::Source | Self::Network => facts.source.is_some(),
            Self::Login => facts.login.is_some(),
            Self::SystemId => facts.system_id.is_some(),
        }
    }

    /// What it tells apart at a level.
    pub(super) const fn at(self, level: Level) -> Option<Self> {
        match (self, level) {
            (_, Level::Last)
            | (
                Self::Source | Self::Network | Self::Campaign | Self::Login | Self::SystemId,
                Level::Far,
            ) => None,
            (Self::Recipient, Level::Near) => Some(Self::Prefix),
            (Self::Recipient, Level::Far) | (Self::Prefix, Level::Near | Level::Far) => {
                Some(Self::Country)
            }
            (Self::Source, Level::Near) => Some(Self::Network),
            (dimension, Level::Own | Level::Near | Level::Far) => Some(dimension),
        }
    }
}

impl Dimensions {
    /// Whether a dimension is among them.
    pub const fn contains(self, dimension: Dimension) -> bool {
        self.0 & dimension.bit() != 0
    }

    /// The dimensions, in the order of [`Dimension::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Dimension> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let place = usize::try_from(left.trailing_zeros()).ok()?;
            left &= left.wrapping_sub(1);
            Dimension::ALL.get(place).copied()
        })
    }

    /// Whether a limit by these is asked at all. A client without a group is outside all groups, a message
    /// without a campaign outside all campaigns, and who shows a key gives no login.
    pub(super) const fn apply_to(self, facts: &Facts<'_>) -> bool {
        (facts.group.is_some() || !self.contains(Dimension::Group))
            && (facts.campaign.is_some() || !self.contains(Dimension::Campaign))
            && (facts.login.is_some() || !self.contains(Dimension::Login))
    }

    /// The dimensions that a request has a fact for.
    #[inline]
    pub(super) const fn given(facts: &Facts<'_>) -> Self {
        let mut given = 0;
        let mut place = 0;
        while place < Dimension::ALL.len() {
            #[expect(clippy::indexing_slicing, reason = "the place is below the length")]
            let dimension = Dimension::ALL[place];
            if dimension.is_given(facts) {
                given |= dimension.bit();
            }
            place += 1;
        }
        Self(given)
    }

    /// The dimensions in both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One bit a dimension.
    pub(super) fn bits(self) -> u64 {
        u64::from(self.0)
    }

    /// What to call a request's key in a list: the most telling fact, as a number.
    pub(super) fn label(self, facts: &Facts<'_>) -> u64 {
        let telling = Self::TELLING
            .into_iter()
            .find(|dimension| self.contains(*dimension));
        telling.map_or(0, |dimension| word(dimension, facts))
    }

    /// Whether a label is a recipient's number.
    pub(super) const fn label_is_number(self) -> bool {
        self.contains(Dimension::Recipient)
    }

    /// Reads a label.
    pub(super) fn read_label(self, label: u64) -> Label {
        let telling = Self::TELLING
            .into_iter()
            .find(|dimension| self.contains(*dimension));
        if label == 0 {
            return Label::Hidden;
        }
        match telling {
            Some(Dimension::Recipient) => {
                Msisdn::from_digits(label).map_or(Label::Hidden, Label::Recipient)
            }
            Some(Dimension::Prefix) => Label::Prefix(label),
            Some(Dimension::Source) => Label::Source(address(label)),
            Some(Dimension::Network) => Label::Network(address(label)),
            Some(Dimension::Client) => Label::Client(label),
            Some(Dimension::ShortCode) => {
                ShortCode::parse(label.to_string()).map_or(Label::Hidden, Label::ShortCode)
            }
            Some(Dimension::Country) => {
                Country::from_word(label).map_or(Label::Hidden, Label::Country)
            }
            Some(Dimension::Class) => {
                let class = TrafficClass::ALL
                    .into_iter()
                    .find(|class| class_word(*class) == label);
                class.map_or(Label::Hidden, Label::Class)
            }
            _ => Label::Hidden,
        }
    }

    /// The dimensions that a label can tell, the most telling first.
    const TELLING: [Dimension; 8] = [
        Dimension::Recipient,
        Dimension::Prefix,
        Dimension::Source,
        Dimension::Network,
        Dimension::Client,
        Dimension::ShortCode,
        Dimension::Country,
        Dimension::Class,
    ];
}

impl FromIterator<Dimension> for Dimensions {
    fn from_iter<I: IntoIterator<Item = Dimension>>(dimensions: I) -> Self {
        let bits = dimensions.into_iter().map(Dimension::bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

impl From<Vec<Dimension>> for Dimensions {
    fn from(dimensions: Vec<Dimension>) -> Self {
        dimensions.into_iter().collect()
    }
}

impl From<Dimensions> for Vec<Dimension> {
    fn from(dimensions: Dimensions) -> Self {
        dimensions.iter().collect()
    }
}

/// What a key is called in a list of the most used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A recipient, shown masked.
    Recipient(Msisdn),
    /// The first digits of recipients.
    Prefix(u64),
    /// An IPv4 address, or the first address of a /64.
    Source(IpAddr),
    /// The first address of a /24 or a /48.
    Network(IpAddr),
    /// The sequence of a client's id ([`crate::id::Id::sequence`]).
    Client(u64),
    /// A short code.
    ShortCode(ShortCode),
    /// A country.
    Country(Country),
    /// A traffic class.
    Class(TrafficClass),
    /// Something that is kept only as a hash.
    Hidden,
}

/// Bit of a label that says IPv4; the top bit of an IPv6 address is set in no global unicast address.
const IPV4: u64 = 1 << 63;

/// A fact that is a number; 0 when it is missing or a text.
#[inline]
pub(super) fn word(dimension: Dimension, facts: &Facts<'_>) -> u64 {
    match dimension {
        Dimension::Client => facts.client.map_or(0, ClientId::sequence),
        Dimension::ShortCode => facts.short_code.map_or(0, |code| u64::from(code.number())),
        Dimension::Class => facts.class.map_or(0, class_word),
        Dimension::Recipient => facts.destination.map_or(0, |to| to.number().reveal()),
        Dimension::Prefix => facts
            .destination
            .map_or(0, |to| to.number().prefix(PREFIX_DIGITS)),
        Dimension::Country => facts.destination.map_or(0, |to| to.country().word()),
        Dimension::Source => facts.source.map_or(0, |source| source_word(source, 0, 0)),
        Dimension::Network => facts.source.map_or(0, |source| source_word(source, 8, 16)),
        Dimension::Group | Dimension::Campaign | Dimension::Login | Dimension::SystemId => 0,
    }
}

fn class_word(class: TrafficClass) -> u64 {
    u64::try_from(class.index()).unwrap_or(0) + 1
}

/// An address without its last bits: of 32 for IPv4, of the upper 64 for IPv6. An IPv4 address
/// written as an IPv6 one is the IPv4 address.
fn source_word(address: IpAddr, cut4: u32, cut6: u32) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => IPV4 | (u64::from(u32::from(v4)) >> cut4 << cut4),
        IpAddr::V6(v6) => u64::try_from(u128::from(v6) >> 64).unwrap_or(0) >> cut6 << cut6,
    }
}

fn address(label: u64) -> IpAddr {
    match u32::try_from(label ^ IPV4) {
        Ok(v4) => IpAddr::V4(v4.into()),
        Err(_) => IpAddr::V6((u128::from(label) << 64).into()),
    }
}

#[cfg(test)]
mod tests;
