//! The command line: what an owner can ask of this program.

mod runtime;
mod verify;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pictor_protocol::blender::{BadVersion, Series};
use tracing_subscriber::EnvFilter;

use crate::config::{self, UserDirs, schema};
use crate::doctor;
use crate::errors::Chain;
use crate::gpu::Library;
use crate::start;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or drained after a signal; of `doctor`: nothing failed
  1  a fault of this machine or of this program; of `doctor`: something failed
  2  the command line is wrong
  3  the worker's config is wrong
  4  the coordinator does not accept the token
  5  the worker is too old for its coordinator
  6  there is nothing to render with: no GPU, or no Blender runtime
  7  something is missing on this machine; the message says what to install
  8  a GPU was lost; the container has to be recreated
  9  the coordinator cannot be reached

One SIGTERM or Ctrl-C finishes the frame that renders and hands back the rest; a second one stops at once.";

/// Renders frames for a Pictor render network with Blender.
#[derive(Debug, Parser)]
#[command(name = "pictor-worker", version, about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Connect to the coordinator and render what it gives
    Run(Run),
    /// Ask the coordinator about this worker, and change nothing
    Verify(ConfigFile),
    /// Say whether the worker of this config works on this machine
    Health(verify::Health),
    /// Look at everything that a worker needs, and say what is wrong and what to do about it
    Doctor(Doctor),
    /// Look at the worker's config
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Install, list and adopt Blender versions
    #[command(subcommand)]
    Runtime(runtime::RuntimeCommand),
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    config: ConfigFile,
    /// Render on the CPU when the machine has no supported GPU, whatever the config says
    #[arg(long, env = "PICTOR_ALLOW_CPU")]
    allow_cpu: bool,
    /// Blender versions to install first when they are missing, such as 4.2,5.0
    #[arg(
        long,
        value_name = "VERSIONS",
        default_value = "",
        hide_default_value = true,
        env = "PICTOR_WANTED_RUNTIMES"
    )]
    runtimes: SeriesList,
    /// Let the coordinator have Blender versions installed here that jobs wait for, about 1 GB each
    #[arg(long, env = "PICTOR_INSTALL_RUNTIMES")]
    install_runtimes: bool,
    #[command(flatten)]
    nvml: NvmlFile,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "PICTOR_LOG_FORMAT")]
    log_format: LogFormat,
}

impl Run {
    fn wishes(&self) -> start::Wishes {
        start::Wishes {
            config: self.config.config.clone(),
            allow_cpu: self.allow_cpu,
            runtimes: self.runtimes.0.clone(),
            // Where the system does not say what this program is, it installs nothing.
            installer: std::env::current_exe()
                .ok()
                .filter(|_| self.install_runtimes),
            nvml: self.nvml.library(),
        }
    }
}

/// Versions with commas between them; none in an empty text, as a variable that is set to nothing gives.
#[derive(Debug, Clone)]
struct SeriesList(Vec<Series>);

impl FromStr for SeriesList {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let versions = text.split(',').map(str::trim);
        let versions = versions.filter(|version| !version.is_empty());
        versions.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Debug, Args)]
struct Doctor {
    /// The worker-config.json to try; without it only the machine is looked at
    #[arg(long, value_name = "FILE", env = "PICTOR_WORKER_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    nvml: NvmlFile,
    /// As for `run`: the CPU is a slot when there is no supported GPU
    #[arg(long, env = "PICTOR_ALLOW_CPU")]
    allow_cpu: bool,
    /// Render a tiny picture on every slot with every installed Blender
    #[arg(long)]
    render: bool,
    /// As JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The worker-config.json that the coordinator gave for this worker
    #[arg(long, value_name = "FILE", env = "PICTOR_WORKER_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct NvmlFile {
    /// NVIDIA's management library, where the system does not find it by itself
    #[arg(long, value_name = "FILE", env = "PICTOR_NVML")]
    nvml: Option<PathBuf>,
}

impl NvmlFile {
    fn library(&self) -> Library {
        Library::at(self.nvml.as_deref())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the JSON Schema of worker-config.json
    Schema,
    /// Say whether a config is good
    Check(ConfigFile),
}

/// Runs the program to its end.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(run) => run_worker(&run),
        Command::Doctor(doctor) => examine(&doctor),
        Command::Config(ConfigCommand::Schema) => {
            finish(print(&format!("{:#}", schema::json_schema())).map_err(|error| (error, 1)))
        }
        Command::Config(ConfigCommand::Check(file)) => check_config(&file.config),
        Command::Verify(file) => verify::verify(&file.config),
        Command::Health(health) => verify::health(&health),
        Command::Runtime(command) => finish(runtime::run(command).map_err(|error| {
            let code = error.exit_code();
            (error, code)
        })),
    }
}

fn run_worker(run: &Run) -> ExitCode {
    init_log(run.log_format);
    // One thread: Blender does the work, and a frame's bytes are hashed on a thread of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(start::run(&run.wishes())),
        Err(error) => return finish(Err((error, 1))),
    };
    match result {
        Ok(()) => {
            tracing::info!("ended");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{}", Chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

fn examine(doctor: &Doctor) -> ExitCode {
    let options = doctor::Options {
        config: doctor.config.clone(),
        allow_cpu: doctor.allow_cpu,
        nvml: doctor.nvml.library(),
        render: doctor.render,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let checks = match runtime {
        Ok(runtime) => runtime.block_on(doctor::examine(&options)),
        Err(error) => return finish(Err((error, 1))),
    };
    let text = if doctor.json {
        serde_json::to_string_pretty(&checks).map_err(io::Error::from)
    } else {
        Ok(doctor::lines(&checks))
    };
    match text.and_then(|text| print(&text)) {
        Ok(()) if doctor::is_well(&checks) => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(1),
        Err(error) => finish(Err((error, 1))),
    }
}

fn check_config(path: &Path) -> ExitCode {
    match config::load(path, &UserDirs::from_env()) {
        Ok((settings, warnings)) => {
            let warnings: String = warnings
                .iter()
                .map(|it| format!("warning: {it}\n"))
                .collect();
            let text = format!(
                "{warnings}{} is good: the worker {} of {}\n",
                path.display(),
                settings.name,
                settings.coordinator
            );
            finish(print(&text).map_err(|error| (error, 1)))
        }
        Err(error) => finish(Err((error, 3))),
    }
}

fn finish<E: std::error::Error>(result: Result<(), (E, u8)>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((error, code)) => {
            writeln!(io::stderr(), "error: {}", Chain(&error)).ok();
            ExitCode::from(code)
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", text.trim_end())
}

/// Log lines go to stderr; `PICTOR_LOG` filters them as `RUST_LOG` does elsewhere.
fn init_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("PICTOR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            log.with_target(false)
                .with_ansi(io::stderr().is_terminal())
                .init();
        }
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
