//! The times of SMPP: the 16 characters of §7.1.1, relative for what we send, and the dates in the
//! text of delivery receipts. It reads no clock and knows no time zone but the one in the field.

/// A time field: 16 characters without its NUL.
pub type TimeField = [u8; 16];

/// The longest relative time written, in seconds: 30 days. A longer one is cut to it, because a
/// carrier's reading of months is its own, and sooner is always safe.
pub const RELATIVE_MAX_SECONDS: u32 = 30 * 86_400;

/// A relative time (`YYMMDDhhmmss000R`) of so many seconds, at most [`RELATIVE_MAX_SECONDS`].
pub fn relative(seconds: u32) -> TimeField {
    let seconds = seconds.min(RELATIVE_MAX_SECONDS);
    let mut field = *b"000000000000000R";
    let parts = [
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    ];
    let places = field.iter_mut().skip(4);
    let digits = parts.iter().flat_map(|part| [part / 10, part % 10]);
    for (place, digit) in places.zip(digits) {
        *place = b'0' + u8::try_from(digit).unwrap_or(0);
    }
    field
}

/// Reads a relative time back, in seconds. Months count 30 days and years 365, as nothing better can
/// be known. `None` when it is none.
pub fn parse_relative(field: &[u8]) -> Option<u64> {
    let (digits, b"000R") = field.split_at_checked(12)? else {
        return None;
    };
    let [years, months, days, hours, minutes, seconds] = pairs(digits)?;
    let days = years * 365 + months * 30 + days;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// Reads an absolute time (`YYMMDDhhmmsstnnp`), in seconds since 1970 UTC. `None` when it is none.
pub fn parse_absolute(field: &[u8]) -> Option<i64> {
    let (civil, [tenths, quarter_tens, quarters, sign]) = field.split_at_checked(12)? else {
        return None;
    };
    if !tenths.is_ascii_digit() {
        return None;
    }
    let quarters = i64::try_from(pair(&[*quarter_tens, *quarters])?).ok()?;
    let local = parse_receipt_date(civil)?;
    match sign {
        b'+' if quarters <= 48 => Some(local - quarters * 900),
        b'-' if quarters <= 48 => Some(local + quarters * 900),
        _ => None,
    }
}

/// Writes an absolute time of UTC, from seconds since 1970; of the year only the last two digits.
pub fn absolute(seconds: u64) -> TimeField {
    let mut field = *b"000000000000000+";
    let date = receipt_date(seconds);
    let second = seconds % 60;
    let tail = [second / 10, second % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0));
    for (place, octet) in field.iter_mut().zip(date.into_iter().chain(tail)) {
        *place = octet;
    }
    field
}

/// Reads a date of a receipt, `YYMMDDhhmm` with or without `ss`, as if it were UTC, in seconds since
/// 1970. The carrier's time zone is not in it. `None` when it is none.
pub fn parse_receipt_date(date: &[u8]) -> Option<i64> {
    let [year, month, day, hour, minute, second] = match date.len() {
        12 => pairs(date)?,
        10 => {
            let [year, month, day, hour, minute] = pairs(date)?;
            [year, month, day, hour, minute, 0]
        }
        _ => return None,
    };
    let in_range = hour < 24 && minute < 60 && second < 60;
    let days = days_since_1970(2000 + year, month, day)?;
    in_range.then(|| (((days * 24 + hour) * 60 + minute) * 60 + second).cast_signed())
}

/// Writes a date as receipts have it (`YYMMDDhhmm`), from seconds since 1970 UTC; of the year only
/// the last two digits.
pub fn receipt_date(seconds: u64) -> [u8; 10] {
    let (days, minutes) = (seconds / 86_400, seconds / 60 % 1_440);
    let (year, month, day) = civil(days);
    let mut date = [b'0'; 10];
    let parts = [year % 100, month, day, minutes / 60, minutes % 60];
    let digits = parts.iter().flat_map(|part| [part / 10, part % 10]);
    for (place, digit) in date.iter_mut().zip(digits) {
        *place = b'0' + u8::try_from(digit).unwrap_or(0);
    }
    date
}

/// The Gregorian date of a day since 1970-01-01: years are counted from March, so that the leap day
/// is the last of its year, in eras of 400 years.
const fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_1970: u64 = 719_468;
    const ERA_DAYS: u64 = 146_097;
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA_DAYS - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let in_month = day - (153 * month + 2) / 5 + 1;
    let (month, carried) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carried, month, in_month)
}

/// `N` numbers of two digits each.
fn pairs<const N: usize>(digits: &[u8]) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits.chunks(2)) {
        *number = pair(digits)?;
    }
    Some(numbers)
}

fn pair(digits: &[u8]) -> Option<u64> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u64::from(tens - b'0') * 10 + u64::from(ones - b'0'))
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, for years from 2000.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = u64::from(
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)),
    );
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = MONTHS.get(before)? + if month == 2 { leap } else { 0 };
    if day == 0 || day > length {
        return None;
    }
    let in_year: u64 = MONTHS.iter().take(before).sum::<u64>() + if month > 2 { leap } else { 0 };
    let last = year - 1;
    let leaps = (last / 4 - last / 100 + last / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    Some((year - 1970) * 365 + leaps + in_year + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    #[test]
    fn ten_minutes_are_written_as_in_the_specification() {
        assert_eq!(&relative(600), b"000000001000000R");
        assert_eq!(&relative(90_061), b"000001010101000R");
        assert_eq!(&relative(1), b"000000000001000R");
    }

    #[test]
    fn a_longer_validity_is_cut_and_never_wraps() {
        assert_eq!(relative(u32::MAX), relative(RELATIVE_MAX_SECONDS));
        assert_eq!(&relative(RELATIVE_MAX_SECONDS), b"000030000000000R");
    }

    #[test]
    fn dates_of_receipts_have_ten_or_twelve_digits() {
        assert_eq!(parse_receipt_date(b"2611221000"), Some(1_795_341_600));
        assert_eq!(parse_receipt_date(b"261122100059"), Some(1_795_341_659));
        assert_eq!(parse_receipt_date(b"0001010000"), Some(946_684_800));
        assert_eq!(parse_receipt_date(b"2402290000"), Some(1_709_164_800));
        for wrong in [
            "",
            "26112210",
            "2613221000",
            "2611311000",
            "2302290000",
            "2611222400",
            "26112210xx",
        ] {
            assert_eq!(parse_receipt_date(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn absolute_times_carry_their_zone() {
        assert_eq!(parse_absolute(b"261122100000000+"), Some(1_795_341_600));
        assert_eq!(parse_absolute(b"261122110000004+"), Some(1_795_341_600));
        assert_eq!(parse_absolute(b"261122090000004-"), Some(1_795_341_600));
        assert_eq!(parse_absolute(b"261122090000004R"), None);
        assert_eq!(parse_absolute(b"261122090000049+"), None);
    }

    proptest! {
        #[test]
        fn dates_of_receipts_read_back(minutes in 15_778_080_u64..68_374_080) {
            // 2000 to 2099, the years that two digits tell.
            let date = receipt_date(minutes * 60);
            prop_assert_eq!(parse_receipt_date(&date), Some((minutes * 60).cast_signed()));
        }

        #[test]
        fn absolute_times_read_back(seconds in 946_684_800_u64..4_102_444_800) {
            prop_assert_eq!(parse_absolute(&absolute(seconds)), Some(seconds.cast_signed()));
        }

        #[test]
        fn relative_times_read_back(seconds in 0_u32..=RELATIVE_MAX_SECONDS) {
            prop_assert_eq!(parse_relative(&relative(seconds)), Some(u64::from(seconds)));
        }

        #[test]
        fn any_octets_are_read_without_panic(octets: Vec<u8>) {
            let _ = (parse_relative(&octets), parse_absolute(&octets));
            prop_assert!(parse_receipt_date(&octets).is_none_or(|date| date >= 946_684_800));
        }
    }
}
