//! Tiles and entry bundles (C2SP tlog-tiles): which of them a log of a given size publishes, under
//! which paths, and what is in them. Where they are kept is no matter of this file's.

pub mod bundle;
pub mod published;

use core::fmt;

use crate::tree::{Nodes, ProveError};

/// How many hashes or entries a full tile or bundle has.
pub const FULL: u16 = 256;
/// The height of a tile in levels of the tree.
pub const HEIGHT: u8 = 8;
/// The highest level that a path may name.
const LAST_LEVEL: u8 = 63;

/// What a path serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Content {
    /// Entries, each behind its length.
    Entries,
    /// Hashes of this level: 0 holds leaf hashes, each level above the roots of full tiles below.
    Hashes(u8),
}

/// A tile or bundle by its place and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Tile {
    /// A tile; `None` unless the width is 1 to [`FULL`] and the level at most 63.
    pub const fn new(content: Content, index: u64, width: u16) -> Option<Self> {
        let fits = match content {
            Content::Hashes(level) => level <= LAST_LEVEL,
            Content::Entries => true,
        };
        if !fits || width == 0 || width > FULL {
            return None;
        }
        Some(Self {
            content,
            index,
            width,
        })
    }

    /// What is in it.
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Its index in its level.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it has: 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it can never grow any more.
    pub const fn is_full(&self) -> bool {
        self.width == FULL
    }

    /// The tile at the same place with another width.
    pub const fn with_width(&self, width: u16) -> Option<Self> {
        Self::new(self.content, self.index, width)
    }

    /// The full tile at the same place: where to look when a partial one is gone.
    pub const fn full(&self) -> Self {
        Self {
            width: FULL,
            ..*self
        }
    }

    /// Reads a path; `None` for any other spelling than the one that [`Tile`] writes.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (kind, rest) = rest.split_once('/')?;
        let content = match kind {
            "entries" => Content::Entries,
            level => Content::Hashes(level.parse().ok()?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| *width < FULL)?),
            None => (rest, FULL),
        };
        let tile = Self::new(content, number_of(number)?, width)?;
        // Writing it again refuses signs, needless zeros and groups that need not be there.
        (tile.to_string() == path).then_some(tile)
    }
}

impl fmt::Display for Tile {
    /// The path below the log's prefix: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => f.write_str("tile/entries")?,
            Content::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let mut groups = Vec::new();
        let mut rest = self.index;
        loop {
            groups.push(rest % 1_000);
            rest /= 1_000;
            if rest == 0 {
                break;
            }
        }
        for (place, group) in groups.iter().enumerate().rev() {
            let mark = if place > 0 { "x" } else { "" };
            write!(f, "/{mark}{group:03}")?;
        }
        if self.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

/// The number that groups of three digits spell.
fn number_of(groups: &str) -> Option<u64> {
    let mut number = 0_u64;
    for group in groups.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let group: u64 = digits.parse().ok().filter(|_| digits.len() == 3)?;
        number = number.checked_mul(1_000)?.checked_add(group)?;
    }
    Some(number)
}

/// How many tiles of a level are full, and how wide the partial one behind them is (0: none), in a
/// tree of this size.
pub fn extent(level: u8, size: u64) -> (u64, u16) {
    let shift = u32::from(level) * u32::from(HEIGHT);
    let hashes = size.checked_shr(shift).unwrap_or(0);
    let width = u16::try_from(hashes % u64::from(FULL)).unwrap_or(0);
    (hashes / u64::from(FULL), width)
}

/// The tiles of hashes and the bundles that a tree of this size has, each once: level by level from
/// the leaves, then the bundles. Enumerated, not stored.
pub fn tiles_of(size: u64) -> impl Iterator<Item = Tile> {
    new_tiles(0, size)
}

/// The tiles and bundles that are new when the tree has grown from one size to another: those that
/// became full and the partial one at the edge of each level. What a log writes before it signs the
/// new size.
pub fn new_tiles(older: u64, newer: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..HEIGHT).map(Content::Hashes);
    levels
        .chain([Content::Entries])
        .flat_map(move |content| new_of(content, older, newer))
}

fn new_of(content: Content, older: u64, newer: u64) -> impl Iterator<Item = Tile> {
    let level = match content {
        Content::Entries => 0,
        Content::Hashes(level) => level,
    };
    let (full_before, width_before) = extent(level, older);
    let (full, width) = extent(level, newer);
    let filled = (full_before..full).filter_map(move |index| Tile::new(content, index, FULL));
    let grown = (full, width) != (full_before, width_before);
    let edge = Tile::new(content, full, width).filter(|_| grown && older < newer);
    filled.chain(edge)
}

/// The octets of a tile of hashes: each hash in turn. `Entries` has none; see [`bundle`].
pub fn hashes(nodes: Nodes<'_>, tile: Tile) -> Result<Vec<u8>, ProveError> {
    let Content::Hashes(level) = tile.content else {
        return Err(ProveError::Range);
    };
    let node_level = level.checked_mul(HEIGHT).ok_or(ProveError::Range)?;
    let first = tile
        .index
        .checked_mul(u64::from(FULL))
        .ok_or(ProveError::Range)?;
    let mut bytes = Vec::with_capacity(usize::from(tile.width) * 32);
    for index in first..first.saturating_add(u64::from(tile.width)) {
        let missing = ProveError::MissingNode {
            level: node_level,
            index,
        };
        let hash = nodes(node_level, index).ok_or(missing)?;
        bytes.extend_from_slice(hash.as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
