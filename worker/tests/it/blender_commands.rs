//! `pictor-worker runtime …` as a script sees it: results on stdout, steps on stderr, exit codes.

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn an_empty_machine_has_no_runtimes_and_is_told_which_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let list = runtime(dir.path(), &["list"]);
    assert!(list.status.success());
    assert!(stdout(&list).contains("4.2, 4.5, 5.0"), "{list:?}");
    assert_eq!(stdout(&runtime(dir.path(), &["list", "--json"])), "[]\n");
}

#[test]
fn exit_codes_tell_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], i32); 4] = [
        (&["install", "2.79"], 2),
        (&["adopt", "true"], 2),
        (&["adopt", "/no/such/blender"], 7),
        (&["install", "/no/such.tar.xz"], 1),
    ];
    for (arguments, code) in cases {
        let output = runtime(dir.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{output:?}"
        );
    }
}

fn runtime(runtimes: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pictor-worker"))
        .arg("runtime")
        .args(arguments)
        .env("PICTOR_RUNTIMES", runtimes)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}
