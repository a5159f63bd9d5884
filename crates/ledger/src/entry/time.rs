//! Times in entries: RFC 3339 in UTC with exactly six digits of fraction and `Z`. Written by hand,
//! since every entry has one and the writer is a single thread. Reads no clock.

/// How long a time is, in bytes.
pub(super) const TIME_BYTES: usize = 27;
/// The form, with a zero for any digit.
const FORM: &[u8; TIME_BYTES] = b"0000-00-00T00:00:00.000000Z";
/// The last microsecond of the year 9999; later times are written as this one.
const MAX_MICROS: u64 = 253_402_300_799_999_999;

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// Days from 0000-03-01, where leap days end their years, to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;
const DAYS_PER_400_YEARS: u64 = 146_097;

/// Appends the moment that many microseconds after 1970-01-01T00:00:00Z, without quotes.
pub(crate) fn write(out: &mut Vec<u8>, micros: u64) {
    let micros = micros.min(MAX_MICROS);
    let seconds = micros / MICROS_PER_SECOND;
    let (year, month, day) = date_of(seconds / SECONDS_PER_DAY);
    digits::<4>(out, year, b'-');
    digits::<2>(out, month, b'-');
    digits::<2>(out, day, b'T');
    digits::<2>(out, seconds / 3_600 % 24, b':');
    digits::<2>(out, seconds / 60 % 60, b':');
    digits::<2>(out, seconds % 60, b'.');
    digits::<6>(out, micros % MICROS_PER_SECOND, b'Z');
}

/// Microseconds since 1970 of a time in exactly the form that [`write`] gives; `None` otherwise.
pub(crate) fn read(text: &str) -> Option<u64> {
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        sign => byte == *sign,
    };
    if text.len() != TIME_BYTES || !text.bytes().zip(FORM).all(fits) {
        return None;
    }
    let number = |range: core::ops::Range<usize>| -> Option<u64> { text.get(range)?.parse().ok() };
    let date = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Counting back refuses what no calendar has, such as 30 February.
    let days = days_of(date.0, date.1, date.2).filter(|days| date_of(*days) == date)?;
    let seconds = days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    Some(seconds * MICROS_PER_SECOND + number(20..26)?)
}

/// The date a number of days after 1970-01-01, in the proleptic Gregorian calendar. Years are
/// counted from 1 March, so that the leap day comes last and months follow one straight line.
const fn date_of(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_TO_1970;
    let era = days / DAYS_PER_400_YEARS;
    let day_of_era = days % DAYS_PER_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The inverse of [`date_of`]; `None` before 1970 or for a month or day of zero.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let day_before = day.checked_sub(1)?;
    let (year, month_from_march) = match month {
        1 | 2 => (year.checked_sub(1)?, month + 9),
        3..=12 => (year, month - 3),
        _ => return None,
    };
    let year_of_era = year % 400;
    let day_of_year = (153 * month_from_march + 2) / 5 + day_before;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (year / 400 * DAYS_PER_400_YEARS + day_of_era).checked_sub(DAYS_TO_1970)
}

/// A number in exactly `N` digits, and the sign after it.
fn digits<const N: usize>(out: &mut Vec<u8>, number: u64, after: u8) {
    let mut text = [b'0'; N];
    let mut rest = number;
    for place in text.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    out.extend_from_slice(&text);
    out.push(after);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn written(micros: u64) -> String {
        let mut out = Vec::new();
        write(&mut out, micros);
        String::from_utf8(out).unwrap()
    }

    fn by_jiff(micros: u64) -> String {
        let moment = jiff::Timestamp::from_microsecond(i64::try_from(micros).unwrap()).unwrap();
        format!("{moment:.6}")
    }

    #[test]
    fn dates_to_the_year_9999_agree_with_jiff_and_read_back() {
        for day in 0..=(MAX_MICROS / MICROS_PER_SECOND / SECONDS_PER_DAY) {
            let midnight = day * SECONDS_PER_DAY * MICROS_PER_SECOND;
            // jiff is asked about a sample, which has each new year and all months in it.
            if day % 61 == 0 || day % 365 < 2 {
                assert_eq!(written(midnight), by_jiff(midnight));
            }
            assert_eq!(days_of_date(date_of(day)), Some(day));
        }
    }

    fn days_of_date((year, month, day): (u64, u64, u64)) -> Option<u64> {
        days_of(year, month, day)
    }

    #[test]
    fn the_ends_of_time_have_their_form() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(MAX_MICROS), "9999-12-31T23:59:59.999999Z");
        assert_eq!(written(u64::MAX), "9999-12-31T23:59:59.999999Z");
        assert_eq!(written(0).len(), TIME_BYTES);
    }

    #[test]
    fn only_the_one_form_is_read() {
        assert_eq!(
            read("2024-02-29T23:59:59.000001Z"),
            Some(1_709_251_199_000_001)
        );
        for wrong in [
            "2023-02-29T00:00:00.000000Z",
            "2024-13-01T00:00:00.000000Z",
            "2024-00-01T00:00:00.000000Z",
            "2024-01-00T00:00:00.000000Z",
            "2024-01-01T24:00:00.000000Z",
            "2024-01-01T00:00:60.000000Z",
            "2024-01-01T00:00:00.00000Z",
            "2024-01-01T00:00:00.0000000Z",
            "2024-01-01t00:00:00.000000Z",
            "2024-01-01T00:00:00.000000+",
            "1969-12-31T23:59:59.999999Z",
            "+024-01-01T00:00:00.000000Z",
            "2024-01-01T00:00:00.0000é0Z",
            "",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_moment_agrees_with_jiff_and_reads_back(micros in 0..=MAX_MICROS) {
            prop_assert_eq!(written(micros), by_jiff(micros));
            prop_assert_eq!(read(&written(micros)), Some(micros));
        }

        #[test]
        fn reading_never_panics(text in ".{0,30}") {
            let _ = read(&text);
        }
    }
}
