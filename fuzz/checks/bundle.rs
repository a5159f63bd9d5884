//! Any octets are read as a bundle of any width, and as a tile's path, without panic; what is read
//! writes itself as the same octets again.

use ledger::tile::{Tile, bundle};

pub fn check(octets: &[u8]) {
    for width in [0, 1, 2, 3, 256] {
        if let Ok(entries) = bundle::decode(octets, width) {
            assert_eq!(bundle::encode(entries).as_deref(), Ok(octets));
        }
    }
    if let Some(tile) = core::str::from_utf8(octets).ok().and_then(Tile::parse) {
        assert_eq!(tile.to_string().as_bytes(), octets);
    }
}
