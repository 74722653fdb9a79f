//! The launcher as a process, on a real Docker engine.
//!
//! The image is a busybox whose worker is a shell script: it sleeps, ends with the code that a test writes
//! into /tmp/exit, and ends well when it is told to. A test says hello in its place, with the token that
//! it finds in the container. Run with `make test-docker`; needs an engine at the default socket and a
//! static busybox (Debian's busybox-static).

mod bench;
mod line;

use std::time::Duration;

use pictor_protocol::worker::Presence;
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::{Value, json};

use crate::harness::World;
use bench::{Bench, docker, eventually};
use line::Line;

#[tokio::test]
async fn the_launcher_names_every_fault_of_its_command_line_at_once() {
    let mut launch = bench::launch_command();
    launch.args([
        "--docker", "nowhere", "--cpu", "x", "--min", "2", "--max", "1",
    ]);
    let output = launch.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for fault in [
        "docker (",
        "coordinator (",
        "token_file (",
        "image (",
        "cpu (",
        "min (",
    ] {
        assert!(said.contains(fault), "{fault} is missing in: {said}");
    }
}

#[tokio::test]
async fn a_launcher_whose_token_is_not_accepted_ends_and_says_so() {
    let world = World::start().await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "not-a-token-of-anybody").unwrap();
    let mut launch = bench::launch_command();
    launch.args(["--coordinator", &world.url, "--image", "x", "--cpu", "1"]);
    launch.arg("--token-file").arg(token.path());
    let ended = tokio::task::spawn_blocking(move || launch.output());
    let output = ended.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("does not accept the token"), "{said}");
    assert!(!said.contains("not-a-token-of-anybody"), "{said}");
}

#[tokio::test]
async fn demand_says_what_waits_and_only_to_whoever_may_have_workers() {
    let world = World::start().await;
    world.creator.submit("1-7").await;
    let demand: Value = world.creator.get("/api/v1/demand").await.json();
    assert_eq!(
        demand,
        json!({ "queued": 7, "leased": 0, "slots_online": 0 })
    );
    let refused = world.creator.with_token("").get("/api/v1/demand").await;
    assert_eq!(refused.status, http::StatusCode::UNAUTHORIZED);
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_workers_are_started_hardened_and_with_a_config_that_only_they_can_read() {
    let bench = Bench::start("hard").await;
    let launcher = bench.launch(&["--cpu", "2", "--memory", "512m"]).await;
    let names = bench.running(2).await;
    let inspected = bench.inspect(&names[0]);
    let (host, config) = (&inspected["HostConfig"], &inspected["Config"]);
    assert_eq!(config["User"], "10001:10001");
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges:true"]));
    assert_eq!(host["PidsLimit"], 1024);
    assert_eq!(host["Memory"], 512 << 20);
    assert_eq!(host["MemorySwap"], 512 << 20);
    assert!(host["NanoCpus"].as_i64().unwrap() > 0);
    assert_eq!(host["Init"], true);
    assert_eq!(host["RestartPolicy"]["Name"], "no");
    assert_eq!(host["LogConfig"]["Config"]["max-size"], "10m");
    assert_eq!(host["Binds"], Value::Null, "no path of the host");
    let mounts = inspected["Mounts"].as_array().unwrap();
    assert!(
        mounts.iter().all(|mount| mount["Type"] == "volume"),
        "{mounts:?}"
    );
    assert_eq!(config["Labels"]["network.pictor.launcher"], bench.prefix);

    let worker = bench.config_in(&names[0]);
    assert_eq!(
        config["Labels"]["network.pictor.worker"],
        worker.worker_id.to_string()
    );
    assert!(worker.options.allow_cpu);
    assert_eq!(worker.coordinator, bench.world.url);
    assert!(
        !inspected.to_string().contains(&worker.token),
        "the token shows"
    );
    let logs = launcher.log() + &docker(&["logs", &names[0]]);
    for token in [worker.token.as_str(), bench.world.creator.token()] {
        assert!(!logs.contains(token), "a token is logged");
    }
    let config = "/run/pictor/worker-config.json";
    assert_eq!(
        bench.exec(&names[0], &format!("stat -c '%a %u' {config}")),
        "600 10001"
    );
    assert_eq!(
        bench.exec(&names[0], "touch /x 2>&1; true"),
        "touch: /x: Read-only file system"
    );
    assert_eq!(
        bench.exec(&names[0], "touch /tmp/x /var/lib/pictor/x && echo fine"),
        "fine"
    );
    let status = bench.exec(
        &names[0],
        "grep -E 'CapEff|NoNewPrivs' /proc/1/status | tr -d '\\n'",
    );
    assert_eq!(status, "CapEff:\t0000000000000000NoNewPrivs:\t1");
    assert_ne!(bench.config_in(&names[1]).worker_id, worker.worker_id);
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_killed_worker_is_started_again_and_one_that_lost_its_gpu_is_replaced() {
    let bench = Bench::start("again").await;
    let _launcher = bench.launch(&["--cpu", "1"]).await;
    let name = bench.running(1).await.remove(0);
    let (id, worker) = (bench.id(&name), bench.config_in(&name).worker_id);

    docker(&["kill", &name]);
    bench.running(1).await;
    assert_eq!(bench.id(&name), id, "the same container");

    bench.exec(&name, "echo 8 > /tmp/exit");
    eventually("the container is another", || {
        bench.id_if_running(&name).is_some_and(|now| now != id)
    })
    .await;
    let now = bench.config_in(&name).worker_id;
    assert_ne!(now, worker);
    bench.workers_are(&[now]).await;
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_refused_token_is_enrolled_anew_once_then_given_up() {
    let bench = Bench::start("refused").await;
    let launcher = bench.launch(&["--cpu", "1"]).await;
    let name = bench.running(1).await.remove(0);
    let id = bench.id(&name);
    bench.exec(&name, "echo 4 > /tmp/exit");
    eventually("it is enrolled anew", || {
        bench.id_if_running(&name).is_some_and(|now| now != id)
    })
    .await;
    bench.exec(&name, "echo 4 > /tmp/exit");
    launcher.says("refuses to run with a new config too").await;
    assert_eq!(bench.id_if_running(&name), None);
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_new_image_takes_over_one_by_one_and_a_bad_one_is_rolled_back() {
    let bench = Bench::start("roll").await;
    let args = [
        "--cpu",
        "2",
        "--pull-every-s",
        "1",
        "--online-within-s",
        "8",
    ];
    let launcher = bench.launch(&args).await;
    let names = bench.running(2).await;
    let first = bench.image_of(&names[0]);
    bench.say_hello_for(&names).await;

    bench.build_image("second");
    launcher.says("gives way to a new image").await;
    // Nobody says hello for it: the second image does not come online.
    launcher.says("back to the old one").await;
    eventually("both run the first image", || {
        let of_first = |name: &String| bench.image_if_running(name).as_ref() == Some(&first);
        names.iter().all(of_first)
    })
    .await;

    bench.build_image("third");
    let third = bench.image();
    let mut both_new = false;
    for _ in 0..600 {
        let running = bench.names_running();
        bench.say_hello_for(&running).await;
        let new = running
            .iter()
            .filter(|name| bench.image_if_running(name).as_ref() == Some(&third));
        both_new = new.count() == 2;
        if both_new {
            break;
        }
        assert!(!running.is_empty(), "both are away at once");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(both_new, "{:?}", bench.names_running());
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_signal_drains_removes_and_retires_everything() {
    let bench = Bench::start("end").await;
    let mut launcher = bench.launch(&["--cpu", "2", "--purge"]).await;
    let names = bench.running(2).await;
    bench.say_hello_for(&names).await;
    assert_eq!(launcher.process.terminate().await, Some(0));
    assert_eq!(bench.all_names(), Vec::<String>::new());
    assert_eq!(bench.volumes(), Vec::<String>::new());
    bench.workers_are(&[]).await;
    let log = launcher.log();
    assert_eq!(log.matches("begins action=drain").count(), 2, "{log}");
    assert!(
        !log.contains("begins action=kill"),
        "they end by themselves: {log}"
    );
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_worker_that_does_not_finish_in_time_is_killed() {
    let bench = Bench::start("deaf").await;
    bench.build_image("deaf");
    let mut launcher = bench.launch(&["--cpu", "1", "--drain-s", "2"]).await;
    bench.running(1).await;
    assert_eq!(launcher.process.terminate().await, Some(0));
    assert_eq!(bench.all_names(), Vec::<String>::new());
    let log = launcher.log();
    assert_eq!(log.matches("begins action=kill").count(), 1, "{log}");
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_what_a_launcher_leaves_or_loses_the_next_one_takes_over() {
    let bench = Bench::start("adopt").await;
    let mut launcher = bench.launch(&["--cpu", "2", "--leave"]).await;
    let ids: Vec<_> = bench
        .running(2)
        .await
        .iter()
        .map(|name| bench.id(name))
        .collect();
    assert_eq!(launcher.process.terminate().await, Some(0));

    let mut launcher = bench.launch(&["--cpu", "2", "--leave"]).await;
    launcher.says("the host is ready").await;
    launcher.process.kill();
    docker(&["kill", &bench.all_names()[0]]);

    let mut launcher = bench.launch(&["--cpu", "2"]).await;
    let names = bench.running(2).await;
    let now: Vec<_> = names.iter().map(|name| bench.id(name)).collect();
    assert_eq!(now, ids, "the same containers");
    assert_eq!(launcher.process.terminate().await, Some(0));
    assert_eq!(bench.all_names(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_host_that_never_answers_holds_up_nobody() {
    let bench = Bench::start("silent").await;
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", silent.local_addr().unwrap());
    let socket = "unix:///var/run/docker.sock";
    let args = ["--cpu", "1", "--docker", &address, "--docker", socket];
    let _launcher = bench.launch(&args).await;
    let name = bench.running(1).await.remove(0);
    docker(&["kill", &name]);
    bench.running(1).await;
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_a_host_that_was_away_is_found_as_it_was_left() {
    let bench = Bench::start("away").await;
    let line = Line::start().await;
    let launcher = bench
        .launch(&["--cpu", "1", "--docker", &line.address()])
        .await;
    let name = bench.running(1).await.remove(0);
    let id = bench.id(&name);
    launcher.says("is done action=create").await;
    line.cut();
    launcher.says("the host is silent").await;
    docker(&["kill", &name]);
    line.mend();
    bench.running(1).await;
    assert_eq!(bench.id(&name), id, "the same container");
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_workers_are_started_when_frames_wait() {
    let bench = Bench::start("scale").await;
    let launcher = bench
        .launch(&["--cpu", "3", "--min", "0", "--max", "2"])
        .await;
    launcher.says("the host is ready").await;
    assert_eq!(bench.all_names(), Vec::<String>::new());
    bench.world.creator.submit("1-100").await;
    bench.running(2).await;
    assert_eq!(bench.all_names().len(), 2);
    let presence: Vec<_> = bench
        .workers()
        .await
        .iter()
        .map(|worker| worker.presence)
        .collect();
    assert_eq!(presence, [Presence::New, Presence::New]);
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn docker_an_image_that_cannot_be_pulled_leaves_what_runs() {
    let bench = Bench::start("pull").await;
    let launcher = bench.launch(&["--cpu", "1", "--pull-every-s", "1"]).await;
    let name = bench.running(1).await.remove(0);
    let id = bench.id(&name);
    launcher
        .says("the image is not pulled; what is there stays")
        .await;
    assert_eq!(bench.id(&name), id);
}

/// What a worker finds in its container.
fn read_config(json: &str) -> WorkerConfig {
    serde_json::from_str(json).unwrap()
}
