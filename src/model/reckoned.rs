//! Numbers of things for people.

/// `1 object`, `2 objects`: of words that take an `s`.
pub fn reckoned(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
