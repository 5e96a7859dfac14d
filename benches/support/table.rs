//! What was measured, beside what was promised.

/// One figure.
pub struct Row {
    what: String,
    measured: String,
    goal: Option<(String, bool)>,
}

impl Row {
    /// A figure to compare others with.
    pub fn fact(what: impl Into<String>, measured: String) -> Self {
        Self { what: what.into(), measured, goal: None }
    }

    /// A figure with a goal, and whether it is met.
    pub fn goal(what: impl Into<String>, measured: String, goal: impl Into<String>, met: bool) -> Self {
        Self { what: what.into(), measured, goal: Some((goal.into(), met)) }
    }
}

/// Prints the rows below a title, in columns.
pub fn print(title: &str, rows: &[Row]) {
    let width = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (what, measured) = (width(|row| row.what.chars().count()), width(|row| row.measured.chars().count()));
    println!("\n{title}\n");
    for row in rows {
        let verdict = row.goal.as_ref().map(|(goal, met)| {
            let word = if *met { "pass" } else { "MISSED" };
            format!("   goal {goal:<18} {word}")
        });
        let line =
            format!("  {:<what$}   {:>measured$}{}", row.what, row.measured, verdict.unwrap_or_default());
        println!("{}", line.trim_end());
    }
    println!();
}

/// The value below which `percent` of the sorted ones lie; 0 of none.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}
