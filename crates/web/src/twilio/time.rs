//! Times as Twilio's APIs write them: RFC 2822 in Messages, ISO 8601 in Verify, whole seconds of UTC in both.

use domain::time::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Thu, 24 Aug 2023 05:01:45 +0000`.
pub(crate) fn rfc2822(time: Timestamp) -> String {
    let text = time.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    // 1970 began on a Thursday.
    let day = usize::try_from(time.seconds() / 86_400 % 7).unwrap_or_default();
    let month: usize = part(5, 7).parse().unwrap_or(1);
    format!(
        "{}, {} {} {} {} +0000",
        DAYS.get(day).copied().unwrap_or_default(),
        part(8, 10),
        MONTHS
            .get(month.saturating_sub(1))
            .copied()
            .unwrap_or_default(),
        part(0, 4),
        part(11, 19),
    )
}

/// `2023-08-24T05:01:45Z`.
pub(crate) fn iso8601(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..19).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_whole_seconds_of_utc() {
        let time: Timestamp = "2023-08-24T05:01:45.9Z".parse().unwrap();
        assert_eq!(rfc2822(time), "Thu, 24 Aug 2023 05:01:45 +0000");
        assert_eq!(iso8601(time), "2023-08-24T05:01:45Z");
        let leap: Timestamp = "2024-02-29T23:59:59Z".parse().unwrap();
        assert_eq!(rfc2822(leap), "Thu, 29 Feb 2024 23:59:59 +0000");
        let late: Timestamp = "2026-12-06T00:00:00Z".parse().unwrap();
        assert_eq!(rfc2822(late), "Sun, 06 Dec 2026 00:00:00 +0000");
        assert_eq!(rfc2822(Timestamp::EPOCH), "Thu, 01 Jan 1970 00:00:00 +0000");
    }
}
