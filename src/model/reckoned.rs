//! Numbers of things for people.

use std::fmt::Display;

/// `1 object`, `2 objects`: of words that take an `s`, and with what stands around them worded so that it goes with both.
pub fn reckoned<N: Display + PartialEq + From<u8>>(count: N, one: &str) -> String {
    if count == N::from(1) { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::reckoned;

    #[test]
    fn one_is_one_and_all_else_are_several() {
        let cases = [(0_u32, "0 removals"), (1, "1 removal"), (2, "2 removals"), (11, "11 removals")];
        for (count, told) in cases {
            assert_eq!(reckoned(count, "removal"), told);
        }
    }
}
