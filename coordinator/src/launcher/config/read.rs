//! From the words of the command line to a [`Config`], with every fault on the way.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::{AtEnd, Config, Devices, DockerAddress, Flags, Token};
use crate::config::{Fault, LogFormat};
use crate::launcher::decide::Policy;

const DRAIN_S: u64 = 1_800;
const ONLINE_WITHIN_S: u64 = 120;
const PULL_EVERY_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

#[derive(Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn all(&mut self, flags: &Flags) -> Option<Config> {
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
pub(super) fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let units = [("k", 10), ("m", 20), ("g", 30), ("t", 40)];
    let unit = units
        .iter()
        .find_map(|(unit, shift)| Some((lower.strip_suffix(unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((&lower, 0));
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}
