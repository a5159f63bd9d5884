//! Digits in what comes from outside: whether they could be taken for a code or a number to call, and what is
//! plainly an amount of money. Digits of every script count.

/// The most digits of an insert together: enough for an amount, too few for a telephone number.
pub(super) const DIGITS_MAX: usize = 8;

/// The most digits that may be read as one number: a code has at least four.
const READ_MAX: usize = 3;

/// The most digits of an amount that names its currency: billions with cents.
const AMOUNT_DIGITS_MAX: usize = 15;

/// The currencies of ISO 4217 that are in use, by their letters.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP \
     BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
     GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT \
     LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
     OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
     SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF \
     YER ZAR ZMW ZWG";

/// Whether digits could be taken for a code or a number to call: four or more that stand together, or with
/// nothing but signs between them (`123 456`, `12-34`), or more than eight in all. An amount
/// (`12,50`, `12,500.00`) is read as one.
pub(super) fn could_be_code(text: &str) -> bool {
    let total = text.chars().filter(|c| c.is_numeric()).count();
    total > DIGITS_MAX || text.split(char::is_alphabetic).any(is_read_as_code)
}

/// The same of an amount: with a currency it may have digits in a row, as in `JPY 15000`.
pub(super) fn amount_could_be_code(text: &str) -> bool {
    could_be_code(text) && !is_money(text)
}

/// Of a stretch without letters: whether numbers in it that stand side by side have too many digits together.
fn is_read_as_code(stretch: &str) -> bool {
    let mut read = 0_usize;
    for number in numbers(stretch) {
        if number.chars().all(char::is_numeric) {
            read = read.saturating_add(number.chars().count());
        } else if is_amount(&number) {
            read = 0;
        } else {
            return true;
        }
        if read > READ_MAX {
            return true;
        }
    }
    false
}

/// The numbers of a stretch, each with the separators inside it: one sign of those that amounts have, between
/// two digits.
fn numbers(stretch: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut characters = stretch.chars().peekable();
    while let Some(character) = characters.next() {
        let goes_on = characters.peek().is_some_and(|next| next.is_numeric());
        let Some(number) = found.last_mut() else {
            return found;
        };
        if character.is_numeric() || (is_separator(character) && goes_on && !number.is_empty()) {
            number.push(character);
        } else if !number.is_empty() {
            found.push(String::new());
        }
    }
    found.retain(|number| !number.is_empty());
    found
}

/// The signs between the digits of an amount: points, commas, apostrophes, and those of Arabic.
const fn is_separator(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | '\'' | '\u{2019}' | '\u{66B}' | '\u{66C}'
    )
}

/// Whether a number with separators is written as amounts are: groups of three digits, or two as in India,
/// behind the first, all with one sign, and then perhaps another sign with the fraction.
fn is_amount(number: &str) -> bool {
    let signs: Vec<char> = number.chars().filter(|c| is_separator(*c)).collect();
    let groups: Vec<usize> = number
        .split(is_separator)
        .map(|digits| digits.chars().count())
        .collect();
    let ([first, middle @ .., last], [sign, signs @ ..]) = (&groups[..], &signs[..]) else {
        return false;
    };
    let grouped = (1..=3).contains(first) && middle.iter().all(|digits| (2..=3).contains(digits));
    let (fraction, same) = match signs.split_last() {
        None => (true, &[][..]),
        Some((end, same)) => (end != sign, if end == sign { signs } else { same }),
    };
    let ends = if fraction {
        (1..=3).contains(last)
    } else {
        *last == 3
    };
    grouped && ends && same.iter().all(|other| other == sign)
}

/// Whether a text is a number and its currency, and nothing else: the currency before or behind it, by the
/// letters of ISO 4217 or by its sign; or a number with two digits behind a point or comma.
fn is_money(text: &str) -> bool {
    let number = without_currency(text);
    let named = number.len() < text.len();
    let mut digits = 0_usize;
    for character in number.chars() {
        if character.is_numeric() {
            digits = digits.saturating_add(1);
        } else if character != ' ' && !is_separator(character) {
            return false;
        }
    }
    (1..=AMOUNT_DIGITS_MAX).contains(&digits) && (named || has_cents(number))
}

fn without_currency(text: &str) -> &str {
    for currency in CURRENCIES.split(' ') {
        let rest = text
            .strip_prefix(currency)
            .or_else(|| text.strip_suffix(currency));
        if let Some(rest) = rest {
            return rest.trim();
        }
    }
    let rest = text
        .strip_prefix(is_currency)
        .or_else(|| text.strip_suffix(is_currency));
    rest.unwrap_or(text).trim()
}

/// The signs of currencies (Unicode 16, general category Sc).
fn is_currency(character: char) -> bool {
    matches!(
        u32::from(character),
        0x24 | 0xA2..=0xA5
            | 0x58F
            | 0x60B
            | 0x7FE..=0x7FF
            | 0x9F2..=0x9F3
            | 0x9FB
            | 0xAF1
            | 0xBF9
            | 0xE3F
            | 0x17DB
            | 0x20A0..=0x20C0
            | 0xA838
            | 0xFDFC
            | 0xFE69
            | 0xFF04
            | 0xFFE0..=0xFFE1
            | 0xFFE5..=0xFFE6
    )
}

/// Whether a number ends with two digits behind its last sign: nobody reads that as a code.
fn has_cents(number: &str) -> bool {
    let last = number.rsplit_once(['.', ',']);
    last.is_some_and(|(before, cents)| {
        cents.chars().count() == 2 && before.chars().any(char::is_numeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_small_numbers_are_no_code() {
        for text in [
            "Pay 12,50",
            "EUR 12.50 to Shop",
            "12,500.00 € an Café",
            "12 500,00 kr",
            "CHF 12'500.00",
            "₹ 1,00,000",
            "1.250",
            "Order 123",
            "3 x 12.50",
            "2 of 12",
            "Банк №7",
            "Gate 12 at 9 h 30",
        ] {
            assert!(!could_be_code(text), "{text}");
        }
    }

    #[test]
    fn digits_that_somebody_may_type_in_are() {
        for text in [
            "1234",
            "123 456",
            "123-456",
            "123 - 456",
            "(123) 456",
            "12 34",
            "1 2 3 4 5 6",
            "12.34.56",
            "12,34,56",
            "123.4567",
            "1234.5",
            "12.5.0",
            "٣٤٥ ٣٤٥",
            "１２３ ４５６",
            "code 123 456",
            "123:456!",
            "800 a 555 b 019 9",
        ] {
            assert!(could_be_code(text), "{text}");
        }
    }

    #[test]
    fn an_amount_with_its_currency_may_have_digits_in_a_row() {
        for text in [
            "JPY 15000",
            "15000 JPY",
            "EUR 12500.00",
            "€15000",
            "15000 ₩",
            "12 500 000,00 USD",
            "1250.00",
            "12500,00",
            "12.50",
        ] {
            assert!(!amount_could_be_code(text), "{text}");
        }
        for text in [
            "482913",
            "482 913",
            "PIN 482913",
            "code 482913",
            "EUR 1234567890123456",
            "EUR 12 then 482913",
            "4829.1",
            "4829.13 4829",
        ] {
            assert!(amount_could_be_code(text), "{text}");
        }
    }
}
