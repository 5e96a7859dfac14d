//! watch (under construction).
