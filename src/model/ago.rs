//! Times for people: how long ago, in one unit.

use jiff::Timestamp;

/// How long ago, as kubectl says it: `45s`, `12m`, `5h`, `3d`. What lies ahead is `0s`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    ago(since, now, ["s", "m", "h", "d"])
}

/// The same within a sentence: `45 s`, `12 min`, `5 h`, `3 days`.
pub fn spoken(since: Timestamp, now: Timestamp) -> String {
    ago(since, now, [" s", " min", " h", " days"])
}

/// Each unit from two of it on.
fn ago(since: Timestamp, now: Timestamp, [second, minute, hour, day]: [&str; 4]) -> String {
    match now.duration_since(since).as_secs().max(0) {
        seconds @ ..120 => format!("{seconds}{second}"),
        seconds @ ..7_200 => format!("{}{minute}", seconds / 60),
        seconds @ ..172_800 => format!("{}{hour}", seconds / 3_600),
        seconds => format!("{}{day}", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let cases = [
            (-5, "0s", "0 s", "a clock ahead of ours says nothing"),
            (119, "119s", "119 s", "short of two minutes"),
            (120, "2m", "2 min", "two minutes"),
            (7_199, "119m", "119 min", "short of two hours"),
            (7_200, "2h", "2 h", "two hours"),
            (172_799, "47h", "47 h", "short of two days"),
            (172_800, "2d", "2 days", "two days"),
        ];
        let then = Timestamp::UNIX_EPOCH;
        for (seconds, short, long, why) in cases {
            let now = then + jiff::SignedDuration::from_secs(seconds);
            assert_eq!((age(then, now).as_str(), spoken(then, now).as_str()), (short, long), "{why}");
        }
    }
}
