//! The address of an authenticator as a picture that its app reads.

use qrcode::render::svg::Color;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

/// The width and height of the picture at least, in units of SVG.
const LEAST: u32 = 240;

/// The picture as SVG; `None` when the text is too long for any, which an address never is.
pub(super) fn svg(text: &str) -> Option<Zeroizing<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let mut picture = code.render::<Color<'_>>();
    Some(Zeroizing::new(picture.min_dimensions(LEAST, LEAST).build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_address_fits_into_a_picture() {
        let longest = "%F0%9F%94%91".repeat(64 * 3);
        let picture = svg(&format!("otpauth://totp/{longest}")).unwrap();
        assert!(picture.contains("<svg") && picture.trim_end().ends_with("</svg>"));
        assert!(!picture.contains("otpauth"));
    }
}
