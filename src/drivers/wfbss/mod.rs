//! wfbss (under construction).
