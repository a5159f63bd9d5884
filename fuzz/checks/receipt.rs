//! Any text is read as a delivery receipt without panic, and an id that is found is part of it.

use smpp::receipt;

pub fn check(text: &[u8]) {
    if let Some(found) = receipt::parse_text(text) {
        assert!(!found.id.is_empty());
        assert!(text.windows(found.id.len()).any(|part| part == found.id));
    }
}
