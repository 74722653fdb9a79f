//! The command line: `serve`, and what an operator does beside a running coordinator.

mod audit;
mod health;
mod ledger;
mod rules;
mod secret_file;
mod snapshot;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use pictor_protocol::people::Scope;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, TokenSpec};
use crate::app::{Server, now_us, open_store};
use crate::config::{Config, Flags, LogFormat};
use crate::launcher::driver::{Driver, LaunchError, Order};
use crate::{http, launcher, workers};
use audit::AuditLogCommand;
use ledger::LedgerCommand;
use rules::RulesCommand;
use secret_file::SecretFile;
use snapshot::SnapshotCommand;

/// Instead of a file: standard output.
const STDOUT: &str = "-";

const LAUNCH_HELP: &str = "\
Whoever can call a Docker engine is root on its machine, so the launcher is a program of its own: it listens
to nobody and needs only an access token of the scope `workers`.

    pictor-coordinator token create --scope workers > token
    pictor-coordinator launch --coordinator https://render.example.org --token-file token \\
        --image pictor-worker --gpu

It starts, restarts and replaces the containers, follows the demand between --min and --max, and changes to
a new image one worker at a time. SIGTERM or Ctrl-C drains and removes all of them (--leave keeps them); a
second one does not wait for those who still render. The workers' caches stay for the next time, in volumes
named after --name-prefix, unless --purge is given.";

/// Pictor's coordinator: hands out frames, verifies them and keeps the books.
#[derive(Debug, Parser)]
#[command(name = "pictor-coordinator", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the coordinator
    Serve(Flags),
    /// Keep workers running as containers on Docker hosts
    #[command(after_help = LAUNCH_HELP)]
    Launch(Box<launcher::config::Flags>),
    /// Access tokens for people's programs
    #[command(subcommand)]
    Token(TokenCommand),
    /// Workers
    #[command(subcommand)]
    Worker(WorkerCommand),
    /// Rules of campaigns
    #[command(subcommand)]
    Rules(RulesCommand),
    /// The log of who decided what
    #[command(subcommand)]
    AuditLog(AuditLogCommand),
    /// The books of credits and points
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Final snapshots of campaigns
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Ask the running coordinator whether it is ready: exit 0 if it is, 1 if not
    Health(Flags),
    /// Print a link that signs the operator in once
    SignInLink(Flags),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Mint an access token and print it, or write it to a file
    Create(TokenArgs),
}

#[derive(Debug, Args)]
struct TokenArgs {
    /// Whose token it is
    #[arg(long, default_value = accounts::OPERATOR)]
    user: String,
    /// What it may be used for: jobs, workers or operator; may be repeated
    #[arg(long = "scope", required = true)]
    scopes: Vec<Scope>,
    /// What it is for
    #[arg(long, default_value = "made on the command line")]
    name: String,
    /// How long it lasts; for ever when unset
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u32>,
    /// Write it to this file, readable by you alone, instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do nothing when that file is there already
    #[arg(long, requires = "out")]
    if_missing: bool,
    #[command(flatten)]
    config: Flags,
}

#[derive(Debug, Subcommand)]
enum WorkerCommand {
    /// Register a worker and write its config file
    Create(WorkerArgs),
}

#[derive(Debug, Args)]
struct WorkerArgs {
    /// Name of the worker
    #[arg(long)]
    name: String,
    /// Where to write its config file, readable by you alone; - prints it
    #[arg(long, default_value = "worker-config.json")]
    out: PathBuf,
    /// Do nothing when that file is there already
    #[arg(long)]
    if_missing: bool,
    /// Whose worker it is
    #[arg(long, default_value = accounts::OPERATOR)]
    user: String,
    /// Address under which the worker reaches the coordinator [default: the public URL, or the bind]
    #[arg(long)]
    url: Option<String>,
    /// Let it render on the CPU when it has no GPU
    #[arg(long)]
    allow_cpu: bool,
    #[command(flatten)]
    config: Flags,
}

/// Runs the command line; 0 when all went well, 1 when not, 2 when the command was misunderstood.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pictor-coordinator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let done = runtime.block_on(carry_out(command));
    // A scene that is unpacked right now would hold up the end for minutes, and nobody was promised anything of it.
    runtime.shutdown_background();
    done
}

async fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(flags) => serve(Config::load(&flags)?).await,
        Command::Launch(flags) => launch(&flags).await,
        Command::Token(TokenCommand::Create(args)) => create_token(&args).await,
        Command::Worker(WorkerCommand::Create(args)) => create_worker(&args).await,
        Command::Rules(command) => rules::run(&command),
        Command::AuditLog(command) => audit::run(&command).await,
        Command::Ledger(command) => ledger::run(&command).await,
        Command::Snapshot(command) => snapshot::run(&command),
        Command::Health(flags) => Ok(health::check(Config::load(&flags)?.bind).await?),
        Command::SignInLink(flags) => sign_in_link(&Config::load(&flags)?).await,
        Command::Openapi => say(&serde_json::to_string_pretty(&http::openapi())?),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    start_logging(&config.log, config.log_format)?;
    allow_many_connections();
    let stop = CancellationToken::new();
    let server = Server::start(config).await?;
    tracing::info!(
        url = server.url(),
        version = env!("CARGO_PKG_VERSION"),
        "coordinator is ready"
    );
    if let Some(link) = &server.first_sign_in {
        say(&format!(
            "\nThis coordinator is new. Sign in as its operator, once, within the hour:\n\n    {link}\n\n\
             Or mint a token for the command line:\n\n    \
             pictor-coordinator token create --user {} --scope jobs\n",
            accounts::OPERATOR
        ))?;
    }
    let signalled = stop.clone();
    let signals = tokio::spawn(async move {
        let _ = stop_signal().await;
        signalled.cancel();
    });
    let served = server.run(stop).await;
    signals.abort();
    tracing::info!("coordinator stopped");
    Ok(served?)
}

/// Every open page and every waiting worker is a connection, and so a file. Systems start programs with a soft limit
/// of 1,024 for the sake of those that still use `select`, and let the others raise it.
fn allow_many_connections() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, files) {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the limit of open files stays as it is");
    }
}

async fn launch(flags: &launcher::config::Flags) -> anyhow::Result<()> {
    let config = launcher::config::Config::load(flags)?;
    start_logging(&config.log, config.log_format)?;
    let driver = Driver::new(config)?;
    let (order, orders) = tokio::sync::mpsc::channel(4);
    let signals = tokio::spawn(async move {
        while stop_signal().await.is_ok() && order.send(Order::Stop).await.is_ok() {}
    });
    let launched: Result<(), LaunchError> = driver.run(orders).await;
    signals.abort();
    tracing::info!("launcher stopped");
    Ok(launched?)
}

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

fn start_logging(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter: tracing_subscriber::EnvFilter = filter
        .parse()
        .with_context(|| format!("log filter {filter:?}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => log
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

async fn create_token(args: &TokenArgs) -> anyhow::Result<()> {
    if let Some(out) = &args.out
        && keeps(out, args.if_missing)?
    {
        return Ok(());
    }
    let file = args.out.as_deref().map(SecretFile::prepare).transpose()?;
    let store = open_store(&Config::load(&args.config)?).await?;
    accounts::ensure_operator(&store, now_us()).await?;
    let user = accounts::by_name(&store, &args.user).await?;
    let spec = TokenSpec {
        name: &args.name,
        scopes: &args.scopes,
        expires_in_days: args.expires_in_days,
    };
    let token = accounts::mint_token(&store, &user, &spec, now_us()).await?;
    accounts::roles::give_for_scopes(&store, user.id, &args.scopes, now_us()).await?;
    audit::token_made(&store, &user, &spec).await?;
    let (Some(file), Some(out)) = (file, &args.out) else {
        return say(token.secret.reveal());
    };
    file.write(format!("{}\n", token.secret.reveal()).as_bytes())?;
    note(&format!(
        "the token is in {} (keep it private)",
        out.display()
    ));
    Ok(())
}

async fn create_worker(args: &WorkerArgs) -> anyhow::Result<()> {
    if keeps(&args.out, args.if_missing)? {
        return Ok(());
    }
    let is_file = args.out != Path::new(STDOUT);
    let file = is_file
        .then(|| SecretFile::prepare(&args.out))
        .transpose()?;
    let config = Config::load(&args.config)?;
    let store = open_store(&config).await?;
    accounts::ensure_operator(&store, now_us()).await?;
    let owner = accounts::by_name(&store, &args.user).await?;
    let url = args.url.clone().or_else(|| config.public_url.clone());
    let url = url.unwrap_or_else(|| format!("http://{}", config.bind));
    let mut worker = workers::create(&store, owner.id, &args.name, &url, now_us()).await?;
    worker.options.allow_cpu = args.allow_cpu;
    accounts::roles::give_for_scopes(&store, owner.id, &[Scope::Workers], now_us()).await?;
    audit::worker_made(&store, &owner, worker.worker_id).await?;
    let text = serde_json::to_string_pretty(&worker)?;
    let Some(file) = file else {
        return say(&text);
    };
    file.write(format!("{text}\n").as_bytes())?;
    note(&format!(
        "worker {:?} is registered; its config is in {} (keep it private)",
        worker.name,
        args.out.display()
    ));
    Ok(())
}

/// Whether a file is there that has to stay; says so.
fn keeps(path: &Path, if_missing: bool) -> anyhow::Result<bool> {
    let keeps = if_missing && secret_file::is_there(path)?;
    if keeps {
        note(&format!(
            "{} is there already; nothing is changed",
            path.display()
        ));
    }
    Ok(keeps)
}

async fn sign_in_link(config: &Config) -> anyhow::Result<()> {
    let store = open_store(config).await?;
    let (operator, _) = accounts::ensure_operator(&store, now_us()).await?;
    let link = accounts::make_sign_in_link(&store, operator.id, now_us()).await?;
    audit::link_made(&store, operator.id).await?;
    let url = config
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", config.bind));
    say(&format!("{url}/sign-in/{}", link.reveal()))
}

/// Tells people what was done; standard output is for scripts.
fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a line to standard output, for people or for scripts.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("could not write to standard output")
}
