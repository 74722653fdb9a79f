//! The command line, through the real program.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pictor_protocol::worker_config::WorkerConfig;

use crate::harness::client::Client;
use crate::harness::process::{Process, program, written};

#[tokio::test]
async fn health_says_whether_the_coordinator_that_listens_everywhere_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let bind = SocketAddr::from(([0, 0, 0, 0], free_port())).to_string();
    assert_eq!(run(&["health", "--bind", &bind]).status.code(), Some(1));

    let mut coordinator = serve(dir.path(), &bind).await;
    let healthy = run(&["health", "--bind", &bind]);
    assert_eq!(healthy.status.code(), Some(0), "{}", said(&healthy));

    coordinator.terminate().await;
    let gone = run(&["health", "--bind", &bind]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(said(&gone).contains("nothing answers at 127.0.0.1:"));
}

#[tokio::test]
async fn health_repeats_why_a_coordinator_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let bind = format!("127.0.0.1:{}", free_port());
    let _coordinator = serve(dir.path(), &bind).await;
    // Pictures have no place to go any more.
    std::fs::remove_dir_all(dir.path().join("data/uploads")).unwrap();
    std::fs::write(dir.path().join("data/uploads"), "in the way").unwrap();
    let unwell = run(&["health", "--bind", &bind]);
    assert_eq!(unwell.status.code(), Some(1));
    assert!(said(&unwell).contains("storage: "), "{}", said(&unwell));
}

#[test]
fn health_does_not_wait_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = silent.local_addr().unwrap().to_string();
    let began = Instant::now();
    let answer = run(&["health", "--bind", &bind]);
    assert_eq!(answer.status.code(), Some(1));
    assert!(said(&answer).contains("did not answer within 3 s"));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_token_in_a_file_is_made_once_and_works() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (text(dir.path(), "data"), text(dir.path(), "token"));
    let create = [
        "token",
        "create",
        "--scope",
        "jobs",
        "--data",
        &data,
        "--out",
        &out,
        "--if-missing",
    ];
    let made = run(&create);
    assert!(made.status.success(), "{}", said(&made));
    assert!(made.stdout.is_empty(), "a secret on the screen");
    let token = std::fs::read_to_string(&out).unwrap();
    assert_eq!(mode(&out), 0o600);

    let again = run(&create);
    assert!(again.status.success());
    assert!(said(&again).contains("is there already"));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), token);

    let _coordinator = serve(dir.path(), "127.0.0.1:0").await;
    let url = written(&dir.path().join("ready")).await;
    let creator = Client::new(&url, token.trim());
    assert!(creator.get("/api/v1/me").await.status.is_success());

    // Without the flag a new one takes its place.
    assert!(run(&create[..create.len() - 1]).status.success());
    assert_ne!(std::fs::read_to_string(&out).unwrap(), token);
}

#[test]
fn the_audit_log_tells_who_got_a_token_and_is_verified_by_a_noted_hash() {
    let dir = tempfile::tempdir().unwrap();
    let data = text(dir.path(), "data");
    let create = ["token", "create", "--scope", "jobs", "--data", &data];
    for _ in 0..2 {
        assert!(run(&create).status.success());
    }
    let sound = run(&["audit-log", "verify", "--data", &data]);
    let printed = String::from_utf8(sound.stdout).unwrap();
    assert!(printed.starts_with("2 rows"), "{printed}");
    let hash = printed.lines().nth(1).unwrap();
    let noted = ["audit-log", "verify", "--data", &data, "--noted"];
    let there = run(&[&noted[..], &[hash]].concat());
    assert_eq!(there.status.code(), Some(0), "{}", said(&there));
    let gone = run(&[&noted[..], &["0"]].concat());
    assert_eq!(gone.status.code(), Some(1));
    assert!(said(&gone).contains("no row has the hash"));
}

#[test]
fn what_is_verified_has_to_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let data = text(dir.path(), "data");
    for of in ["audit-log", "ledger"] {
        let nothing = run(&[of, "verify", "--data", &data]);
        assert_eq!(nothing.status.code(), Some(1));
        assert!(said(&nothing).contains("there is no database"));
        assert!(!Path::new(&data).exists(), "{of} made one");
    }
}

#[test]
fn an_empty_file_is_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (text(dir.path(), "data"), text(dir.path(), "token"));
    std::fs::write(&out, "").unwrap();
    let create = ["token", "create", "--scope", "jobs", "--data", &data];
    let made = run(&[&create[..], &["--out", &out, "--if-missing"]].concat());
    assert!(made.status.success(), "{}", said(&made));
    assert!(!std::fs::read_to_string(&out).unwrap().is_empty());
    assert_eq!(mode(&out), 0o600);
}

#[test]
fn a_worker_is_registered_once_for_its_config_file() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (text(dir.path(), "data"), text(dir.path(), "worker.json"));
    let create = [
        "worker",
        "create",
        "--name",
        "attic",
        "--data",
        &data,
        "--out",
        &out,
        "--if-missing",
    ];
    let made = run(&create);
    assert!(made.status.success(), "{}", said(&made));
    assert_eq!(mode(&out), 0o600);
    let config = std::fs::read_to_string(&out).unwrap();
    assert_eq!(
        serde_json::from_str::<WorkerConfig>(&config).unwrap().name,
        "attic"
    );
    assert!(run(&create).status.success());
    assert_eq!(std::fs::read_to_string(&out).unwrap(), config);
}

#[test]
fn nothing_is_registered_when_its_file_has_no_place() {
    let dir = tempfile::tempdir().unwrap();
    let data = text(dir.path(), "data");
    let out = text(dir.path(), "missing/worker.json");
    let create = ["worker", "create", "--name", "attic", "--data", &data];
    let failed = run(&[&create[..], &["--out", &out]].concat());
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        said(&failed).contains("could not write"),
        "{}",
        said(&failed)
    );
    assert!(!Path::new(&data).exists(), "not even a database");
}

#[test]
fn the_default_rules_are_in_order_and_others_are_told_all_their_faults() {
    let dir = tempfile::tempdir().unwrap();
    let file = text(dir.path(), "rules.toml");
    let printed = run(&["rules", "default"]);
    assert!(printed.status.success(), "{}", said(&printed));
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = run(&["rules", "check", &file]);
    assert!(checked.status.success(), "{}", said(&checked));
    let summary = String::from_utf8_lossy(&checked.stdout);
    let expected = "100 ranks share 1990.00 of a pool of 2000.00";
    assert!(summary.contains(expected), "{summary}");

    let text = String::from_utf8(printed.stdout).unwrap();
    let bad = text
        .replace("remainder = \"10.00\"", "")
        .replace("hold_hours = 24", "hold_hours = 0.5");
    std::fs::write(&file, bad).unwrap();
    let refused = run(&["rules", "check", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    let said = said(&refused);
    for fault in [
        "points.hold_hours: ",
        "prizes.remainder: ",
        "the 10.00 that nobody gets",
    ] {
        assert!(said.contains(fault), "{said}");
    }
    assert_eq!(run(&["rules", "check", "/nowhere"]).status.code(), Some(1));
}

/// A coordinator with its data in `dir`, once it answers.
#[test]
fn a_workers_config_can_be_printed_instead() {
    let dir = tempfile::tempdir().unwrap();
    let data = text(dir.path(), "data");
    let create = [
        "worker", "create", "--name", "attic", "--out", "-", "--data", &data,
    ];
    let printed = run(&create);
    assert!(printed.status.success(), "{}", said(&printed));
    let config: WorkerConfig = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(config.name, "attic");
}

async fn serve(dir: &Path, bind: &str) -> Process {
    let ready = dir.join("ready");
    let mut command = Command::new(program("pictor-coordinator"));
    command.args(["serve", "--bind", bind, "--data"]);
    command.arg(dir.join("data"));
    command.arg("--ready-file").arg(&ready);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::start("the coordinator", &mut command);
    written(&ready).await;
    process
}

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(program("pictor-coordinator"));
    command.args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &str) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn text(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
