//! Verdicts for objects no worker owns.

