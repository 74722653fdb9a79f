//! Disk, memory, runtimes, and what the kernel gives to lock Blender in.

use pictor_protocol::agent::RuntimeInfo;
use pictor_protocol::gpus::supported;

use super::Check;
use super::facts::{Disk, Facts, Process};

/// With less, not even one usual scene with its pictures fits.
const DISK_BYTES_LEAST: u64 = 2 << 30;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let needs = supported().network;
    vec![
        runtimes(&facts.runtimes),
        disk(facts.disk.as_ref(), needs.disk_bytes_min),
        memory(facts.memory_bytes, needs.memory_bytes_min),
        landlock(&facts.process),
        seccomp(&facts.process),
        no_new_privs(&facts.process, facts.is_container),
        user(&facts.process, facts.is_container),
    ]
}

/// A machine sold with so much memory shows a little less: firmware and kernel keep some.
pub(super) fn has_at_least(bytes: u64, wanted: u64) -> bool {
    bytes >= wanted - wanted / 16
}

pub(super) fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

fn runtimes(runtimes: &Result<Vec<RuntimeInfo>, String>) -> Check {
    match runtimes {
        Err(why) => Check::failed(
            "runtimes",
            why.clone(),
            "let the worker's user read that directory",
        ),
        Ok(installed) if installed.is_empty() => Check::failed(
            "runtimes",
            "no Blender is installed",
            "run `pictor-worker runtime install 4.5`",
        ),
        Ok(installed) => {
            let versions: Vec<_> = installed.iter().map(|it| it.version.as_str()).collect();
            Check::ok("runtimes", format!("Blender {}", versions.join(", ")))
        }
    }
}

fn disk(disk: Option<&Disk>, wanted: u64) -> Check {
    let Some(disk) = disk else {
        return Check::not_applicable("disk", "no cache directory is known");
    };
    let dir = disk.dir.display();
    if !disk.is_writable {
        return Check::failed(
            "disk",
            format!("the cache directory {dir} cannot be written"),
            "give it to the worker's user, or set options.cache_dir in the config",
        );
    }
    let detail = format!("{} free for {dir}", gib(disk.free_bytes));
    let remedy =
        "make room, or set options.cache_dir in the config to a directory on a larger disk";
    if disk.free_bytes < DISK_BYTES_LEAST {
        Check::failed("disk", detail, remedy)
    } else if disk.free_bytes < wanted {
        Check::warning(
            "disk",
            format!("{detail}; {} are advised", gib(wanted)),
            remedy,
        )
    } else {
        Check::ok("disk", detail)
    }
}

fn memory(bytes: Option<u64>, wanted: u64) -> Check {
    match bytes {
        None => Check::not_applicable("memory", "the kernel does not say how much there is"),
        Some(bytes) if has_at_least(bytes, wanted) => Check::ok("memory", gib(bytes)),
        Some(bytes) => Check::warning(
            "memory",
            format!("{}; {} are advised", gib(bytes), gib(wanted)),
            "large scenes will fail here: add memory, or raise the container's limit",
        ),
    }
}

fn landlock(process: &Process) -> Check {
    match process.landlock_abi {
        Some(abi) => Check::ok("Landlock", format!("available, version {abi}")),
        None => Check::warning(
            "Landlock",
            "the kernel does not offer it, so less keeps Blender from the machine's files",
            "use Linux 5.13 or newer with Landlock enabled (`lsm=landlock,…` on the kernel's command line)",
        ),
    }
}

fn seccomp(process: &Process) -> Check {
    match process.has_seccomp_filter {
        Some(true) => Check::ok("seccomp", "available, and a filter is active"),
        Some(false) => Check::ok(
            "seccomp",
            "available; no filter is active on the worker itself",
        ),
        None => Check::warning(
            "seccomp",
            "the kernel does not offer it, so nothing keeps Blender from unusual system calls",
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
    }
}

fn no_new_privs(process: &Process, is_container: bool) -> Check {
    const NAME: &str = "no new privileges";
    match process.no_new_privs {
        Some(true) => Check::ok(NAME, "set"),
        Some(false) if is_container => Check::warning(
            NAME,
            "not set: programs in the container may gain rights",
            "start the container with `--security-opt no-new-privileges`",
        ),
        Some(false) => Check::not_applicable(NAME, "not set; it is an option of containers"),
        None => Check::not_applicable(NAME, "the kernel does not say"),
    }
}

fn user(process: &Process, is_container: bool) -> Check {
    if process.uid != 0 {
        return Check::ok("user", format!("uid {}", process.uid));
    }
    let remedy = if is_container {
        "start the container with an ordinary user (`--user 1000:1000`)"
    } else {
        "run the worker as a user of its own"
    };
    Check::warning("user", "the worker runs as root", remedy)
}

/// What the worker runs in, outermost first. Landlock is not among it: that it is there keeps nobody from
/// anything.
pub(super) fn layers(process: &Process, is_container: bool) -> Vec<String> {
    [
        ("container", is_container),
        ("ordinary user", process.uid != 0),
        ("no new privileges", process.no_new_privs == Some(true)),
        ("seccomp", process.has_seccomp_filter == Some(true)),
    ]
    .into_iter()
    .filter(|(_, is_active)| *is_active)
    .map(|(layer, _)| layer.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use pictor_protocol::blender::Series;

    use super::super::Outcome;
    use super::*;

    #[test]
    fn only_layers_that_are_active_are_told_of() {
        let root = Process {
            uid: 0,
            landlock_abi: Some(7),
            has_seccomp_filter: Some(false),
            no_new_privs: None,
        };
        assert_eq!(layers(&root, false), [""; 0]);
        let kept = Process {
            uid: 1_000,
            landlock_abi: None,
            has_seccomp_filter: Some(true),
            no_new_privs: Some(true),
        };
        let all = ["container", "ordinary user", "no new privileges", "seccomp"];
        assert_eq!(layers(&kept, true), all);
    }

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_disk_warns_before_it_fails() {
        for (free, is_writable, outcome) in [
            (50 * GIB, true, Outcome::Ok),
            (49 * GIB, true, Outcome::Warning),
            (GIB, true, Outcome::Failed),
            (500 * GIB, false, Outcome::Failed),
        ] {
            let found = Disk {
                dir: "/cache".into(),
                free_bytes: free,
                is_writable,
            };
            let check = disk(Some(&found), 50 * GIB);
            assert_eq!(check.outcome, outcome, "{check:?}");
        }
        assert_eq!(disk(None, GIB).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn memory_may_be_a_little_less_than_on_the_label() {
        for (mib, outcome) in [
            (16_384, Outcome::Ok),
            (15_500, Outcome::Ok),
            (15_000, Outcome::Warning),
        ] {
            let check = memory(Some(mib << 20), 16 * GIB);
            assert_eq!(check.outcome, outcome, "{check:?}");
        }
        assert_eq!(memory(None, GIB).outcome, Outcome::NotApplicable);
    }

    #[test]
    fn a_worker_without_blender_fails() {
        let installed = RuntimeInfo {
            series: Series::new(4, 5),
            version: "4.5.15 LTS".into(),
        };
        for (found, outcome) in [
            (Ok(vec![installed]), Outcome::Ok),
            (Ok(Vec::new()), Outcome::Failed),
            (Err("no permission".to_owned()), Outcome::Failed),
        ] {
            assert_eq!(runtimes(&found).outcome, outcome);
        }
    }

    #[test]
    fn what_locks_blender_in_is_a_warning_where_it_is_missing() {
        let whole = Process {
            uid: 1000,
            landlock_abi: Some(7),
            has_seccomp_filter: Some(false),
            no_new_privs: Some(true),
        };
        let bare = Process {
            no_new_privs: Some(false),
            ..Process::default()
        };
        for (process, is_container, outcomes) in [
            (&whole, true, [Outcome::Ok; 4]),
            (&bare, true, [Outcome::Warning; 4]),
            (
                &bare,
                false,
                [
                    Outcome::Warning,
                    Outcome::Warning,
                    Outcome::NotApplicable,
                    Outcome::Warning,
                ],
            ),
        ] {
            let checks = [
                landlock(process),
                seccomp(process),
                no_new_privs(process, is_container),
                user(process, is_container),
            ];
            assert_eq!(checks.map(|check| check.outcome), outcomes);
        }
    }
}
