//! What can go wrong for a command as a whole. Exit codes are chosen here alone.

use std::io;
use std::path::PathBuf;

use pictor_protocol::job::{Job, JobState};
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::settings::Fault;

use crate::api::ApiError;
use crate::credentials::CredentialsError;
use crate::download::DownloadError;
use crate::scene_file::SceneFileError;
use crate::ui::words;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("this program cannot start")]
    Start { source: io::Error },
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    SceneFile(#[from] SceneFileError),
    #[error("the settings are not acceptable{}", fault_lines(.0))]
    Settings(Vec<Fault>),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("the token cannot be read")]
    ReadToken { source: io::Error },
    #[error("no job of yours has an id that begins or ends with {0:?}")]
    NoSuchJob(String),
    #[error("you have no jobs yet")]
    NoJobs,
    #[error("{} ({})", words::outcome(.0), .0.id)]
    JobNotDone(Box<Job>),
    #[error("{path} changed while it was uploaded; submit it again", path = .path.display())]
    FileChanged { path: PathBuf },
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("interrupted")]
    Interrupted,
    #[error("the answer cannot be written")]
    Print { source: io::Error },
}

impl Failure {
    /// A job that is over is a success only when every frame is there.
    pub fn unless_done(job: Job) -> Result<(), Self> {
        if job.state == JobState::Done {
            Ok(())
        } else {
            Err(Self::JobNotDone(Box::new(job)))
        }
    }
}

impl Failure {
    /// The coordinator's refusal, if it was one.
    pub fn problem(&self) -> Option<&Problem> {
        let (Self::Api(error) | Self::Download(DownloadError::Api(error))) = self else {
            return None;
        };
        if let ApiError::Refused(problem) = error {
            Some(problem)
        } else {
            None
        }
    }

    /// Every place that is wrong, where places have names.
    pub fn faults(&self) -> &[Fault] {
        if let Self::Settings(faults) = self {
            return faults;
        }
        self.problem().map_or(&[], |problem| &problem.faults)
    }
}

/// The exit codes that `pictor --help` lists.
pub fn exit_code(result: &Result<(), Failure>) -> u8 {
    let Err(failure) = result else { return 0 };
    match failure {
        // The reader of our output went away, as in `pictor jobs | head -1`: nothing failed.
        Failure::Print { source } if source.kind() == io::ErrorKind::BrokenPipe => 0,
        Failure::Start { .. }
        | Failure::Print { .. }
        | Failure::ReadToken { .. }
        | Failure::FileChanged { .. } => 1,
        Failure::Usage(_) => 2,
        Failure::JobNotDone(_) => 3,
        Failure::Credentials(error) => credentials_code(error),
        Failure::SceneFile(_) | Failure::Settings(_) => 6,
        Failure::NoSuchJob(_) | Failure::NoJobs => 7,
        Failure::Api(error) => api_code(error),
        Failure::Download(DownloadError::Api(error)) => api_code(error),
        Failure::Download(_) => 1,
        Failure::Interrupted => 130,
    }
}

fn credentials_code(error: &CredentialsError) -> u8 {
    match error {
        CredentialsError::NotSignedIn { .. } | CredentialsError::BadToken => 4,
        CredentialsError::BadAddress { .. } => 2,
        CredentialsError::NoHome
        | CredentialsError::Read { .. }
        | CredentialsError::Malformed { .. }
        | CredentialsError::Write { .. } => 1,
    }
}

fn api_code(error: &ApiError) -> u8 {
    match error {
        ApiError::Unreachable { .. } | ApiError::Broken { .. } | ApiError::Silent { .. } => 5,
        ApiError::NotPictor { .. } | ApiError::BadAnswer { .. } => 5,
        ApiError::File { .. } | ApiError::Certificates { .. } => 1,
        ApiError::Refused(problem) => problem_code(problem),
    }
}

fn problem_code(problem: &Problem) -> u8 {
    match problem.kind {
        ProblemKind::Unauthorized
        | ProblemKind::Forbidden
        | ProblemKind::ChooseARole
        | ProblemKind::AcceptTheRules
        | ProblemKind::Banned
        | ProblemKind::SignUpClosed
        | ProblemKind::ForeignOrigin
        | ProblemKind::SignInExpired
        | ProblemKind::NotProven
        | ProblemKind::UnsupportedKey
        | ProblemKind::NotTheAccountsKey
        | ProblemKind::SignInAgain => 4,
        ProblemKind::NotFound => 7,
        ProblemKind::Invalid
        | ProblemKind::Conflict
        | ProblemKind::TooLarge
        | ProblemKind::BadScene
        | ProblemKind::NewerThanEveryRuntime
        | ProblemKind::HashMismatch
        | ProblemKind::WrongOffset
        | ProblemKind::IdentityTaken
        | ProblemKind::ChangeInThePast
        | ProblemKind::CampaignOver
        | ProblemKind::CampaignNotRunning
        | ProblemKind::NotEnoughCredits
        | ProblemKind::AlreadyCheckedIn
        | ProblemKind::QuestNotOpen
        | ProblemKind::QuestDone
        | ProblemKind::QuestNotVisited
        | ProblemKind::ReferralRefused
        | ProblemKind::ChallengeLate
        | ProblemKind::ChallengeAnswered => 6,
        ProblemKind::StorageFull
        | ProblemKind::Internal
        | ProblemKind::WorkerTooOld
        | ProblemKind::HelloFirst
        | ProblemKind::TooManyTries
        | ProblemKind::PayoutNotPossible
        | ProblemKind::CounterpartUnavailable => 5,
        ProblemKind::Unknown if problem.status >= 500 => 5,
        ProblemKind::Unknown => 6,
    }
}

fn fault_lines(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("\n  {}: {}", fault.field, fault.message))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: ProblemKind, status: u16) -> Result<(), Failure> {
        Err(Failure::Api(ApiError::Refused(Box::new(Problem {
            kind,
            title: "No".into(),
            status,
            detail: None,
            faults: vec![],
            role: None,
            rules_version: None,
            hearing: None,
        }))))
    }

    #[test]
    fn exit_codes_tell_whose_turn_it_is() {
        assert_eq!(exit_code(&Ok(())), 0);
        assert_eq!(exit_code(&refused(ProblemKind::Unauthorized, 401)), 4);
        assert_eq!(exit_code(&refused(ProblemKind::BadScene, 422)), 6);
        assert_eq!(exit_code(&refused(ProblemKind::StorageFull, 507)), 5);
        assert_eq!(exit_code(&Err(Failure::Interrupted)), 130);
    }

    #[test]
    fn a_problem_from_the_future_is_judged_by_its_status() {
        assert_eq!(exit_code(&refused(ProblemKind::Unknown, 503)), 5);
        assert_eq!(exit_code(&refused(ProblemKind::Unknown, 418)), 6);
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let source = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(exit_code(&Err(Failure::Print { source })), 0);
    }

    #[test]
    fn faults_are_listed_line_by_line() {
        let fault = |field: &str| Fault {
            field: field.into(),
            message: "no".into(),
        };
        let text = Failure::Settings(vec![fault("a"), fault("b")]).to_string();
        assert_eq!(text, "the settings are not acceptable\n  a: no\n  b: no");
    }
}
