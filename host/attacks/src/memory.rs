//! How much memory this process takes.
//!
//! Linux tells the highest resident size since it was last asked to forget it; other systems are not asked.

use std::fs;

/// The most that was resident since [`forget_peak`], or since the process started. None where that is not known.
pub fn resident_peak() -> Option<u64> {
    status("VmHWM:")
}

pub(crate) fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// Makes [`resident_peak`] start over from now. Where the system does not allow it, the peak stays: what is measured is
/// then never too little.
pub(crate) fn forget_peak() {
    // `man 5 proc`: 5 resets the peak resident set size.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_seen_and_forgotten() {
        let before = resident_peak().unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        drop(block);
        let peak = resident_peak().unwrap();
        assert!(peak >= before.min(resident().unwrap()) + (32 << 20), "{before} {peak}");
        forget_peak();
        assert!(resident_peak().unwrap() < peak);
    }
}
