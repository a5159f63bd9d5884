//! How the keys of one limit are made of the facts of a request. What does not depend on the request is
//! worked out once a policy.

use core::net::IpAddr;

use super::dimension::{Dimension, Dimensions, Level, word};
use super::facts::Facts;
use super::key::{Key, KeyHash, Secret};
use crate::id::ClientId;

/// A request's facts, with what every key of it is made of.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) facts: &'a Facts<'a>,
    /// The dimensions that it has a fact for.
    given: Dimensions,
    /// 1 for a source that is an IPv4 address.
    family: u64,
}

impl<'a> Asked<'a> {
    #[inline]
    pub(super) fn new(facts: &'a Facts<'a>) -> Self {
        let is_ipv4 = |address: IpAddr| address.to_canonical().is_ipv4();
        Self {
            facts,
            given: Dimensions::given(facts),
            family: u64::from(facts.source.is_some_and(is_ipv4)),
        }
    }
}

/// How keys are made at one level.
#[derive(Debug)]
pub(super) struct Recipe {
    dimensions: Dimensions,
    /// What begins every key: the dimensions and the level.
    head: u64,
    /// Whether IPv4 and IPv6 are told apart: 1 or 0.
    by_family: u64,
    /// What is told apart; `None` where all share one key.
    parts: Option<Vec<Dimension>>,
}

impl Recipe {
    pub(super) fn new(dimensions: Dimensions, level: Level) -> Self {
        let by_source =
            dimensions.contains(Dimension::Source) || dimensions.contains(Dimension::Network);
        let parts = dimensions
            .iter()
            .filter_map(|dimension| dimension.at(level));
        Self {
            dimensions,
            head: dimensions.bits() << 32 | u64::try_from(level.index()).unwrap_or(0),
            by_family: u64::from(by_source),
            parts: (level != Level::Last).then(|| parts.collect()),
        }
    }

    /// The key of a request.
    #[inline]
    pub(super) fn key(&self, asked: &Asked<'_>, secret: &Secret) -> Key {
        let Some(parts) = &self.parts else {
            return Key::SHARED;
        };
        let mut hash = KeyHash::new(secret);
        let given = asked.given.and(self.dimensions).bits() << 16;
        hash.word(self.head | given | (asked.family & self.by_family) << 8);
        for dimension in parts {
            write(*dimension, asked.facts, &mut hash);
        }
        hash.finish()
    }
}

#[inline]
fn write(dimension: Dimension, facts: &Facts<'_>, hash: &mut KeyHash) {
    match dimension {
        Dimension::Client => {
            let octets = facts.client.map_or([0; 16], ClientId::to_bytes);
            let id = u128::from_be_bytes(octets);
            hash.word(u64::try_from(id >> 64).unwrap_or(0));
            hash.word(u64::try_from(id & u128::from(u64::MAX)).unwrap_or(0));
        }
        Dimension::Group => hash.text(facts.group.unwrap_or_default().bytes()),
        Dimension::Campaign => hash.text(facts.campaign.unwrap_or_default().bytes()),
        Dimension::Login => hash.text(lower(facts.login)),
        Dimension::SystemId => hash.text(lower(facts.system_id)),
        plain => hash.word(word(plain, facts)),
    }
}

fn lower(text: Option<&str>) -> impl ExactSizeIterator<Item = u8> {
    let octets = text.unwrap_or_default().as_bytes().iter();
    octets.map(u8::to_ascii_lowercase)
}
