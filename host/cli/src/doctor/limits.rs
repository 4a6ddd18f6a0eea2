//! What the system lets this process have, beside what a run asks for.

use rustix::process::{Resource, getrlimit};
use wasmill_pipeline::Needs;

use crate::doctor::findings::Findings;
use crate::table::bytes;

const CHECK: &str = "limits";
/// Staged files, sources and connections of a wide pipeline.
const MANY_FILES: u64 = 1024;
/// A run that may use more than this share of the memory leaves too little for everything else.
const LARGE_SHARE: f64 = 0.75;

/// Looks at open files, address space, memory and processors.
pub fn look(needs: Option<&Needs>, findings: &mut Findings) {
    open_files(getrlimit(Resource::Nofile).current, findings);
    address_space(getrlimit(Resource::As).current, findings);
    memory(machine_memory(), needs, findings);
    findings.ok(CHECK, format!("{} cores, for {} workers", cores(), workers(needs)));
}

/// Splits that are worked on at once.
pub fn workers(needs: Option<&Needs>) -> usize {
    needs.and_then(|needs| needs.workers).unwrap_or_else(cores)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn open_files(limit: Option<u64>, findings: &mut Findings) {
    match limit {
        None => findings.ok(CHECK, "any number of open files"),
        Some(files) if files >= MANY_FILES => {
            findings.ok(CHECK, format!("{files} open files"));
        }
        Some(files) => findings.warning(
            CHECK,
            format!("only {files} open files: pipelines with many files or workers need more"),
            format!("`ulimit -n {MANY_FILES}`, or LimitNOFILE= of the service"),
        ),
    }
}

fn address_space(limit: Option<u64>, findings: &mut Findings) {
    let advice = "`ulimit -v unlimited`, or LimitAS= of the service; bound the memory of runs with pipeline.memory instead";
    match limit {
        None => findings.ok(CHECK, "any amount of address space"),
        Some(limit) => {
            // Whether it is enough for these is seen when the sandbox is tried.
            let message = format!(
                "address space is limited to {}: the pool of instances reserves 4 GiB for each memory, and compilers ask for as much",
                bytes(limit)
            );
            findings.warning(CHECK, message, advice);
        }
    }
}

fn memory(machine: Option<u64>, needs: Option<&Needs>, findings: &mut Findings) {
    let Some(machine) = machine else {
        findings.skipped(CHECK, "this system does not tell how much memory there is");
        return;
    };
    let shown = bytes(machine);
    let Some(needs) = needs else {
        findings.ok(CHECK, format!("{shown} of memory"));
        return;
    };
    let wanted = bytes(needs.memory);
    if needs.memory as f64 > LARGE_SHARE * machine as f64 {
        findings.warning(
            CHECK,
            format!("{shown} of memory, of which pipeline.memory may use {wanted}"),
            "lower pipeline.memory: beside it, batches, the ledger and compilers need memory too",
        );
    } else {
        findings.ok(CHECK, format!("{shown} of memory; pipeline.memory is {wanted}"));
    }
}

/// Bytes of memory that this process can have: those of the machine, or of the control group where it has fewer.
fn machine_memory() -> Option<u64> {
    let all = total_in(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse().ok());
    Some(group.map_or(all, |group: u64| group.min(all)))
}

/// `MemTotal` of <https://www.kernel.org/doc/html/latest/filesystems/proc.html#meminfo>, which counts in KiB.
fn total_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read() {
        let meminfo = "MemTotal:       24681012 kB\nMemFree:        15173252 kB\n";
        assert_eq!(total_in(meminfo), Some(24_681_012 << 10));
        assert_eq!(total_in("MemFree: 1 kB\n"), None);
    }
}
