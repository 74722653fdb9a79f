//! `pictor-worker doctor` as a program, on machines that nobody has.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::agent_process::runtime;
use crate::fake_coordinator::{FakeCoordinator, TOKEN};
use crate::gpus::{Gpus, broken, gpu, machine};
use crate::program::{Ended, Program, write_config};

const GPU_IS_LOST: u32 = 15;

#[tokio::test]
async fn a_machine_with_two_good_gpus_is_told_what_each_can_do() {
    let gpus = Gpus::new(&machine(&[gpu(0), gpu(1)]));
    let report = gpus.seen(examine).await;
    report.expect("GPU driver", "ok", "version 550.54.14, CUDA up to 12.4");
    report.expect(
        "GPU 0",
        "ok",
        "NVIDIA Test 0, compute capability 8.9, 24.0 GiB",
    );
    report.expect("GPU 1", "ok", "NVIDIA Test 1");
    report.expect("GPU 1 with Blender 4.5", "ok", "CUDA and OptiX");
    report.expect("config", "not_applicable", "");
}

#[tokio::test]
async fn every_trouble_of_the_driver_has_its_cause_and_its_remedy() {
    for (init, detail, remedy) in [
        (4, "may not use", "/dev/nvidia"),
        (9, "not loaded", ""),
        (18, "different versions", "reboot the machine"),
        (999, "Unknown Error", "recreate the container"),
    ] {
        let gpus = Gpus::new(&json!({ "init": init }));
        let report = gpus.seen(examine).await;
        if init == 9 {
            // A machine without a GPU may have the library all the same.
            report.expect("GPU driver", "warning", "no NVIDIA GPU");
            continue;
        }
        report.expect("GPU driver", "failed", detail);
        report.expect_remedy("GPU driver", remedy);
        assert_eq!(report.code, 1);
    }
}

#[tokio::test]
async fn a_library_that_is_none_of_nvidias_is_told_by_what_it_lacks() {
    let gpus = Gpus::new(&machine(&[gpu(0)]));
    for function in ["nvmlInit_v2", "nvmlShutdown", "nvmlDeviceGetCount_v2"] {
        let library = gpus.library_without(function);
        let report = gpus.seen_through(&library, examine).await;
        report.expect("GPU driver", "failed", function);
        report.expect_remedy("GPU driver", "update the NVIDIA driver");
    }
    let empty = tempfile::NamedTempFile::new().unwrap();
    let report = gpus.seen_through(empty.path(), examine).await;
    report.expect("GPU driver", "warning", "no NVIDIA GPU");
}

#[tokio::test]
async fn a_lost_gpu_beside_a_good_one_is_a_warning_and_alone_a_failure() {
    let lost = broken(gpu(1), GPU_IS_LOST);
    let gpus = Gpus::new(&machine(&[gpu(0), lost.clone()]));
    let report = gpus.seen(examine).await;
    report.expect(
        "GPU left out",
        "warning",
        "GPU 1 is left out: the GPU fell off the bus",
    );
    report.expect("GPU 0", "ok", "");

    gpus.now(&machine(&[lost]));
    let report = gpus.seen(examine).await;
    report.expect("GPU left out", "failed", "GPU 0");
    assert_eq!(report.code, 1);
}

#[tokio::test]
async fn a_split_gpu_shows_its_parts_and_one_without_parts_says_what_to_do() {
    let part = json!({ "name": "Test MIG 1g.5gb", "uuid": "MIG-a", "memory_bytes": 5_u64 << 30 });
    let (mut split, mut empty) = (gpu(0), gpu(1));
    split["mig"] = json!([part]);
    empty["mig"] = json!([]);
    let gpus = Gpus::new(&machine(&[split, empty]));
    let report = gpus.seen(examine).await;
    report.expect(
        "GPU 0",
        "ok",
        "Test MIG 1g.5gb, compute capability 8.9, 5.0 GiB",
    );
    report.expect("GPU left out", "warning", "NVIDIA Test 1");
    report.expect_remedy("GPU left out", "nvidia-smi mig -cgi");
}

#[tokio::test]
async fn what_the_driver_does_not_support_is_left_out_and_not_wrong() {
    let gpus = Gpus::new(&json!({ "gpus": [{}] }));
    let report = gpus.seen(examine).await;
    report.expect("GPU driver", "warning", "version cannot be read");
    report.expect("GPU 0", "ok", "NVIDIA GPU");
}

#[tokio::test]
async fn an_old_gpu_with_an_old_driver_is_told_what_it_takes() {
    let mut old = gpu(0);
    old["compute_capability"] = json!([3, 5]);
    old["memory_bytes"] = json!(2_u64 << 30);
    let mut machine = machine(&[old]);
    machine["driver"] = json!("470.82.01");
    let gpus = Gpus::new(&machine);
    let report = gpus.seen(examine).await;
    report.expect("GPU driver", "failed", "470.82.01");
    report.expect_remedy("GPU driver", "520.06 or newer");
    report.expect("GPU 0", "failed", "the network takes 6.1 and newer");
    report.expect(
        "GPU 0 with Blender 4.5",
        "warning",
        "compute capability 5.0",
    );
    report.expect_remedy("GPU 0 with Blender 4.5", "newer GPU");
}

#[tokio::test]
async fn a_coordinator_that_answers_is_measured() {
    let coordinator = FakeCoordinator::start().await;
    coordinator.with(|inner| inner.clock_ahead_ms = 120_000);
    let report = examine_config(&coordinator.url(), TOKEN).await;
    report.expect("config", "warning", "others can read the token");
    report.expect("coordinator", "ok", "version test");
    report.expect("token", "ok", "accepted, for the worker tester");
    report.expect("clock", "warning", "120.0 s behind");
    report.expect("connection", "ok", "(23002 bytes)");
    report.expect("GPU driver", "not_applicable", "the config allows the CPU");
    assert_eq!(report.code, 0, "{:#?}", report.checks);
    coordinator.with(|inner| assert!(inner.hellos.is_empty(), "it pretends to be a worker"));
}

#[tokio::test]
async fn a_wrong_token_and_a_dead_coordinator_are_told_apart() {
    let mut coordinator = FakeCoordinator::start().await;
    let report = examine_config(&coordinator.url(), "pw_wrong").await;
    report.expect("coordinator", "ok", "");
    report.expect("token", "failed", "");
    report.expect_remedy("token", "new worker config");
    assert_eq!(report.code, 1);

    coordinator.go_away().await;
    let report = examine_config(&coordinator.url(), TOKEN).await;
    report.expect("coordinator", "failed", "cannot reach the coordinator");
    report.expect("token", "not_applicable", "");
    assert_eq!(report.code, 1);
}

#[tokio::test]
async fn a_real_blender_renders_on_the_cpu() {
    let runtimes = only_one_runtime();
    let program = Program::run_with(
        &["doctor", "--json", "--render"],
        &[
            ("PICTOR_NVML", Path::new("/does/not/exist.so")),
            ("PICTOR_RUNTIMES", runtimes.path()),
        ],
    );
    let report = Report::of(program.ended().await);
    let series = runtime().series;
    let name = format!("render: slot 0, Blender {series}, Cycles on the CPU");
    report.expect(&name, "ok", " s");
}

#[tokio::test]
async fn a_way_to_render_that_fails_beside_one_that_works_is_a_warning() {
    let gpus = Gpus::new(&machine(&[gpu(0)]));
    let render = || {
        gpus.seen(|environment| Program::run_with(&["doctor", "--json", "--render"], environment))
    };
    let name = |way| format!("render: slot 0, Blender 4.5, {way}");
    let report = Report::of(render().ended().await);
    report.expect(&name("Cycles with CUDA"), "ok", " s");
    report.expect(&name("Cycles with OptiX"), "warning", "no such device");
    report.expect(&name("EEVEE"), "ok", " s");

    gpus.go_black();
    let report = Report::of(render().ended().await);
    report.expect(&name("Cycles with CUDA"), "failed", "colour");
    report.expect(&name("Cycles with OptiX"), "failed", "no such device");
    assert_eq!(report.code, 1);
}

#[tokio::test]
async fn people_get_a_line_for_each_check() {
    let gpus = Gpus::new(&json!({ "init": 18 }));
    let program = gpus.seen(|environment| Program::run_with(&["doctor"], environment));
    let Ended { code, printed, .. } = program.ended().await;
    assert_eq!(code, 1, "{printed}");
    let mut lines = printed.lines();
    let line = lines.find(|line| line.contains("GPU driver")).unwrap();
    assert!(line.starts_with("failed "), "{line}");
    assert!(
        line.ends_with("remedy: the driver was upgraded: reboot the machine"),
        "{line}"
    );
}

/// A directory of runtimes with one real Blender in it.
fn only_one_runtime() -> tempfile::TempDir {
    let blender = runtime();
    let mut above = blender.program().ancestors();
    let installed = above.find(|dir| dir.join("runtime.json").exists());
    let runtimes = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(installed.unwrap(), runtimes.path().join("only")).unwrap();
    runtimes
}

struct Report {
    code: i32,
    checks: Vec<Value>,
}

impl Report {
    fn of(
        Ended {
            code, printed, log, ..
        }: Ended,
    ) -> Self {
        let checks = serde_json::from_str(&printed);
        let checks = checks.unwrap_or_else(|error| panic!("{error} in {printed}\n{log}"));
        Self { code, checks }
    }

    fn of_name(&self, name: &str) -> &Value {
        let check = self.checks.iter().find(|check| check["check"] == name);
        check.unwrap_or_else(|| panic!("no {name} in {:#?}", self.checks))
    }

    fn expect(&self, name: &str, outcome: &str, detail: &str) {
        let check = self.of_name(name);
        assert_eq!(check["outcome"], outcome, "{check:#}");
        assert!(
            check["detail"].as_str().unwrap().contains(detail),
            "{check:#}"
        );
    }

    fn expect_remedy(&self, name: &str, words: &str) {
        let check = self.of_name(name);
        let remedy = check["remedy"].as_str();
        assert!(
            remedy.is_some_and(|remedy| remedy.contains(words)),
            "{check:#}"
        );
    }
}

/// Of the machine alone.
fn examine(environment: &[(&str, &Path)]) -> impl Future<Output = Report> + use<> {
    let program = Program::run_with(&["doctor", "--json"], environment);
    async { Report::of(program.ended().await) }
}

/// Of a worker without a GPU that may use the CPU.
async fn examine_config(url: &str, token: &str) -> Report {
    let files = tempfile::tempdir().unwrap();
    let config: PathBuf = write_config(files.path(), url, token, &json!({ "allow_cpu": true }));
    let config = config.to_str().unwrap();
    let nowhere = Path::new("/does/not/exist.so");
    let program = Program::run_with(
        &["doctor", "--json", "--config", config],
        &[("PICTOR_NVML", nowhere)],
    );
    Report::of(program.ended().await)
}
