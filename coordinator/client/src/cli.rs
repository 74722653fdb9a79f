//! What can be typed, and its help. Values are checked here as far as that needs no coordinator.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pictor_protocol::Micros;
use pictor_protocol::blender::BlenderWanted;
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::PRIORITY_MAX;
use pictor_protocol::settings::{Engine, Format, RenderSettings};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    something on this machine failed, such as a full disk
  2    the command was not understood
  3    the job failed, was cancelled or needs attention
  4    not signed in, or the coordinator refused: wrong or revoked token, not allowed
  5    the coordinator is not reachable, or in trouble itself
  6    the scene, a setting or the request is not acceptable; every fault is listed
  7    there is no such job or frame
  130  interrupted (Ctrl-C); a submitted job goes on

Environment:
  PICTOR_COORDINATOR  address of the coordinator, instead of the last login's
  PICTOR_TOKEN        access token, instead of the stored one
  XDG_CONFIG_HOME     credentials are kept in pictor/credentials.json below it (~/.config)

JOB is a job's id, the beginning or the end of it (4 characters or more), or `latest`.
With --json the answer is one JSON document on stdout; what is followed live is one JSON object
a line, named by its `event`. Everything for people goes to stderr then. What fails ends with the
object {\"event\": \"failed\", \"exit_code\": …, \"message\": …, \"problem\": …, \"faults\": […]}.";

/// Submit Blender scenes to a Pictor render network and fetch the finished frames.
#[derive(Debug, Parser)]
#[command(name = "pictor", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Address of the coordinator; the last login's when unset.
    #[arg(
        long,
        global = true,
        env = "PICTOR_COORDINATOR",
        value_name = "URL",
        hide_env = true
    )]
    pub coordinator: Option<String>,
    /// Answer in JSON for scripts.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in to a coordinator with an access token.
    ///
    /// The token is asked for without being shown, or read from standard input. Several coordinators
    /// are possible; the last login is the default.
    Login(Login),
    /// Forget a coordinator's access token.
    Logout,
    /// Submit a .blend, or a .zip with one main .blend and its assets.
    ///
    /// Whatever is not set is taken from the file.
    Submit(Box<Submit>),
    /// List your jobs, newest first.
    Jobs(Jobs),
    /// Show a job.
    Status(Status),
    /// Print the render log of a frame, or of every frame that failed.
    Logs(Logs),
    /// Fetch finished frames; those already there are not fetched again.
    Download(Download),
    /// Stop handing out frames of a job; what renders now is finished.
    Pause(OneJob),
    /// Let a paused job go on.
    Resume(OneJob),
    /// Stop a job for good; finished frames stay.
    Cancel(OneJob),
    /// Put failed frames of a job back into the queue.
    Retry(Retry),
    /// Approve finished frames: they are what you wanted.
    ///
    /// Frames that are approved cannot be sent back any more.
    Approve(Approve),
    /// Send finished frames back, to be rendered again by another worker.
    ///
    /// Frames of other people's workers can be sent back twice, within 7 days, and not once they are
    /// approved. What they cost comes back when other pictures take their places, unless they were
    /// delivered so long ago that the points for them are settled.
    SendBack(SendBack),
    /// Remove a job and its frames from the coordinator.
    Delete(Delete),
    /// List your workers.
    Workers,
}

#[derive(Debug, Args)]
pub struct Login {
    /// Address of the coordinator, such as https://render.example.org.
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Access token. Other users of this machine can see it in the list of processes: prefer the prompt.
    #[arg(long, env = "PICTOR_TOKEN", hide_env = true, hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Debug, Args)]
pub struct Submit {
    /// The scene: a .blend or a .zip.
    pub file: PathBuf,
    /// Frames to render, such as 1-10,15,20-30x2.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true, value_parser = FrameList::parse)]
    pub frames: Option<FrameList>,
    /// Name of the job; the file's name when unset.
    #[arg(long)]
    pub name: Option<String>,
    /// Blender to render with: auto (the file's own version) or a series such as 4.5.
    #[arg(long, value_name = "auto|X.Y", default_value = "auto")]
    pub blender: BlenderWanted,
    /// 0 to 100; among your jobs the higher goes first (50 when unset).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=i64::from(PRIORITY_MAX)))]
    pub priority: Option<u8>,
    /// Wait for `pictor resume` before anything is rendered.
    #[arg(long)]
    pub paused: bool,
    /// Credits that it may cost at most; it is paused when they are spent.
    #[arg(long, value_name = "CREDITS")]
    pub spend_cap: Option<Micros>,
    /// Follow the job until it is over.
    #[arg(long)]
    pub wait: bool,
    /// Fetch every frame into this directory as soon as it is finished (implies --wait).
    #[arg(long, value_name = "DIR")]
    pub download: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Render settings (the file's own when unset)")]
pub struct SettingsArgs {
    /// What renders.
    #[arg(long)]
    pub engine: Option<EngineArg>,
    /// File format of the frames.
    #[arg(long)]
    pub format: Option<FormatArg>,
    /// Pixels, before the percentage.
    #[arg(long, value_name = "PIXELS")]
    pub width: Option<u32>,
    /// Pixels, before the percentage.
    #[arg(long, value_name = "PIXELS")]
    pub height: Option<u32>,
    /// Scale of the resolution.
    #[arg(long, value_name = "PERCENT")]
    pub percentage: Option<u32>,
    /// Samples per pixel.
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// Name of the camera object.
    #[arg(long, value_name = "NAME")]
    pub camera: Option<String>,
    /// Name of the scene inside the file.
    #[arg(long, value_name = "NAME")]
    pub scene: Option<String>,
    /// Remove noise from the picture.
    #[arg(long, overrides_with = "no_denoise")]
    pub denoise: bool,
    /// Leave noise in the picture.
    #[arg(long)]
    pub no_denoise: bool,
    /// Seed of Cycles' random numbers.
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,
}

impl SettingsArgs {
    pub fn to_settings(&self) -> RenderSettings {
        RenderSettings {
            scene: self.scene.clone(),
            camera: self.camera.clone(),
            engine: self.engine.map(Engine::from),
            format: self.format.map(Format::from),
            width: self.width,
            height: self.height,
            percentage: self.percentage,
            samples: self.samples,
            denoise: (self.denoise || self.no_denoise).then_some(self.denoise),
            seed: self.seed,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EngineArg {
    Cycles,
    Eevee,
    Workbench,
}

impl From<EngineArg> for Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Cycles => Self::Cycles,
            EngineArg::Eevee => Self::Eevee,
            EngineArg::Workbench => Self::Workbench,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FormatArg {
    Png,
    #[value(alias = "jpg")]
    Jpeg,
    #[value(name = "exr", alias = "open-exr", alias = "OPEN_EXR")]
    OpenExr,
    #[value(
        name = "exr-multilayer",
        alias = "open-exr-multilayer",
        alias = "OPEN_EXR_MULTILAYER"
    )]
    OpenExrMultilayer,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Png => Self::Png,
            FormatArg::Jpeg => Self::Jpeg,
            FormatArg::OpenExr => Self::OpenExr,
            FormatArg::OpenExrMultilayer => Self::OpenExrMultilayer,
        }
    }
}

#[derive(Debug, Args)]
pub struct Jobs {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Only jobs in this state.
    #[arg(long)]
    pub state: Option<StateArg>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StateArg {
    Queued,
    Rendering,
    Paused,
    NeedsAttention,
    Done,
    Failed,
    Cancelled,
}

impl StateArg {
    /// As the API spells it.
    pub const fn as_wire(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Rendering => "rendering",
            Self::Paused => "paused",
            Self::NeedsAttention => "needs_attention",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Args)]
pub struct OneJob {
    /// Id, beginning or end of an id, or latest.
    pub job: String,
}

#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    pub one: OneJob,
    /// Follow the job until it is over.
    #[arg(long)]
    pub watch: bool,
    /// List its frames too.
    #[arg(long, conflicts_with = "watch")]
    pub frames: bool,
}

#[derive(Debug, Args)]
pub struct Logs {
    #[command(flatten)]
    pub one: OneJob,
    /// The frame; every failed frame when unset.
    #[arg(allow_negative_numbers = true)]
    pub frame: Option<i32>,
}

#[derive(Debug, Args)]
pub struct Download {
    #[command(flatten)]
    pub one: OneJob,
    /// Directory for the frames; one named after the job when unset.
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only these frames.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true, value_parser = FrameList::parse)]
    pub frames: Option<FrameList>,
    /// Stay until the job is over and fetch every frame as soon as it is finished.
    #[arg(long, conflicts_with = "zip")]
    pub wait: bool,
    /// One zip archive of all finished frames instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "frames"])]
    pub zip: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    pub one: OneJob,
    /// Only these frames; every failed or cancelled one when unset.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true, value_parser = FrameList::parse)]
    pub frames: Option<FrameList>,
}

#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    pub one: OneJob,
    /// These frames, such as 1-10,15; every finished one when unset.
    #[arg(value_name = "FRAMES", allow_hyphen_values = true, value_parser = FrameList::parse)]
    pub frames: Option<FrameList>,
}

#[derive(Debug, Args)]
pub struct SendBack {
    #[command(flatten)]
    pub one: OneJob,
    /// These frames, such as 1-10,15.
    #[arg(value_name = "FRAMES", allow_hyphen_values = true, value_parser = FrameList::parse)]
    pub frames: FrameList,
    /// What is wrong with them: whoever rendered them reads it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    pub one: OneJob,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn submit(args: &[&str]) -> Submit {
        let words = ["pictor", "submit", "a.blend"].iter().chain(args);
        let Command::Submit(submit) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not a submit");
        };
        *submit
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_not_typed_is_left_to_the_file() {
        assert_eq!(
            submit(&[]).settings.to_settings(),
            RenderSettings::default()
        );
    }

    #[test]
    fn the_last_word_on_denoising_counts() {
        assert_eq!(
            submit(&["--denoise"]).settings.to_settings().denoise,
            Some(true)
        );
        assert_eq!(
            submit(&["--no-denoise"]).settings.to_settings().denoise,
            Some(false)
        );
    }

    #[test]
    fn negative_frames_can_be_sent_back() {
        let words = [
            "pictor",
            "send-back",
            "latest",
            "-5--3",
            "--reason",
            "noise",
        ];
        let Command::SendBack(asked) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not a send-back");
        };
        assert_eq!(asked.frames.as_slice(), [-5, -4, -3]);
        assert_eq!(asked.reason, "noise");
    }

    #[test]
    fn negative_frames_can_be_typed() {
        let frames = submit(&["--frames", "-5--3"]).frames.unwrap();
        assert_eq!(frames.as_slice(), [-5, -4, -3]);
    }
}
