//! What a process group uses, read from `/proc`.

use std::fs;

/// Memory and processor time of all processes of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub memory_bytes: u64,
    /// In the kernel's ticks: only whether it grows is asked.
    pub cpu_ticks: u64,
}

/// Sums up the group. A process that ends meanwhile counts as nothing.
pub fn group_usage(group: i32) -> Usage {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Usage::default();
    };
    processes
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
        })
        .filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let cpu_ticks = member_ticks(&stat, group)?;
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            Some(Usage {
                memory_bytes: resident_bytes(&status),
                cpu_ticks,
            })
        })
        .fold(Usage::default(), |sum, one| Usage {
            memory_bytes: sum.memory_bytes + one.memory_bytes,
            cpu_ticks: sum.cpu_ticks + one.cpu_ticks,
        })
}

/// User and system time of a `/proc/<pid>/stat` line, if the process belongs to the group. The name in
/// brackets may hold anything, brackets too.
fn member_ticks(stat: &str, group: i32) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    (fields.get(2)?.parse() == Ok(group)).then_some(())?;
    Some(number(11)? + number(12)?)
}

fn resident_bytes(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_with_brackets_in_the_name_is_read() {
        let stat = "7 (a) b (c)) S 1 42 42 0 -1 4194560 1 0 0 0 300 20 0 0 20 0 9 0 1 2 3";
        assert_eq!(member_ticks(stat, 42), Some(320));
        assert_eq!(member_ticks(stat, 7), None);
        assert_eq!(member_ticks("garbage", 7), None);
    }

    #[test]
    fn this_process_uses_memory() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        assert!(group_usage(group).memory_bytes > 1024 * 1024);
    }
}
