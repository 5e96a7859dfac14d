//! What this process has taken of the machine, as the kernel counts it.

use std::fs;

/// Nanoseconds all its threads have computed.
pub fn cpu() -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("Linux tells of threads");
    threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Bytes it holds in memory now.
pub fn resident() -> u64 {
    status("VmRSS:")
}

/// The most bytes it ever held in memory.
pub fn peak() -> u64 {
    status("VmHWM:")
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells of memory");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") * 1024
}
