//! Tiles and bundles that lie beside the ones of the signed size: partial ones of older sizes, and
//! the beginnings of newer ones. What they share with the verified ones must be the same octets.

use super::Teller;
use super::fault::{Fault, FaultKind};
use super::source::Source;
use crate::tile::{Content, FULL, Tile, bundle};

/// What was verified at a place: for a tile its hashes, for a bundle its entries with their lengths.
pub(super) struct Verified<'v> {
    pub(super) tile: Tile,
    pub(super) octets: &'v [u8],
    /// The index of the first entry there.
    pub(super) first: u64,
}

/// Compares everything else at the place.
pub(super) fn compare(source: &dyn Source, verified: &Verified<'_>, teller: &mut Teller<'_>) {
    let Some(mut widths) = teller.ok(source.partial_widths(verified.tile)) else {
        return;
    };
    if !verified.tile.is_full() {
        widths.push(FULL);
    }
    for width in widths
        .into_iter()
        .filter(|width| *width != verified.tile.width())
    {
        let Some(tile) = verified.tile.with_width(width) else {
            continue;
        };
        // It may be gone since it was listed; stale tiles may be deleted at any time.
        if let Some(octets) = teller.ok(source.read(&tile.to_string())).flatten()
            && let Some(kind) = fault_of(tile, &octets, verified)
        {
            let detail = format!("{tile} differs from {}", verified.tile);
            teller.tell(Fault::at(verified.first, kind, detail));
        }
    }
}

fn fault_of(tile: Tile, octets: &[u8], verified: &Verified<'_>) -> Option<FaultKind> {
    let shorter = tile.width() < verified.tile.width();
    let (formed, malformed, mismatch) = match tile.content() {
        Content::Hashes(_) => {
            let formed = octets.len() == usize::from(tile.width()) * 32;
            (formed, FaultKind::TileMalformed, FaultKind::TileMismatch)
        }
        Content::Entries => {
            let formed = bundle::decode(octets, tile.width()).is_ok();
            (
                formed,
                FaultKind::BundleMalformed,
                FaultKind::BundleMismatch,
            )
        }
    };
    let same = if shorter {
        verified.octets.starts_with(octets)
    } else {
        octets.starts_with(verified.octets)
    };
    match (formed, same) {
        (false, _) => Some(malformed),
        (true, false) => Some(mismatch),
        (true, true) => None,
    }
}
