use std::path::Path;

use super::read::bytes;
use super::*;

fn flags(token_file: &Path) -> Flags {
    Flags {
        coordinator: Some("https://render.example.org/".into()),
        token_file: Some(token_file.display().to_string()),
        image: Some("pictor-worker".into()),
        gpu: true,
        ..Flags::default()
    }
}

fn token_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn the_least_command_line_keeps_every_gpu_busy() {
    let token = token_file("secret\n");
    let config = Config::load(&flags(token.path())).unwrap();
    assert_eq!(config.coordinator, "https://render.example.org");
    assert_eq!(config.devices, Devices::EveryGpu);
    assert_eq!(config.dockers[0].as_str(), "unix:///var/run/docker.sock");
    assert_eq!(
        (config.policy.least, config.policy.most),
        (usize::MAX, usize::MAX)
    );
    assert_eq!(config.token.secret(), "secret");
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn every_fault_is_reported_at_once() {
    let flags = Flags {
        docker: vec!["docker.example.org".into()],
        coordinator: Some("ftp://x".into()),
        token_file: Some("/nowhere/token".into()),
        cpu: Some("0".into()),
        min: Some("3".into()),
        max: Some("2".into()),
        name_prefix: Some("-x".into()),
        memory: Some("1k".into()),
        leave: true,
        purge: true,
        drain_s: Some("soon".into()),
        ..Flags::default()
    };
    let error = Config::load(&flags).unwrap_err();
    let places: Vec<_> = error
        .0
        .iter()
        .map(|fault| fault.place.split(' ').next().unwrap())
        .collect();
    let expected = [
        "docker",
        "coordinator",
        "token_file",
        "image",
        "cpu",
        "min",
        "drain_s",
        "name_prefix",
        "memory",
        "leave",
    ];
    assert_eq!(places, expected);
}

#[test]
fn sizes_are_read_as_docker_reads_them() {
    assert_eq!(bytes("1024"), Some(1024));
    assert_eq!(bytes("16G"), Some(16 << 30));
    assert_eq!(bytes("512m"), Some(512 << 20));
    for bad in ["", "g", "-1", "1.5g", "99999999999t"] {
        assert_eq!(bytes(bad), None, "{bad:?}");
    }
}

#[test]
fn gpus_are_named_or_all_of_them() {
    let token = token_file("secret");
    let with = |gpus: &str| {
        let flags = Flags {
            gpu: false,
            gpus: Some(gpus.into()),
            ..flags(token.path())
        };
        Config::load(&flags).map(|config| config.devices)
    };
    assert_eq!(with("all"), Ok(Devices::EveryGpu));
    assert_eq!(
        with("0, GPU-1a"),
        Ok(Devices::Gpus(vec!["0".into(), "GPU-1a".into()]))
    );
    assert!(with("0,,1").is_err());
    assert!(with("0;1").is_err());
}

#[test]
fn an_engine_that_is_reached_without_encryption_is_warned_of() {
    let token = token_file("secret");
    let warnings = |docker: &str, certs: Option<&str>| {
        let flags = Flags {
            docker: vec![docker.into()],
            docker_certs: certs.map(str::to_owned),
            ..flags(token.path())
        };
        Config::load(&flags).unwrap().warnings().len()
    };
    assert_eq!(warnings("tcp://render7:2375", None), 1);
    assert_eq!(warnings("http://render7:2375", Some("certs")), 1);
    assert_eq!(warnings("tcp://render7:2376", Some("certs")), 0);
    assert_eq!(warnings("tcp://127.0.0.1:2375", None), 0);
    assert_eq!(warnings("ssh://ada@render7", None), 0);
}

#[test]
fn an_address_is_one_that_an_engine_can_be_reached_at() {
    for good in [
        "unix:///run/docker.sock",
        "ssh://ada@render7",
        "tcp://render7:2376",
    ] {
        assert!(good.parse::<DockerAddress>().is_ok(), "{good}");
    }
    for bad in [
        "render7",
        "unix://",
        "ftp://render7",
        "ssh://ada@render7:2222",
    ] {
        assert!(bad.parse::<DockerAddress>().is_err(), "{bad}");
    }
}
