//! lease (under construction).
