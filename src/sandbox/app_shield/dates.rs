//! Ids and dates as the server writes them: all of its local time, in three notations (section 8).

use jiff::{
    Timestamp, Zoned,
    tz::{Offset, TimeZone},
};

/// What stands for "no date" (section 8).
pub const NONE: &str = "0001-01-01T00:00:00";

/// Ticks at 1970-01-01: 100 ns each, counted from year 1.
const EPOCH_TICKS: i128 = 621_355_968_000_000_000;
const NANOS_PER_TICK: i128 = 100;
const NANOS_PER_MINUTE: i128 = 60_000_000_000;

/// The .NET ticks of the server's **local** time, which ids are made from (section 8).
pub fn ticks(zone_minutes: i32, at: Timestamp) -> i64 {
    let local = at.as_nanosecond().saturating_add(i128::from(zone_minutes).saturating_mul(NANOS_PER_MINUTE));
    i64::try_from(EPOCH_TICKS.saturating_add(local / NANOS_PER_TICK)).unwrap_or(i64::MAX)
}

/// ISO 8601 with offset and 6 or 7 fractional digits: `CreatedDate` (section 4.2).
pub fn iso(zone_minutes: i32, at: Timestamp) -> String {
    let local = local(zone_minutes, at);
    let digits = format!("{:07}", local.subsec_nanosecond().unsigned_abs() / 100);
    let digits = digits.strip_suffix('0').unwrap_or(&digits);
    format!("{}.{digits}{}", local.strftime("%Y-%m-%dT%H:%M:%S"), local.strftime("%:z"))
}

/// ISO 8601 without offset: dates of people and groups (section 8).
pub fn plain(zone_minutes: i32, at: Timestamp) -> String {
    local(zone_minutes, at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// US notation with a 12-hour clock and no zone: `ModifiedDate` (section 4.2).
pub fn american(zone_minutes: i32, at: Timestamp) -> String {
    local(zone_minutes, at).strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
}

/// Milliseconds in UTC with an offset: `SessionExpir` (section 3.1).
pub fn expiry(at: Timestamp) -> String {
    let utc = at.to_zoned(TimeZone::UTC);
    format!("{}.{:03}+00:00", utc.strftime("%Y-%m-%dT%H:%M:%S"), utc.millisecond())
}

fn local(zone_minutes: i32, at: Timestamp) -> Zoned {
    let zone = Offset::from_seconds(zone_minutes.saturating_mul(60));
    at.to_zoned(zone.map_or(TimeZone::UTC, TimeZone::fixed))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_sample_of_the_sheet_comes_out_to_the_digit() {
        for (why, zone, utc) in [
            ("the server's zone", 60, "2016-10-25T12:18:30.9455587Z"),
            ("another one, same local time, same id", -420, "2016-10-25T20:18:30.9455587Z"),
        ] {
            let at: Timestamp = utc.parse().unwrap();
            assert_eq!(ticks(zone, at), 636_129_983_109_455_587, "{why}");
            assert_eq!(american(zone, at), "10/25/2016 1:18:30 PM", "{why}");
            assert_eq!(plain(zone, at), "2016-10-25T13:18:30", "{why}");
        }
    }

    #[test]
    fn each_notation_of_one_moment() {
        for (why, utc, iso_text, us_text, expiry_text) in [
            (
                "seven digits",
                "2026-02-03T08:15:30.0123456Z",
                "2026-02-03T09:15:30.0123456+01:00",
                "2/3/2026 9:15:30 AM",
                "2026-02-03T08:15:30.012+00:00",
            ),
            (
                "a last digit of zero is not written",
                "2026-02-03T08:15:00.123456Z",
                "2026-02-03T09:15:00.123456+01:00",
                "2/3/2026 9:15:00 AM",
                "2026-02-03T08:15:00.123+00:00",
            ),
            (
                "midnight is twelve",
                "2026-12-31T23:00:00Z",
                "2027-01-01T00:00:00.000000+01:00",
                "1/1/2027 12:00:00 AM",
                "2026-12-31T23:00:00.000+00:00",
            ),
        ] {
            let at: Timestamp = utc.parse().unwrap();
            assert_eq!(
                (iso(60, at), american(60, at), expiry(at)),
                (iso_text.to_owned(), us_text.to_owned(), expiry_text.to_owned()),
                "{why}"
            );
        }
    }
}
