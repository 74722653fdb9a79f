//! The launcher's own command line: every setting is a flag and a `PICTOR_LAUNCH_*` variable, and every
//! fault is reported at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::decide::Policy;
use crate::config::{ConfigError, Fault, LogFormat};

const DRAIN_S: u64 = 1_800;
const ONLINE_WITHIN_S: u64 = 120;
const PULL_EVERY_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

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

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn all(&mut self, flags: &Flags) -> Option<Config> {
        // Everything is read before anything is missed, so that every fault is found.
        let dockers = self.dockers(&flags.docker);
        let coordinator = self.required("coordinator", &flags.coordinator);
        let coordinator = self.url("coordinator", coordinator.as_deref());
        let token_file = self.required("token_file", &flags.token_file);
        let token = token_file.and_then(|path| self.token(Path::new(&path)));
        let image = self.required("image", &flags.image);
        let devices = self.devices(flags);
        let policy = self.policy(flags);
        let worker_url = self.url("worker_url", flags.worker_url.as_deref());
        let name_prefix = self.name_prefix(flags);
        let memory_bytes = self.memory(flags);
        let at_end = self.at_end(flags);
        let pull_every = self.seconds("pull_every_s", &flags.pull_every_s, PULL_EVERY_S);
        let log_format = self.parsed("log_format", &flags.log_format, LogFormat::Text);
        let config = Config {
            dockers,
            docker_certs: flags.docker_certs.as_ref().map(PathBuf::from),
            coordinator: coordinator?,
            token: token?,
            image: image?,
            devices: devices?,
            policy,
            network: flags.network.clone().unwrap_or_else(|| "bridge".into()),
            worker_url,
            name_prefix,
            memory_bytes,
            at_end,
            pull_every: Some(pull_every).filter(|every| !every.is_zero()),
            log_format,
            log: flags.log.clone().unwrap_or_else(|| "info".into()),
        };
        Some(config)
    }

    fn dockers(&mut self, given: &[String]) -> Vec<DockerAddress> {
        let default = ["unix:///var/run/docker.sock".to_owned()];
        let given = if given.is_empty() { &default } else { given };
        let mut dockers: Vec<DockerAddress> = Vec::new();
        for text in given {
            match text.parse() {
                Ok(address) if dockers.contains(&address) => {
                    self.fault("docker", format!("{text:?} is there twice"));
                }
                Ok(address) => dockers.push(address),
                Err(error) => self.fault("docker", format!("{text:?}: {error}")),
            }
        }
        dockers
    }

    fn devices(&mut self, flags: &Flags) -> Option<Devices> {
        match (&flags.cpu, flags.gpu, &flags.gpus) {
            (Some(cpu), false, None) => match cpu.parse() {
                Ok(workers @ 1..=1_000) => Some(Devices::Cpu { workers }),
                _ => {
                    self.fault("cpu", format!("{cpu:?} is not a number from 1 to 1000"));
                    None
                }
            },
            (None, true, None) => Some(Devices::EveryGpu),
            (None, false, Some(gpus)) if gpus == "all" => Some(Devices::EveryGpu),
            (None, false, Some(gpus)) => {
                let gpus: Vec<String> = gpus.split(',').map(|gpu| gpu.trim().to_owned()).collect();
                let is_id = |gpu: &String| {
                    !gpu.is_empty() && gpu.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                };
                if gpus.iter().all(is_id) {
                    return Some(Devices::Gpus(gpus));
                }
                self.fault("gpus", "expected all, or such as 0,1,2".into());
                None
            }
            (None, false, None) => {
                self.fault("cpu", "give --cpu, --gpu or --gpus".into());
                None
            }
            _ => {
                self.fault("cpu", "give only one of --cpu, --gpu and --gpus".into());
                None
            }
        }
    }

    fn policy(&mut self, flags: &Flags) -> Policy {
        let most = self.parsed("max", &flags.max, usize::MAX);
        let least = self.parsed("min", &flags.min, most);
        if least > most {
            self.fault("min", "must be at most --max".into());
        }
        if most == 0 {
            self.fault("max", "must be at least 1".into());
        }
        let online_within =
            self.seconds("online_within_s", &flags.online_within_s, ONLINE_WITHIN_S);
        Policy {
            least,
            most,
            drain_for: self.seconds("drain_s", &flags.drain_s, DRAIN_S),
            online_within,
        }
    }

    fn at_end(&mut self, flags: &Flags) -> AtEnd {
        match (flags.leave, flags.purge) {
            (true, true) => {
                self.fault("leave", "contradicts --purge".into());
                AtEnd::Leave
            }
            (true, false) => AtEnd::Leave,
            (false, true) => AtEnd::RemoveWithCaches,
            (false, false) => AtEnd::Remove,
        }
    }

    fn token(&mut self, path: &Path) -> Option<Token> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.fault("token_file", format!("{}: {error}", path.display()));
                return None;
            }
        };
        let token = text.trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            let path = path.display();
            self.fault("token_file", format!("{path} does not hold a token"));
            return None;
        }
        Some(Token(token.to_owned()))
    }

    fn name_prefix(&mut self, flags: &Flags) -> String {
        let prefix = flags.name_prefix.clone().unwrap_or_else(|| "pictor".into());
        let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_name = prefix.starts_with(|c: char| c.is_ascii_alphanumeric())
            && prefix.len() <= 32
            && prefix.chars().all(is_fit);
        if !is_name {
            let message = "has up to 32 letters, digits, - and _, and begins with no - or _";
            self.fault("name_prefix", format!("{prefix:?}: {message}"));
        }
        prefix
    }

    fn memory(&mut self, flags: &Flags) -> Option<u64> {
        let text = flags.memory.as_ref()?;
        let bytes = bytes(text);
        if bytes.is_none_or(|bytes| bytes < 1 << 28) {
            let message = format!("{text:?} is not a size of at least 256m, such as 16g");
            self.fault("memory", message);
        }
        bytes
    }

    fn seconds(&mut self, key: &str, flag: &Option<String>, default: u64) -> Duration {
        let seconds = self.parsed(key, flag, default);
        if seconds > 7 * DAY_S {
            self.fault(key, format!("{seconds} is more than a week"));
        }
        Duration::from_secs(seconds)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        default: T,
    ) -> T {
        let Some(text) = flag else { return default };
        text.parse().unwrap_or_else(|error| {
            self.fault(key, format!("{text:?}: {error}"));
            default
        })
    }

    fn required(&mut self, key: &str, flag: &Option<String>) -> Option<String> {
        let value = flag.clone().filter(|value| !value.trim().is_empty());
        if value.is_none() {
            self.fault(key, "is required".into());
        }
        value
    }

    fn url(&mut self, key: &str, url: Option<&str>) -> Option<String> {
        let url = url?;
        let parsed: Option<http::Uri> = url.parse().ok();
        let is_good = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|host| !host.as_str().contains('@'))
                && uri.query().is_none()
        });
        if !is_good {
            let message = format!("{url:?} is not an address such as https://render.example.org");
            self.fault(key, message);
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn fault(&mut self, key: &str, message: String) {
        let (flag, variable) = (key.replace('_', "-"), key.to_uppercase());
        self.faults.push(Fault {
            place: format!("{key} (--{flag}, PICTOR_LAUNCH_{variable})"),
            message,
        });
    }
}

/// Bytes as Docker takes them: a number, and k, m, g or t for powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let units = [("k", 10), ("m", 20), ("g", 30), ("t", 40)];
    let unit = units
        .iter()
        .find_map(|(unit, shift)| Some((lower.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((&lower, 0));
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
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
}
