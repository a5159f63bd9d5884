//! What is put into a text from outside: the brand and the purpose. They are short words, and nothing that
//! could become a line of its own, a link, a number to call, a second code, or letters that a
//! reader sees in another order than they stand.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::digits::{self, DIGITS_MAX};
use super::wording::Wording;

/// The most units of 16 bits of a brand.
pub const BRAND_UNITS: usize = 16;

/// The most units of 16 bits of the name of a verify service, which stands in the brand's place.
pub const SERVICE_UNITS: usize = 32;

/// The most units of 16 bits of a purpose.
pub const PURPOSE_UNITS: usize = 20;

/// The most units of 16 bits of a payee or an amount; what is long finds no room in the text.
pub const PART_UNITS: usize = 200;

/// Who asks for a code, as the person knows the firm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand(Box<str>);

impl Brand {
    /// Takes a brand as it is, or not at all.
    pub fn parse(text: &str) -> Result<Self, InsertError> {
        checked(text, BRAND_UNITS).map(Self)
    }

    /// Takes the name of a verify service as it is, or not at all. It may be longer, so that not every text has
    /// room for it: see [`super::fits_always`].
    pub fn of_service(text: &str) -> Result<Self, InsertError> {
        checked(text, SERVICE_UNITS).map(Self)
    }

    /// The brand.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a code is for, in words that every language has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// Signing in.
    SignIn,
    /// Opening an account.
    SignUp,
    /// Paying.
    Payment,
    /// Getting an account back.
    Recovery,
    /// Changing details of an account.
    Change,
    /// Confirming anything else.
    Confirmation,
}

impl Occasion {
    /// Every occasion.
    pub const ALL: [Self; 6] = [
        Self::SignIn,
        Self::SignUp,
        Self::Payment,
        Self::Recovery,
        Self::Change,
        Self::Confirmation,
    ];

    /// The word used in the API and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::Payment => "payment",
            Self::Recovery => "recovery",
            Self::Change => "change",
            Self::Confirmation => "confirmation",
        }
    }
}

/// Words of the client's own, for example an amount and a payee. `Debug` masks them.
#[derive(Clone, PartialEq, Eq)]
pub struct PurposeText(Box<str>);

impl fmt::Debug for PurposeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeText(masked)")
    }
}

/// What a code is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An occasion, in the language of the text.
    Known(Occasion),
    /// The client's own words, as they are.
    Text(PurposeText),
}

impl Purpose {
    /// Reads the word of an occasion, or takes the client's own words as they are, or not at all.
    pub fn read(text: &str) -> Result<Self, InsertError> {
        let mut known = Occasion::ALL.into_iter();
        match known.find(|occasion| occasion.as_str() == text) {
            Some(occasion) => Ok(Self::Known(occasion)),
            None => Self::parse(text),
        }
    }

    /// What a ledger may say of it: the occasion, or that the words were the client's own.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Known(occasion) => occasion.as_str(),
            Self::Text(_) => "text",
        }
    }

    /// The word of the occasion or the client's own words, to tell two requests apart.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Known(occasion) => occasion.as_str(),
            Self::Text(text) => &text.0,
        }
    }

    /// Takes the client's own words as they are, or not at all.
    pub fn parse(text: &str) -> Result<Self, InsertError> {
        let words = checked(text, PURPOSE_UNITS)?;
        Ok(Self::Text(PurposeText(words)))
    }

    /// The words in a language.
    pub(super) fn words<'w>(&'w self, wording: &'w Wording) -> &'w str {
        match self {
            Self::Known(occasion) => wording.occasion(*occasion),
            Self::Text(text) => &text.0,
        }
    }
}

/// Why words cannot be put into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// None, too many, or a space at an end.
    #[error("write 1 to {most} characters, and no space at either end")]
    Length {
        /// The most characters; pictures count twice.
        most: usize,
    },
    /// A character that is invisible, ends a line, turns the direction or means something to a
    /// browser.
    #[error(
        "character {position} may not stand in the text of a code: use letters, digits, single \
         spaces and plain punctuation"
    )]
    Character {
        /// Which character, counted from 1.
        position: usize,
    },
    /// Something that a handset would turn into a link.
    #[error("a text that carries a code has no link: write no dot before a letter")]
    Link,
    /// Digits that could be taken for a code or a telephone number.
    #[error(
        "four digits together, also with spaces or signs between them, or more than {DIGITS_MAX} in all, could \
         be taken for a code: write an amount as 12,50 or 12,500, with its currency as EUR 12500.00"
    )]
    Digits,
}

/// Takes the name of a payee as it is, or not at all.
pub(super) fn payee(text: &str) -> Result<Box<str>, InsertError> {
    checked(text, PART_UNITS)
}

/// Takes an amount as it is, or not at all. With its currency it may have digits in a row.
pub(super) fn amount(text: &str) -> Result<Box<str>, InsertError> {
    plain(text, PART_UNITS)?;
    if digits::amount_could_be_code(text) {
        return Err(InsertError::Digits);
    }
    Ok(text.into())
}

fn checked(text: &str, most: usize) -> Result<Box<str>, InsertError> {
    plain(text, most)?;
    if digits::could_be_code(text) {
        return Err(InsertError::Digits);
    }
    Ok(text.into())
}

/// Whether a text is one visible line without a link.
fn plain(text: &str, most: usize) -> Result<(), InsertError> {
    let units = text.encode_utf16().count();
    if !(1..=most).contains(&units) || text.trim() != text {
        return Err(InsertError::Length { most });
    }
    let mut previous = None;
    for (index, character) in text.chars().enumerate() {
        let doubled = character == ' ' && previous == Some(' ');
        if !may_stand(character) || doubled {
            let position = index.saturating_add(1);
            return Err(InsertError::Character { position });
        }
        previous = Some(character);
    }
    if is_link(text) {
        return Err(InsertError::Link);
    }
    Ok(())
}

/// Whether a character is visible, keeps the line and its direction, and is no sign of a template or of an
/// origin-bound code.
fn may_stand(character: char) -> bool {
    let is_sign = matches!(character, '@' | '#' | '{' | '}' | '<' | '>' | '\\' | '/');
    let is_space = character.is_whitespace() && character != ' ';
    !(is_sign || is_space || character.is_control() || is_unseen(character))
}

/// Format characters, fillers, variation selectors and private letters: what turns the direction of a text
/// or is not seen in it (Unicode 16, general category Cf and Co, and `Default_Ignorable_Code_Point`).
fn is_unseen(character: char) -> bool {
    matches!(
        u32::from(character),
        0x00AD
            | 0x034F
            | 0x0600..=0x0605
            | 0x061C
            | 0x06DD
            | 0x070F
            | 0x0890..=0x0891
            | 0x08E2
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x2028..=0x202E
            | 0x2060..=0x206F
            | 0x2800
            | 0x3164
            | 0xE000..=0xF8FF
            | 0xFE00..=0xFE0F
            | 0xFEFF
            | 0xFFA0
            | 0xFFF0..=0xFFFB
            | 0x110BD
            | 0x110CD
            | 0x13430..=0x1343F
            | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A
            | 0x000E_0000..=0x0010_FFFF
    )
}

/// Whether a handset could make a link of it: a dot between a letter or digit and a letter, an address
/// of four numbers, or the sign of a scheme. All dots count that a browser takes for one.
fn is_link(text: &str) -> bool {
    let dotted: Vec<char> = text.chars().map(plain_dot).collect();
    let dots = dotted.windows(3).filter(|window| {
        matches!(window, [before, '.', after] if before.is_alphanumeric() && after.is_alphanumeric())
    });
    let is_lettered = |window: &&[char]| !matches!(window, [_, _, after] if after.is_numeric());
    let (mut count, mut lettered) = (0_usize, false);
    for window in dots {
        count = count.saturating_add(1);
        lettered |= is_lettered(&window);
    }
    lettered || count >= 3 || text.to_lowercase().contains("www")
}

/// The full stop for every character that host names treat as one (UTS 46 section 2.3), and for the one dot
/// leader, which looks like it.
const fn plain_dot(character: char) -> char {
    match character {
        '\u{3002}' | '\u{FF0E}' | '\u{FF61}' | '\u{2024}' | '\u{FE52}' => '.',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    fn check(text: &str, expected: Result<(), InsertError>) {
        let taken = Purpose::parse(text).map(|_| ());
        assert_eq!(taken, expected, "{text:?}");
    }

    fn refused_character(position: usize) -> Result<(), InsertError> {
        Err(InsertError::Character { position })
    }

    #[test]
    fn ordinary_words_amounts_and_every_script_are_taken() {
        for text in [
            "ACME",
            "EUR 12.50 to Shop",
            "12,500.00 € an Café",
            "Smith & Sons Inc.",
            "O'Neill-Müller",
            "銀行 安全",
            "بنك الأمان",
            "Банк №7",
            "a",
        ] {
            check(text, Ok(()));
        }
        assert!(Brand::parse("Deutsche Bank AG").is_ok());
    }

    #[test]
    fn nothing_makes_a_line() {
        for text in [
            "a\nb",
            "a\rb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{B}b",
            "a\u{C}b",
        ] {
            check(text, refused_character(2));
        }
    }

    #[test]
    fn nothing_turns_the_direction_or_hides() {
        for code in [
            0x202A_u32, 0x202E, 0x2066, 0x2069, 0x200E, 0x200F, 0x61C, 0x200B, 0xFEFF, 0xAD,
            0xE0041,
        ] {
            let text = format!("a{}b", char::from_u32(code).unwrap());
            check(&text, refused_character(2));
        }
    }

    #[test]
    fn nothing_makes_a_link() {
        for text in [
            "evil.example",
            "see a.b",
            "bit.ly",
            "1.1.1.1",
            "evil。example",
            "evil．com",
            "WWW evil",
            "пример.рф",
        ] {
            check(text, Err(InsertError::Link));
        }
        check("http://evil", refused_character(6));
        check("me@evil", refused_character(3));
    }

    #[test]
    fn nothing_makes_a_second_code_or_a_number_to_call() {
        for text in [
            "1234",
            "123 456",
            "code 000000",
            "٣٤٥٦",
            "800 555 019 9",
            "１２３４",
        ] {
            check(text, Err(InsertError::Digits));
        }
        check("x #482", refused_character(3));
        check("{code}", refused_character(1));
    }

    #[test]
    fn the_length_is_counted_in_units_of_16_bits() {
        let most = PURPOSE_UNITS;
        check(&"x".repeat(20), Ok(()));
        check(&"x".repeat(21), Err(InsertError::Length { most }));
        check(&"😀".repeat(10), Ok(()));
        check(&"😀".repeat(11), Err(InsertError::Length { most }));
        check("", Err(InsertError::Length { most }));
        check(" a", Err(InsertError::Length { most }));
        check("a  b", refused_character(3));
        assert!(Brand::parse(&"x".repeat(17)).is_err());
        assert!(Brand::of_service(&"x".repeat(32)).is_ok());
        let long = Brand::of_service(&"x".repeat(33));
        assert_eq!(long, Err(InsertError::Length { most: 32 }));
        assert_eq!(Brand::of_service("a.b"), Err(InsertError::Link));
    }

    #[test]
    fn the_clients_own_words_are_masked() {
        let shown = format!("{:?}", Purpose::parse("EUR 12.50 to Ann").unwrap());
        assert_eq!(shown, "Text(PurposeText(masked))");
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_visible_line(text in any::<String>()) {
            if let Ok(Purpose::Text(taken)) = Purpose::parse(&text) {
                prop_assert!(taken.0.lines().count() == 1);
                prop_assert!(!taken.0.chars().any(char::is_control));
            }
        }
    }
}
