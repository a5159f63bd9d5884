//! `[pumping]`: when codes that nobody uses are refused.

use domain::verification::pumping::Mode;

use super::section::section;

section! {
    /// The guard against pumping: fraudsters who make an application send codes to numbers whose carriers pay
    /// them. Such codes go unused, and their numbers lie close together. A limit is exceeded when more than so
    /// many codes went unused **and** a smaller share than the given one was used, so that busy honest traffic is
    /// left alone. All of it can change on a reload, and no count is lost.
    pub struct Pumping {
        /// `enforce` refuses. `record` lets everything through and only tells in the ledger, in metrics and in
        /// `shortstop verifications stats` what it would have refused: to try limits on live traffic.
        pub mode: Mode = Mode::Enforce,
        /// Unused codes of one client to one country in 24 hours.
        pub country_day_unused_max: u32 = 20,
        /// Or so many percent of the codes that were used on the best of the last 14 days, if that is more.
        pub country_day_baseline_percent: u32 = 30,
        /// Unused codes of one client to one country in an hour.
        pub country_hour_unused_max: u32 = 10,
        /// Or so many percent of a sixth of the best day, or of what was used in this hour.
        pub country_hour_baseline_percent: u32 = 20,
        /// Codes of one client to one country that can still be typed in (those of the last ten minutes). They count as
        /// unused only once they have ended, or where those that have ended show that nobody uses them.
        pub country_open_max: u32 = 300,
        /// Or so many percent of a sixth of the best day, or of what was used in this hour.
        pub country_open_baseline_percent: u32 = 20,
        /// A country is left alone while so many percent of the codes are used. Healthy traffic uses 60 to 80.
        pub country_conversion_percent: u32 = 35,
        /// Unused codes to numbers that begin alike (all but the last four digits, at most eight) in 15 minutes.
        pub prefix_quarter_unused_max: u32 = 20,
        /// The same in an hour.
        pub prefix_hour_unused_max: u32 = 30,
        /// Or so many percent of the codes that were used on the best of the last 14 days.
        pub prefix_hour_baseline_percent: u32 = 100,
        /// The same in 24 hours.
        pub prefix_day_unused_max: u32 = 40,
        /// Or so many percent of the codes that were used on the best of the last 14 days.
        pub prefix_day_baseline_percent: u32 = 200,
        /// A prefix is left alone while so many percent of the codes to it are used.
        pub prefix_conversion_percent: u32 = 10,
        /// So many numbers of one hundred in a row, of one client within ten minutes, are too many; those whose
        /// code was used do not count.
        pub adjacent_of_hundred: u32 = 8,
        /// So many numbers in a span of 50, of one client within a day, are too many.
        pub adjacent_of_fifty: u32 = 10,
        /// Hours that a prefix is blocked. Then a few codes are sent, and when those go unused too the next block
        /// begins at once.
        pub block_hours: u64 = 12,
        /// Numbers that are always sent a code, and beginnings of numbers: `+` and 5 digits or more. Your own
        /// staff, test handsets, a partner's range.
        pub safe_list: Vec<String> = Vec::new(),
    }
}
