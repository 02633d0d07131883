//! What a process and its children used: CPU as the scheduler counts it, memory, open files.

use std::{io, path::Path, time::Duration};

use rustix::{
    process::Pid,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// The cores of a measurement: one for the target, one for all that is needed to measure it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The target's.
    pub target: usize,
    /// Callers' and server's; the same on a machine with one core.
    pub rest: usize,
}

impl Cores {
    /// The first two that this process may use.
    pub fn of_this_process() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let target = cores.next().unwrap_or(0);
        let rest = cores.next().unwrap_or(target);
        Ok(Self { target, rest })
    }
}

/// Moves the main thread of a process to a core, or this thread; what it starts later stays there.
pub fn pin(process: Option<Pid>, core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(process, &cores)?)
}

/// The process and everything it started, as far as it lives.
pub(crate) fn tree(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        next += 1;
        for task in entries(&Path::new("/proc").join(process.to_string()).join("task")) {
            let children = fs_err::read_to_string(task.join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
    }
    found
}

fn entries(directory: &Path) -> Vec<std::path::PathBuf> {
    // A process may be gone by the time it is looked at; then it uses nothing more.
    let entries = fs_err::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// CPU time, user and system together, of the living threads of a process tree. `schedstat` counts nanoseconds, where
/// `stat` counts hundredths of a second: more than the whole of what a fast proxy uses in a round.
pub fn cpu(process: u32) -> Duration {
    let tasks = tree(process)
        .into_iter()
        .flat_map(|id| entries(&Path::new("/proc").join(id.to_string()).join("task")));
    let nanoseconds = tasks.filter_map(|task| {
        let text = fs_err::read_to_string(task.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Proportional set size of a process tree, in KiB.
pub fn pss_kib(process: u32) -> u64 {
    let sizes = tree(process).into_iter().filter_map(|id| {
        let text = fs_err::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    sizes.sum()
}

/// Open file descriptors of a process tree.
pub fn files(process: u32) -> usize {
    let open = |id: u32| entries(Path::new(&format!("/proc/{id}/fd"))).len();
    tree(process).into_iter().map(open).sum()
}

#[cfg(test)]
mod tests {
    use super::{cpu, files, pss_kib};

    #[test]
    fn this_process_uses_what_it_uses() {
        let me = std::process::id();
        let (before, open) = (cpu(me), files(me));
        let mut sum = 0_u64;
        while cpu(me).saturating_sub(before).as_millis() < 20 {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(sum > 0);
        let _file = fs_err::File::open("/proc/self/stat").unwrap();
        assert!(files(me) > open.min(files(me) - 1));
        assert!(pss_kib(me) > 100);
        assert_eq!(cpu(u32::MAX).as_nanos(), 0);
    }
}
