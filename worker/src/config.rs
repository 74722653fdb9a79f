//! The worker's own settings: `worker-config.json` read, checked, and completed with defaults.
//!
//! Everything that can be wrong with the file has an error of its own, because the person who reads
//! it has just copied that file to a machine and wants to know what to do. Nothing else in the
//! worker reads the file or the environment's directories.

pub mod schema;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use pictor_protocol::WorkerId;
use pictor_protocol::worker_config::{CONFIG_VERSION, WorkerConfig, WorkerOptions};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const CACHE_BYTES: u64 = 20 << 30;
const IDLE_BLENDER: Duration = Duration::from_secs(600);
/// No config is longer; whoever passes a scene by mistake gets an answer at once.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything an owner decided, complete.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port, and perhaps a path, without a slash at the end.
    pub coordinator: String,
    pub worker: WorkerId,
    pub token: Token,
    pub name: String,
    pub allow_cpu: bool,
    /// Most slots to use.
    pub slots: Option<u16>,
    pub cache_bytes: u64,
    pub cache_dir: PathBuf,
    /// Most memory for one Blender.
    pub memory_bytes: Option<u64>,
    /// A Blender that had no work for so long is ended.
    pub idle_blender: Duration,
    /// Where runtimes are installed, when the owner said so.
    pub runtimes_dir: Option<PathBuf>,
}

/// The worker's secret: never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "there is no file {}: create the worker at its coordinator and save the config it gives you there",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error("{} is a directory, not a worker config", path.display())]
    Directory { path: PathBuf },
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is too long for a worker config", path.display())]
    TooLong { path: PathBuf },
    #[error("{} is not JSON", path.display())]
    NotJson {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{} is not a worker config: {field} {why}", path.display())]
    NotAConfig {
        path: PathBuf,
        field: String,
        why: String,
    },
    #[error(
        "{} is of version {version}, and this worker reads up to {CONFIG_VERSION}: update the worker",
        path.display()
    )]
    Newer { path: PathBuf, version: u64 },
    #[error("the coordinator's address {url:?} in {} {why}", path.display())]
    BadUrl {
        path: PathBuf,
        url: String,
        why: &'static str,
    },
    #[error("no home directory is known: set options.cache_dir in {}", path.display())]
    NoHome { path: PathBuf },
}

/// Something an owner should change, and need not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigWarning {
    #[error("others can read the token in {0}: run `chmod 600 {0}`")]
    Exposed(String),
    #[error("the option {0:?} is not known and has no effect")]
    UnknownOption(String),
}

/// The directories of the user who runs the worker.
#[derive(Debug, Clone, Default)]
pub struct UserDirs {
    pub home: Option<OsString>,
    pub xdg_cache_home: Option<OsString>,
}

impl UserDirs {
    pub fn from_env() -> Self {
        Self {
            home: std::env::var_os("HOME"),
            xdg_cache_home: std::env::var_os("XDG_CACHE_HOME"),
        }
    }

    /// Where this program keeps what it can fetch again.
    pub fn cache(&self) -> Option<PathBuf> {
        // The XDG specification has relative paths ignored.
        let absolute = |dir: &OsString| Some(PathBuf::from(dir)).filter(|dir| dir.is_absolute());
        let xdg = self.xdg_cache_home.as_ref().and_then(absolute);
        let home = self.home.as_ref().and_then(absolute);
        Some(xdg.or_else(|| Some(home?.join(".cache")))?.join("pictor"))
    }
}

/// Reads and completes the file.
pub fn load(path: &Path, dirs: &UserDirs) -> Result<(Settings, Vec<ConfigWarning>), ConfigError> {
    let (text, mode) = read(path)?;
    let object = parse(path, &text)?;
    let config = check(path, &object)?;
    let mut warnings = Vec::new();
    if mode & 0o077 != 0 {
        warnings.push(ConfigWarning::Exposed(path.display().to_string()));
    }
    warnings.extend(unknown_options(&object));
    Ok((complete(path, config, dirs)?, warnings))
}

fn read(path: &Path) -> Result<(String, u32), ConfigError> {
    let unreadable = |source: io::Error| {
        let path = path.into();
        if source.kind() == io::ErrorKind::NotFound {
            ConfigError::Missing { path }
        } else {
            ConfigError::Unreadable { path, source }
        }
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(ConfigError::Directory { path: path.into() });
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(ConfigError::TooLong { path: path.into() });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok((text, metadata.permissions().mode()))
}

fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, ConfigError> {
    let value = serde_json::from_str(text).map_err(|source| ConfigError::NotJson {
        path: path.into(),
        source,
    })?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(not_a_config(path, "the file", "is not a JSON object"))
        }
    }
}

fn check(path: &Path, object: &Map<String, Value>) -> Result<WorkerConfig, ConfigError> {
    // The version first: a newer file may differ in everything else.
    let version: u64 = field(path, object, "version")?;
    if version == 0 {
        return Err(not_a_config(
            path,
            "version",
            "is 0, and the first one was 1",
        ));
    }
    if version > CONFIG_VERSION.into() {
        return Err(ConfigError::Newer {
            path: path.into(),
            version,
        });
    }
    let options = object
        .get("options")
        .map(|options| check_options(path, options))
        .transpose()?;
    let config = WorkerConfig {
        version: version as u32,
        coordinator: field(path, object, "coordinator")?,
        worker_id: field(path, object, "worker_id")?,
        token: field(path, object, "token")?,
        name: field(path, object, "name")?,
        options: options.unwrap_or_default(),
    };
    let is_sendable = |c: char| c.is_ascii_graphic();
    if config.token.is_empty() || !config.token.chars().all(is_sendable) {
        return Err(not_a_config(path, "token", "is not a token"));
    }
    Ok(config)
}

fn check_options(path: &Path, options: &Value) -> Result<WorkerOptions, ConfigError> {
    let object = options
        .as_object()
        .ok_or_else(|| not_a_config(path, "options", "is not a JSON object"))?;
    for (name, value) in object {
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        serde_json::from_value::<WorkerOptions>(alone)
            .map_err(|error| not_a_config(path, &format!("options.{name}"), &why(&error)))?;
    }
    let options: WorkerOptions = serde_json::from_value(options.clone())
        .map_err(|error| not_a_config(path, "options", &why(&error)))?;
    if options.slots == Some(0) {
        let why = "is 0: there would be nothing to render with";
        return Err(not_a_config(path, "options.slots", why));
    }
    Ok(options)
}

fn field<T: DeserializeOwned>(
    path: &Path,
    object: &Map<String, Value>,
    name: &str,
) -> Result<T, ConfigError> {
    let value = object
        .get(name)
        .ok_or_else(|| not_a_config(path, name, "is missing"))?;
    T::deserialize(value).map_err(|error| not_a_config(path, name, &why(&error)))
}

fn why(error: &serde_json::Error) -> String {
    format!("is wrong: {error}")
}

fn not_a_config(path: &Path, field: &str, why: &str) -> ConfigError {
    ConfigError::NotAConfig {
        path: path.into(),
        field: field.into(),
        why: why.into(),
    }
}

fn unknown_options(object: &Map<String, Value>) -> Vec<ConfigWarning> {
    let known = schema::option_names();
    let options = object.get("options").and_then(Value::as_object);
    let names = options.into_iter().flat_map(Map::keys);
    names
        .filter(|name| !known.contains(name))
        .map(|name| ConfigWarning::UnknownOption(name.clone()))
        .collect()
}

fn complete(path: &Path, config: WorkerConfig, dirs: &UserDirs) -> Result<Settings, ConfigError> {
    let WorkerConfig {
        coordinator,
        worker_id,
        token,
        name,
        options,
        ..
    } = config;
    let cache_dir = options
        .cache_dir
        .map(PathBuf::from)
        .or_else(|| dirs.cache())
        .ok_or_else(|| ConfigError::NoHome { path: path.into() })?;
    let bad_url = |why| ConfigError::BadUrl {
        path: path.into(),
        url: coordinator.clone(),
        why,
    };
    Ok(Settings {
        coordinator: check_url(&coordinator).map_err(bad_url)?,
        worker: worker_id,
        token: Token(token),
        name,
        allow_cpu: options.allow_cpu,
        slots: options.slots,
        cache_bytes: options.cache_bytes.unwrap_or(CACHE_BYTES),
        cache_dir,
        memory_bytes: options.memory_bytes,
        idle_blender: options
            .idle_blender_s
            .map_or(IDLE_BLENDER, |seconds| Duration::from_secs(seconds.into())),
        runtimes_dir: options.runtimes_dir.map(PathBuf::from),
    })
}

fn check_url(url: &str) -> Result<String, &'static str> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err("has to begin with http:// or https://");
    }
    let parsed: Uri = url.parse().map_err(|_| "is not a URL")?;
    let authority = parsed.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') {
        return Err("must not hold a user or a password");
    }
    if parsed.query().is_some() {
        return Err("must not have a query");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
