//! The command that a page shows, run as it stands there. The worker's image has to be built: `make test-docker`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use pictor_protocol::job::JobState;
use pictor_protocol::people::Role;

use super::chromium::Tab;
use super::journeys::downloaded;
use crate::harness::World;

const BUILT: &str = "pictor/worker:0.1.0";
/// As an operator has it who built the image: a name that no registry answers for.
const IMAGE: &str = "pictor-test/shown:1";
const NAME: &str = "pictor-test-shown";

#[tokio::test]
#[ignore = "needs a Docker engine and the worker's image: make test-docker"]
async fn docker_the_command_that_the_page_shows_connects_a_worker_that_renders() {
    let home = tempfile::tempdir().unwrap();
    let downloads = home.path().join("Downloads");
    std::fs::create_dir(&downloads).unwrap();
    let machine = Machine::with_the_image(home.path());
    let image = IMAGE.parse().unwrap();
    let world = World::start_with(|config| config.worker_image = Some(image)).await;
    let grace = world.person("grace", &[Role::WorkerOwner]).await;
    let tab = Tab::of(&world, grace).await;
    tab.download_to(&downloads).await;
    tab.goto("/workers/new").await;
    tab.type_into("#name", "attic").await;
    tab.follow("#new-worker button").await;
    tab.see("#arrival", "Waiting for your worker").await;
    tab.click("form[data-download] button").await;
    downloaded(&downloads, "json").await;
    tab.click("label[for=on-cpu]").await;
    tab.click("button[data-copy=cpu]").await;
    tab.see("button[data-copy=cpu]", "Copied").await;
    let command = tab.copied().await;
    assert!(
        command.contains(&world.url) && command.contains(IMAGE),
        "{command}"
    );

    let ran = machine.run(command).await;
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    // Nobody has reloaded the page.
    tab.see("#arrival", "“attic” is ready").await;
    tab.close().await;

    let job = world.creator.submit("1-2").await;
    let is_done = |job: &pictor_protocol::job::Job| job.state == JobState::Done;
    world.creator.until(job.id, "done", is_done).await;
    let frame = format!("/api/v1/jobs/{}/frames/2/output", job.id);
    let picture = world.creator.get(&frame).await;
    assert!(picture.body.starts_with(b"\x89PNG"), "a picture");
}

/// Somebody's machine: a home directory, a terminal, Docker. What was installed is gone with it.
struct Machine<'a> {
    home: &'a Path,
}

impl<'a> Machine<'a> {
    fn with_the_image(home: &'a Path) -> Self {
        let tagged = Command::new("docker").args(["tag", BUILT, IMAGE]).status();
        assert!(tagged.unwrap().success(), "there is no image {BUILT}");
        Self { home }
    }

    /// Pastes a command into a terminal.
    async fn run(&self, command: String) -> Output {
        let mut shell = self.shell(&command);
        let ran = tokio::task::spawn_blocking(move || shell.output());
        ran.await.unwrap().unwrap()
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-ec", command]).current_dir(self.home);
        // Beside workers that this machine may have.
        shell.env("HOME", self.home).env("PICTOR_WORKER_NAME", NAME);
        shell.stdin(Stdio::null());
        shell
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        let gone = format!(
            "if [ -e install-worker.sh ]; then ./install-worker.sh --uninstall --purge --yes; fi; docker image rm -f {IMAGE}"
        );
        let output = self.shell(&gone).output();
        if !std::thread::panicking() {
            assert!(output.as_ref().unwrap().status.success(), "{output:?}");
        }
    }
}
