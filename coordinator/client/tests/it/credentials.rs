//! Signing in and out.

use std::io::Write;
use std::process::Stdio;

use crate::fake::{self, TOKEN};
use crate::pictor::{Desk, Ended};
use crate::server::Server;

/// Knows one token.
fn guarded() -> Server {
    Server::start(|exchange| {
        if exchange.header("authorization") == Some(&format!("Bearer {TOKEN}")) {
            fake::answer(exchange);
        } else {
            exchange.problem(401, "unauthorized", "this token is not known here");
        }
    })
}

fn login(desk: &Desk, server: &Server, typed: &str) -> Ended {
    let mut command = desk.command(&["login", &server.url()]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    drop(stdin);
    Ended::wait_for(child)
}

#[cfg(unix)]
#[test]
fn a_token_from_standard_input_is_kept_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = guarded();
    let desk = Desk::new();
    let ended = login(&desk, &server, &format!("{TOKEN}\n")).with(0);
    assert!(ended.stdout.contains("as ada"), "{}", ended.stdout);
    let file = desk.path("config/pictor/credentials.json");
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    Ended::of(desk.command(&["jobs"])).with(0);
}

#[test]
fn a_wrong_token_is_not_kept() {
    let server = guarded();
    let desk = Desk::new();
    let ended = login(&desk, &server, "wrong\n").with(4);
    ended.says("this token is not known here");
    assert!(!desk.path("config").exists());
}

#[test]
fn a_revoked_token_is_refused_and_logging_out_forgets_it() {
    let server = guarded();
    let desk = Desk::new();
    login(&desk, &server, TOKEN).with(0);
    let mut command = desk.command(&["jobs"]);
    command.env("PICTOR_TOKEN", "revoked");
    Ended::of(command).with(4);
    Ended::of(desk.command(&["logout"])).with(0);
    Ended::of(desk.command(&["jobs"]))
        .with(4)
        .says("pictor login");
}

#[test]
fn who_never_signed_in_is_told_how() {
    let desk = Desk::new();
    Ended::of(desk.command(&["jobs"]))
        .with(4)
        .says("pictor login URL");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let server = guarded();
    let desk = Desk::new();
    login(&desk, &server, TOKEN).with(0);
    let file = desk.path("config/pictor/credentials.json");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let ended = Ended::of(desk.command(&["jobs"])).with(0);
    ended.says("other users can read your tokens");
}
