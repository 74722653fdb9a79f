//! One typed [`Config`] out of three sources: flags over `PICTOR_*` environment over an optional TOML
//! file over defaults. Every fault of every source is reported at once, with where it stands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::campaign::quests::webhook::{SECRET_BYTES_MIN, WebhookSecret};

/// Longest name of an image, its host and digest included.
const IMAGE_BYTES_MAX: usize = 512;

mod payouts;
mod sign_in;

pub use payouts::{PayoutFlags, PayoutSettings};
pub use sign_in::{SignInFlags, SignInSettings};

/// Everything that can be set. Each has the same name as a flag (`--lease-ttl-s`), in the environment
/// (`PICTOR_LEASE_TTL_S`) and in the file (`lease_ttl_s`).
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "PICTOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", env = "PICTOR_BIND")]
    bind: Option<String>,
    /// Directory for the database and the blobs [default: ./data]
    #[arg(long, value_name = "DIR", env = "PICTOR_DATA")]
    data: Option<String>,
    /// Address under which workers and people reach this coordinator [default: http:// and the bind]
    #[arg(long, value_name = "URL", env = "PICTOR_PUBLIC_URL")]
    public_url: Option<String>,
    /// `text` for people or `json` for machines [default: text]
    #[arg(long, value_name = "FORMAT", env = "PICTOR_LOG_FORMAT")]
    log_format: Option<String>,
    /// Which log lines to write, such as `info` or `pictor_coordinator=debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "PICTOR_LOG")]
    log: Option<String>,
    /// File to write this coordinator's address to once it answers
    #[arg(long, value_name = "FILE", env = "PICTOR_READY_FILE")]
    ready_file: Option<String>,
    /// Seconds of silence after which a worker's frames go to others, 5 to 3600 [default: 60]
    #[arg(long, value_name = "SECONDS", env = "PICTOR_LEASE_TTL_S")]
    lease_ttl_s: Option<String>,
    /// Seconds that a request for work or commands is held open, 1 to 300 [default: 50]
    #[arg(long, value_name = "SECONDS", env = "PICTOR_HOLD_S")]
    hold_s: Option<String>,
    /// Milliseconds between two reports of a worker that renders, 100 to 60000 [default: 2000]
    #[arg(long, value_name = "MS", env = "PICTOR_REPORT_INTERVAL_MS")]
    report_interval_ms: Option<String>,
    /// Largest scene that is taken, in MiB [default: 10240]
    #[arg(long, value_name = "MIB", env = "PICTOR_SCENE_MIB_MAX")]
    scene_mib_max: Option<String>,
    /// Largest picture that is taken, in MiB [default: 1024]
    #[arg(long, value_name = "MIB", env = "PICTOR_OUTPUT_MIB_MAX")]
    output_mib_max: Option<String>,
    /// Hours that an upload nobody refers to is kept, 1 to 8760 [default: 24]
    #[arg(long, value_name = "HOURS", env = "PICTOR_BLOB_GRACE_H")]
    blob_grace_h: Option<String>,
    /// File with the secret, of at least 32 bytes, that other services sign with when they tell that somebody
    /// did a quest [default: nobody is believed]
    #[arg(long, value_name = "FILE", env = "PICTOR_QUEST_WEBHOOK_SECRET_FILE")]
    quest_webhook_secret_file: Option<String>,
    /// File with the key that campaigns' final snapshots are signed with; made if it is not there
    /// [default: campaign.key in the data directory]
    #[arg(long, value_name = "FILE", env = "PICTOR_CAMPAIGN_KEY_FILE")]
    campaign_key_file: Option<String>,
    /// Image of the workers that people install, for a network that has its own
    /// [default: the installers' own]
    #[arg(long, value_name = "IMAGE", env = "PICTOR_WORKER_IMAGE")]
    worker_image: Option<String>,
    #[command(flatten)]
    sign_in: SignInFlags,
    #[command(flatten)]
    payouts: PayoutFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json"),
        }
    }
}

/// The name of a container image. People paste it into their shells with the rest of a command, so nothing in it means
/// something there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName(String);

impl FromStr for ImageName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fine = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.len() <= IMAGE_BYTES_MAX && text.chars().all(is_fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected an image's name, such as registry.example.org/pictor/worker:1")
        }
    }
}

impl std::fmt::Display for ImageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub bind: SocketAddr,
    pub data: PathBuf,
    /// Without a slash at the end; made from the listening address when unset.
    pub public_url: Option<String>,
    pub log_format: LogFormat,
    pub log: String,
    pub ready_file: Option<PathBuf>,
    pub lease_ttl: Duration,
    pub hold: Duration,
    pub report_interval: Duration,
    pub scene_bytes_max: u64,
    pub output_bytes_max: u64,
    pub blob_grace: Duration,
    pub quest_webhook_secret: Option<WebhookSecret>,
    pub campaign_key_file: Option<PathBuf>,
    /// What the commands that pages show install; what the installers choose when unset.
    pub worker_image: Option<ImageName>,
    pub sign_in: SignInSettings,
    /// What pays rewards; nothing if they are paid by hand.
    pub payouts: Option<PayoutSettings>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands: a flag, a variable, or a key of the file.
    pub place: String,
    pub message: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", list(.0))]
pub struct ConfigError(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    let mut text = String::from("the configuration is not usable:");
    for fault in faults {
        text += &format!("\n  {}: {}", fault.place, fault.message);
    }
    text
}

impl Config {
    /// Reads the file that the flags name, if any, and checks everything.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let file = flags.config.as_deref().map_or_else(BTreeMap::new, |path| {
            read_file(path).unwrap_or_else(|fault| {
                faults.push(fault);
                BTreeMap::new()
            })
        });
        let (config, more) = Self::from_sources(flags, file);
        faults.extend(more);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(faults))
        }
    }

    fn from_sources(flags: &Flags, file: BTreeMap<String, String>) -> (Self, Vec<Fault>) {
        let mut of = Sources {
            file,
            faults: Vec::new(),
        };
        let mib = 1 << 20;
        let sign_in = SignInSettings::take(&mut of, &flags.sign_in);
        let config = Self {
            bind: of.take(
                "bind",
                &flags.bind,
                SocketAddr::from(([127, 0, 0, 1], 8080)),
            ),
            data: of.take("data", &flags.data, PathBuf::from("data")),
            public_url: of.take_url("public_url", &flags.public_url),
            log_format: of.take("log_format", &flags.log_format, LogFormat::Text),
            log: of.take("log", &flags.log, "info".to_owned()),
            ready_file: of.take_optional("ready_file", &flags.ready_file),
            lease_ttl: Duration::from_secs(of.number(
                "lease_ttl_s",
                &flags.lease_ttl_s,
                60,
                5,
                3_600,
            )),
            hold: Duration::from_secs(of.number("hold_s", &flags.hold_s, 50, 1, 300)),
            report_interval: Duration::from_millis(of.number(
                "report_interval_ms",
                &flags.report_interval_ms,
                2_000,
                100,
                60_000,
            )),
            scene_bytes_max: mib
                * of.number("scene_mib_max", &flags.scene_mib_max, 10_240, 1, 1 << 20),
            output_bytes_max: mib
                * of.number("output_mib_max", &flags.output_mib_max, 1_024, 1, 1 << 20),
            blob_grace: Duration::from_secs(
                3_600 * of.number("blob_grace_h", &flags.blob_grace_h, 24, 1, 8_760),
            ),
            quest_webhook_secret: take_webhook_secret(&mut of, &flags.quest_webhook_secret_file),
            campaign_key_file: of.take_optional("campaign_key_file", &flags.campaign_key_file),
            worker_image: of.take_optional("worker_image", &flags.worker_image),
            payouts: PayoutSettings::take(&mut of, &flags.payouts, &sign_in),
            sign_in,
        };
        // A renewal has to fit into a lease several times, or a lost packet loses the lease.
        if config.report_interval * 2 > config.lease_ttl {
            of.fault(
                "report_interval_ms",
                "must be at most half of lease_ttl_s".into(),
            );
        }
        for key in std::mem::take(&mut of.file).into_keys() {
            of.fault(&key, "there is no such setting".into());
        }
        (config, of.faults)
    }

    pub fn database(&self) -> PathBuf {
        self.data.join("pictor.sqlite3")
    }

    pub fn campaign_key_file(&self) -> PathBuf {
        let configured = self.campaign_key_file.clone();
        configured.unwrap_or_else(|| self.data.join("campaign.key"))
    }

    pub fn pepper_file(&self) -> PathBuf {
        let configured = self.sign_in.pepper_file.clone();
        configured.unwrap_or_else(|| self.data.join("pepper.secret"))
    }
}

fn take_webhook_secret(of: &mut Sources, flag: &Option<String>) -> Option<WebhookSecret> {
    let key = "quest_webhook_secret_file";
    let path: PathBuf = of.take_optional(key, flag)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => WebhookSecret::new(&text).or_else(|| {
            let message = format!("{}: shorter than {SECRET_BYTES_MIN} bytes", path.display());
            of.fault(key, message);
            None
        }),
        Err(error) => {
            of.fault(key, format!("{}: {error}", path.display()));
            None
        }
    }
}

/// The file's settings as text, whatever their type there.
fn read_file(path: &Path) -> Result<BTreeMap<String, String>, Fault> {
    let fault = |message: String| Fault {
        place: path.display().to_string(),
        message,
    };
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| fault(error.to_string()))?;
    let as_text = |value: toml::Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    Ok(table
        .into_iter()
        .map(|(key, value)| (key, as_text(value)))
        .collect())
}

/// What is left of the file, and what was wrong so far.
struct Sources {
    file: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl Sources {
    fn take_optional<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        flag: &Option<String>,
    ) -> Option<T> {
        let from_file = self.file.remove(key);
        // Compose files hand over what is not set as an empty variable.
        let flag = flag.clone().filter(|text| !text.is_empty());
        let text = flag.or(from_file)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(key, format!("{text:?}: {error}"));
                None
            }
        }
    }

    fn take<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        flag: &Option<String>,
        default: T,
    ) -> T {
        self.take_optional(key, flag).unwrap_or(default)
    }

    fn number(
        &mut self,
        key: &str,
        flag: &Option<String>,
        default: u64,
        least: u64,
        most: u64,
    ) -> u64 {
        let value = self.take(key, flag, default);
        if !(least..=most).contains(&value) {
            self.fault(key, format!("{value} is not between {least} and {most}"));
            return default;
        }
        value
    }

    fn take_url(&mut self, key: &str, flag: &Option<String>) -> Option<String> {
        let url: String = self.take_optional(key, flag)?;
        let parsed: Option<http::Uri> = url.parse().ok();
        let good = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !good {
            self.fault(
                key,
                format!("{url:?} is not an address such as https://render.example.org"),
            );
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn fault(&mut self, key: &str, message: String) {
        let place = format!(
            "{key} (--{}, PICTOR_{})",
            key.replace('_', "-"),
            key.to_uppercase()
        );
        self.faults.push(Fault { place, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_source_the_defaults_hold() {
        let config = Config::load(&Flags::default()).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database(), Path::new("data/pictor.sqlite3"));
    }

    #[test]
    fn a_flag_beats_the_file() {
        let flags = Flags {
            hold_s: Some("7".into()),
            ..Flags::default()
        };
        let (config, faults) =
            Config::from_sources(&flags, file(&[("hold_s", "9"), ("lease_ttl_s", "30")]));
        assert_eq!(faults, []);
        assert_eq!((config.hold.as_secs(), config.lease_ttl.as_secs()), (7, 30));
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let flags = Flags {
            hold_s: Some(String::new()),
            ..Flags::default()
        };
        let (config, faults) = Config::from_sources(&flags, file(&[("hold_s", "9")]));
        assert_eq!((config.hold.as_secs(), faults), (9, vec![]));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let flags = Flags {
            bind: Some("nowhere".into()),
            public_url: Some("ftp://x".into()),
            ..Flags::default()
        };
        let (_, faults) =
            Config::from_sources(&flags, file(&[("lease_ttl_s", "1"), ("colour", "red")]));
        let places: Vec<_> = faults
            .iter()
            .map(|fault| fault.place.split(' ').next().unwrap())
            .collect();
        assert_eq!(places, ["bind", "public_url", "lease_ttl_s", "colour"]);
    }

    #[test]
    fn a_webhook_secret_is_read_from_its_file_and_a_short_one_is_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let flags = Flags {
            quest_webhook_secret_file: Some(path.display().to_string()),
            ..Flags::default()
        };
        assert!(Config::load(&flags).is_err(), "there is no such file");
        std::fs::write(&path, "short\n").unwrap();
        assert!(Config::load(&flags).is_err());
        std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
        assert!(Config::load(&flags).unwrap().quest_webhook_secret.is_some());
    }

    #[test]
    fn an_image_whose_name_would_do_something_in_a_shell_is_a_fault() {
        for name in ["pictor/worker:1", "r.example:5000/a/b@sha256:0f"] {
            assert_eq!(name.parse::<ImageName>().unwrap().to_string(), name);
        }
        for name in ["", "a b", "a;reboot", "$(reboot)", "--privileged", "a\nb"] {
            assert!(name.parse::<ImageName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_fault_with_its_path() {
        let flags = Flags {
            config: Some("/nowhere/pictor.toml".into()),
            ..Flags::default()
        };
        let error = Config::load(&flags).unwrap_err().to_string();
        assert!(error.contains("/nowhere/pictor.toml"), "{error}");
    }

    fn file(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
        settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }
}
