//! Dates as the server writes them: per dialect, in the JVM's language and zone (section 4).

use jiff::{
    Timestamp, Zoned, civil,
    fmt::strtime,
    tz::{Offset, TimeZone},
};

use super::options::{DateLocale, Wso2Options};

const DAYS_DE: [&str; 7] = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];
const MONTHS_DE: [&str; 12] =
    ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"];

/// `at` as a date member of a policy.
pub(super) fn text(options: &Wso2Options, at: Timestamp) -> String {
    let local = at.to_zoned(zone(options.date_zone_minutes));
    match (options.dialect.is_admin(), options.date_locale) {
        (true, DateLocale::En) => local.strftime("%b %-d, %Y %-I:%M:%S %p").to_string(),
        (true, DateLocale::De) => local.strftime("%d.%m.%Y %H:%M:%S").to_string(),
        (false, DateLocale::En) => local.strftime("%a, %-d %b %Y %H:%M:%S %z").to_string(),
        (false, DateLocale::De) => german(&local),
    }
}

/// Whether the server could read `sent` back: any other text fails the whole request.
pub(super) fn readable(options: &Wso2Options, sent: &str) -> bool {
    match (options.dialect.is_admin(), options.date_locale) {
        (true, DateLocale::En) => civil::DateTime::strptime("%b %d, %Y %I:%M:%S %p", sent).is_ok(),
        (true, DateLocale::De) => civil::DateTime::strptime("%d.%m.%Y %H:%M:%S", sent).is_ok(),
        (false, DateLocale::En) => strtime::parse("%a, %d %b %Y %H:%M:%S %z", sent).is_ok(),
        (false, DateLocale::De) => {
            let rest = sent.split_once(", ").map_or(sent, |(_, rest)| rest);
            let month = rest.split(' ').nth(1).unwrap_or_default();
            MONTHS_DE.contains(&month)
        }
    }
}

fn german(local: &Zoned) -> String {
    let day = DAYS_DE.get(usize::from(local.weekday().to_monday_zero_offset().unsigned_abs()));
    let month = MONTHS_DE.get(usize::from(local.month().unsigned_abs()).saturating_sub(1));
    let (day, month) = (day.unwrap_or(&"?"), month.unwrap_or(&"?"));
    format!("{day}, {} {month} {}", local.day(), local.strftime("%Y %H:%M:%S %z"))
}

fn zone(minutes: i32) -> TimeZone {
    Offset::from_seconds(minutes.saturating_mul(60)).map_or(TimeZone::UTC, TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{readable, text};
    use crate::sandbox::wso2::options::{DateLocale, Dialect, Wso2Options};

    #[test]
    fn each_dialect_and_language() {
        let at = "2026-03-03T09:15:00Z".parse().unwrap();
        let cases = [
            (Dialect::MdmAdmin, DateLocale::En, 0, "Mar 3, 2026 9:15:00 AM"),
            (Dialect::MdmAdmin, DateLocale::De, 60, "03.03.2026 10:15:00"),
            (Dialect::DeviceMgtV1, DateLocale::En, 0, "Tue, 3 Mar 2026 09:15:00 +0000"),
            (Dialect::Entgra, DateLocale::De, -90, "Di, 3 Mär 2026 07:45:00 -0130"),
        ];
        for (dialect, date_locale, date_zone_minutes, want) in cases {
            let options = Wso2Options { date_locale, date_zone_minutes, ..Wso2Options::of(dialect) };
            assert_eq!(text(&options, at), want);
            assert!(readable(&options, want), "the server reads what it wrote: {want}");
            assert!(
                !readable(&options, "2026-03-03T09:15:00Z"),
                "but not ISO ({dialect:?}, {date_locale:?})"
            );
        }
    }
}
