//! The launcher's own command line: every setting is a flag and a `PICTOR_LAUNCH_*` variable, and every
//! fault is reported at once.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::decide::Policy;
use crate::config::{ConfigError, LogFormat};
use read::Reader;

#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Docker host: unix:///var/run/docker.sock, ssh://user@host, or tcp://host:2376 with --docker-certs;
    /// may be repeated [default: unix:///var/run/docker.sock]
    #[arg(
        long,
        value_name = "URL",
        env = "PICTOR_LAUNCH_DOCKER",
        value_delimiter = ','
    )]
    docker: Vec<String>,
    /// Directory with ca.pem, cert.pem and key.pem for tcp:// hosts; without it tcp:// is not encrypted
    #[arg(long, value_name = "DIR", env = "PICTOR_LAUNCH_DOCKER_CERTS")]
    docker_certs: Option<String>,
    /// Address of the coordinator
    #[arg(long, value_name = "URL", env = "PICTOR_LAUNCH_COORDINATOR")]
    coordinator: Option<String>,
    /// File with an access token of the scope `workers`: its owner will own the workers
    #[arg(long, value_name = "FILE", env = "PICTOR_LAUNCH_TOKEN_FILE")]
    token_file: Option<String>,
    /// Image of the worker
    #[arg(long, value_name = "IMAGE", env = "PICTOR_LAUNCH_IMAGE")]
    image: Option<String>,
    /// So many workers on the CPU of each host, which they share evenly
    #[arg(long, value_name = "N", env = "PICTOR_LAUNCH_CPU")]
    cpu: Option<String>,
    /// One worker for each GPU of each host; the same as `--gpus all`
    #[arg(long, env = "PICTOR_LAUNCH_GPU", value_parser = FalseyValueParser::new())]
    gpu: bool,
    /// One worker for each of these GPUs of each host: their numbers or UUIDs, or `all`
    #[arg(long, value_name = "LIST", env = "PICTOR_LAUNCH_GPUS")]
    gpus: Option<String>,
    /// Fewest workers, on all hosts together [default: as many as --max]
    #[arg(long, value_name = "N", env = "PICTOR_LAUNCH_MIN")]
    min: Option<String>,
    /// Most workers, on all hosts together; between the two the frames that wait decide [default: as many
    /// as there is room for]
    #[arg(long, value_name = "N", env = "PICTOR_LAUNCH_MAX")]
    max: Option<String>,
    /// Docker network of the workers [default: bridge]
    #[arg(long, value_name = "NAME", env = "PICTOR_LAUNCH_NETWORK")]
    network: Option<String>,
    /// Address under which the workers reach the coordinator [default: what the coordinator says]
    #[arg(long, value_name = "URL", env = "PICTOR_LAUNCH_WORKER_URL")]
    worker_url: Option<String>,
    /// Names of containers, volumes and workers begin with it; launchers that share a Docker host need
    /// different ones [default: pictor]
    #[arg(long, value_name = "NAME", env = "PICTOR_LAUNCH_NAME_PREFIX")]
    name_prefix: Option<String>,
    /// Memory of each container, such as 16g [default: nine tenths of the host's, shared evenly]
    #[arg(long, value_name = "BYTES", env = "PICTOR_LAUNCH_MEMORY")]
    memory: Option<String>,
    /// Leave the workers running when the launcher ends; the next one takes them over
    #[arg(long, env = "PICTOR_LAUNCH_LEAVE", value_parser = FalseyValueParser::new())]
    leave: bool,
    /// Remove the workers' caches too when the launcher ends: scenes, runtimes, kernels
    #[arg(long, env = "PICTOR_LAUNCH_PURGE", value_parser = FalseyValueParser::new())]
    purge: bool,
    /// Seconds between two looks for a newer image; 0 never pulls [default: 3600]
    #[arg(long, value_name = "SECONDS", env = "PICTOR_LAUNCH_PULL_EVERY_S")]
    pull_every_s: Option<String>,
    /// Seconds that a worker may take to finish what it renders before it is killed [default: 1800]
    #[arg(long, value_name = "SECONDS", env = "PICTOR_LAUNCH_DRAIN_S")]
    drain_s: Option<String>,
    /// Seconds in which a worker of a new image has to come online, or the old image comes back
    /// [default: 120]
    #[arg(long, value_name = "SECONDS", env = "PICTOR_LAUNCH_ONLINE_WITHIN_S")]
    online_within_s: Option<String>,
    /// `text` for people or `json` for machines [default: text]
    #[arg(long, value_name = "FORMAT", env = "PICTOR_LAUNCH_LOG_FORMAT")]
    log_format: Option<String>,
    /// Which log lines to write, such as `info` or `pictor_coordinator=debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "PICTOR_LAUNCH_LOG")]
    log: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Config {
    pub dockers: Vec<DockerAddress>,
    pub docker_certs: Option<PathBuf>,
    pub coordinator: String,
    pub token: Token,
    pub image: String,
    pub devices: Devices,
    pub policy: Policy,
    pub network: String,
    pub worker_url: Option<String>,
    pub name_prefix: String,
    pub memory_bytes: Option<u64>,
    pub at_end: AtEnd,
    /// None: only images that are there already.
    pub pull_every: Option<Duration>,
    pub log_format: LogFormat,
    pub log: String,
}

/// What becomes of the workers when the launcher ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    Leave,
    Remove,
    RemoveWithCaches,
}

/// What the workers render with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Devices {
    Cpu { workers: u16 },
    EveryGpu,
    Gpus(Vec<String>),
}

/// An access token; never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where a Docker engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerAddress(String);

impl DockerAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_remote_and_plain(&self) -> bool {
        let rest = ["tcp://", "http://"];
        let rest = rest.iter().find_map(|scheme| self.0.strip_prefix(scheme));
        rest.is_some_and(|rest| {
            let local = ["127.", "localhost", "[::1]"];
            !local.iter().any(|local| rest.starts_with(local))
        })
    }
}

impl fmt::Display for DockerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DockerAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = ["unix://", "tcp://", "http://", "ssh://"];
        let rest = known.iter().find_map(|scheme| text.strip_prefix(scheme));
        if text.starts_with("ssh://") && rest.is_some_and(|rest| rest.contains(':')) {
            // bollard hands it to ssh as a part of the host's name.
            return Err("give the port of an ssh:// host in ~/.ssh/config");
        }
        match rest {
            Some(rest) if !rest.is_empty() => Ok(Self(text.to_owned())),
            _ => Err("expected unix:///path, tcp://host:port, http://host:port or ssh://user@host"),
        }
    }
}

impl Config {
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut read = Reader::default();
        let config = read.all(flags);
        match config {
            Some(config) if read.faults.is_empty() => Ok(config),
            _ => Err(ConfigError(read.faults)),
        }
    }
}

impl Config {
    /// What is allowed and unwise.
    pub fn warnings(&self) -> Vec<String> {
        let is_open = |address: &&DockerAddress| {
            address.is_remote_and_plain()
                && (address.0.starts_with("http:") || self.docker_certs.is_none())
        };
        let open = self.dockers.iter().filter(is_open);
        open.map(|address| {
            format!(
                "{address} is not encrypted: whoever is on the way is root on that machine; \
                 use ssh://, or tcp:// with --docker-certs"
            )
        })
        .collect()
    }
}
