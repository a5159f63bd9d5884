//! A price as people write it, in millionths.

/// Decimals of a price.
const DECIMALS: usize = 6;

/// The text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a price is a number such as 0.045, with at most 6 decimals")]
pub struct PriceError;

/// Reads a price.
pub fn micros(text: &str) -> Result<u64, PriceError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(part) || part.len() > DECIMALS {
        return Err(PriceError);
    }
    let digits = format!("{whole}{part:0<DECIMALS$}");
    digits.parse().map_err(|_| PriceError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_to_the_millionth_and_nothing_else_is_one() {
        assert_eq!(micros("0.045"), Ok(45_000));
        assert_eq!(micros("12"), Ok(12_000_000));
        assert_eq!(micros("0.000001"), Ok(1));
        for text in [
            "",
            ".5",
            "5.",
            "-1",
            "1e3",
            "0.0000001",
            "1,5",
            "99999999999999",
        ] {
            assert_eq!(micros(text), Err(PriceError), "{text}");
        }
    }
}
