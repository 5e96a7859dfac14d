//! Figures that are shown, and never judged.

use std::io::Write as _;

/// Shows a figure, also of a test that passes; `scripts/test` lists them at its end.
pub fn figure(text: &str) {
    // Not by a macro, whose output the test harness keeps to itself; one write, so that no other line gets in between.
    std::io::stderr().write_all(format!("\nfigure: {text}\n").as_bytes()).unwrap();
}
