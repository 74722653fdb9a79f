//! The one list of everything that crosses the wire whole. [`crate::wire_types`] notices what it lacks.

use std::fmt::Debug;

use pictor_protocol::agent::{
    AskForCommands, AskForWork, Commands, Hello, Registration, Report, ReportAnswer, Welcome, Work,
};
use pictor_protocol::campaign::{
    Campaign, CampaignDates, CampaignList, CampaignNow, NewCampaign, NewRules, RulesHistory,
    RulesVersion,
};
use pictor_protocol::challenge::{BeginChallenge, Challenge, ChallengeReceived};
use pictor_protocol::community::{
    CheckInMonth, CheckedIn, ClaimQuest, EnterReferral, OpenedQuest, QuestList, QuestProgress,
    QuestWebhook, Referral, RefuseClaim, WaitingClaims,
};
use pictor_protocol::fair_play::{
    AnswerAppeal, Appeal, AppealList, DecideStanding, LogPage, MyDecisions, NewAppeal, PersonFile,
    PersonPage, SignalList,
};
use pictor_protocol::gpus::SupportedGpus;
use pictor_protocol::job::{
    Frame, FramePage, FrameProgress, Job, JobEstimate, JobPage, NewJob, RetryFrames, SpendCap,
};
use pictor_protocol::job_workers::JobWorkers;
use pictor_protocol::leaderboard::{ChooseName, LeaderboardPage, MyRank, PublicName};
use pictor_protocol::ledger::{Balances, LedgerPage};
use pictor_protocol::network::{
    Network, OwnedJobPage, OwnedWorkerPage, PublicCampaigns, SystemState,
};
use pictor_protocol::payout::{
    DraftedPayout, NewPayout, PaidByHand, Payout, PayoutAccount, PayoutDetails, PayoutPage,
};
use pictor_protocol::people::{
    AccountExport, ChooseRoles, DeleteAccount, DeletedAccount, IdentityList, Me, MintedToken,
    NewToken, PepperExport, SessionList, TokenList,
};
use pictor_protocol::problem::Problem;
use pictor_protocol::review::{ApproveFrames, SendBackFrames, SentBackFrames};
use pictor_protocol::scene::{NewScene, Scene};
use pictor_protocol::schedule::Schedule;
use pictor_protocol::sign_in::{
    AskForChallenge, OidcRedirect, SignInWays, SignedIn, WalletChallenge, WalletProof,
};
use pictor_protocol::snapshot::{CampaignKey, SnapshotTaken};
use pictor_protocol::worker::{
    ChangeWorker, Demand, DrainWorker, NewWorker, SuspendWorker, Uptime, Worker, WorkerList,
    WorkerStatus, WorkerTaskPage,
};
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::worker_history::{TelemetryHistory, WorkerEarnings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::samples::{
    agent, campaign, challenge, community, fair_play, job, ledger, network, payout, people, review,
    scene, sign_in, worker,
};

pub fn all() -> Vec<Message> {
    vec![
        // agent
        message::<Hello>(agent::hello()),
        message::<Welcome>(agent::welcome()),
        message::<Registration>(agent::registration()),
        message::<AskForWork>(agent::ask_for_work()),
        message::<Work>(agent::work()),
        message::<Report>(agent::report()),
        message::<ReportAnswer>(agent::report_answer()),
        message::<AskForCommands>(agent::ask_for_commands()),
        message::<Commands>(agent::commands()),
        // challenge
        message::<BeginChallenge>(challenge::begin_challenge()),
        message::<Challenge>(challenge::challenge()),
        message::<ChallengeReceived>(challenge::challenge_received()),
        // job
        message::<NewJob>(job::new_job()),
        message::<Job>(job::job()),
        message::<JobPage>(job::job_page()),
        message::<Frame>(job::frame()),
        message::<FramePage>(job::frame_page()),
        message::<FrameProgress>(job::frame_progress()),
        message::<RetryFrames>(job::retry_frames()),
        message::<JobEstimate>(job::job_estimate()),
        message::<SpendCap>(job::spend_cap()),
        // review
        message::<ApproveFrames>(review::approve_frames()),
        message::<SendBackFrames>(review::send_back_frames()),
        message::<SentBackFrames>(review::sent_back_frames()),
        message::<JobWorkers>(review::job_workers()),
        // scene
        message::<NewScene>(scene::new_scene()),
        message::<Scene>(scene::scene()),
        // people
        message::<Me>(people::me()),
        message::<ChooseRoles>(people::choose_roles()),
        message::<NewToken>(people::new_token()),
        message::<MintedToken>(people::minted_token()),
        message::<TokenList>(people::token_list()),
        message::<SessionList>(people::session_list()),
        message::<IdentityList>(people::identity_list()),
        message::<PepperExport>(people::pepper_export()),
        message::<DeleteAccount>(people::delete_account()),
        message::<DeletedAccount>(people::deleted_account()),
        message::<AccountExport>(people::account_export()),
        // sign_in
        message::<SignInWays>(sign_in::sign_in_ways()),
        message::<AskForChallenge>(sign_in::ask_for_challenge()),
        message::<WalletChallenge>(sign_in::wallet_challenge()),
        message::<WalletProof>(sign_in::wallet_proof()),
        message::<SignedIn>(sign_in::signed_in()),
        message::<OidcRedirect>(sign_in::oidc_redirect()),
        // worker, worker_config, gpus
        message::<NewWorker>(worker::new_worker()),
        message::<Worker>(worker::worker()),
        message::<WorkerList>(worker::worker_list()),
        message::<WorkerStatus>(worker::worker_status()),
        message::<ChangeWorker>(worker::change_worker()),
        message::<DrainWorker>(worker::drain_worker()),
        message::<SuspendWorker>(worker::suspend_worker()),
        message::<Uptime>(worker::uptime()),
        message::<WorkerTaskPage>(worker::worker_task_page()),
        message::<Network>(network::network()),
        message::<PublicCampaigns>(network::public_campaigns()),
        message::<OwnedWorkerPage>(network::owned_worker_page()),
        message::<OwnedJobPage>(network::owned_job_page()),
        message::<SystemState>(network::system_state()),
        message::<Schedule>(worker::schedule()),
        message::<WorkerEarnings>(worker::worker_earnings()),
        message::<TelemetryHistory>(worker::telemetry_history()),
        message::<Demand>(worker::demand()),
        message::<SupportedGpus>(worker::supported_gpus()),
        message::<WorkerConfig>(worker::worker_config()),
        // campaign
        message::<CampaignNow>(campaign::campaign_now()),
        message::<CampaignList>(campaign::campaign_list()),
        message::<Campaign>(campaign::campaign()),
        message::<NewCampaign>(campaign::new_campaign()),
        message::<CampaignDates>(campaign::campaign_dates()),
        message::<NewRules>(campaign::new_rules()),
        message::<RulesVersion>(campaign::rules_version()),
        message::<RulesHistory>(campaign::rules_history()),
        // fair_play
        message::<MyDecisions>(fair_play::my_decisions()),
        message::<NewAppeal>(fair_play::new_appeal()),
        message::<Appeal>(fair_play::appeal()),
        message::<DecideStanding>(fair_play::decide_standing()),
        message::<AppealList>(fair_play::appeal_list()),
        message::<AnswerAppeal>(fair_play::answer_appeal()),
        message::<PersonPage>(fair_play::person_page()),
        message::<PersonFile>(fair_play::person_file()),
        message::<SignalList>(fair_play::signal_list()),
        message::<LogPage>(fair_play::log_page()),
        // payout
        message::<PayoutPage>(payout::payout_page()),
        message::<NewPayout>(payout::new_payout()),
        message::<DraftedPayout>(payout::drafted_payout()),
        message::<Payout>(payout::payout()),
        message::<PayoutDetails>(payout::payout_details()),
        message::<PaidByHand>(payout::paid_by_hand()),
        message::<PayoutAccount>(payout::payout_account()),
        // community
        message::<CheckedIn>(community::checked_in()),
        message::<CheckInMonth>(community::check_in_month()),
        message::<QuestList>(community::quest_list()),
        message::<QuestProgress>(community::quest_progress()),
        message::<OpenedQuest>(community::opened_quest()),
        message::<ClaimQuest>(community::claim_quest()),
        message::<QuestWebhook>(community::quest_webhook()),
        message::<WaitingClaims>(community::waiting_claims()),
        message::<RefuseClaim>(community::refuse_claim()),
        message::<Referral>(community::referral()),
        message::<EnterReferral>(community::enter_referral()),
        // ledger, leaderboard, snapshot
        message::<Balances>(ledger::balances()),
        message::<LedgerPage>(ledger::ledger_page()),
        message::<LeaderboardPage>(ledger::leaderboard_page()),
        message::<MyRank>(ledger::my_rank()),
        message::<ChooseName>(ledger::choose_name()),
        message::<PublicName>(ledger::public_name()),
        message::<CampaignKey>(ledger::campaign_key()),
        message::<SnapshotTaken>(ledger::snapshot_taken()),
        // problem
        message::<Problem>(people::problem()),
    ]
}

/// A type that crosses the wire whole, and what this version writes of it.
pub struct Message {
    /// As in Rust, without its module.
    pub name: &'static str,
    pub written: Vec<Value>,
    read: fn(&Value) -> serde_json::Result<Read>,
}

/// What was understood of a message.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub debug: String,
    pub written_again: Value,
}

impl Message {
    /// `ask_for_work.json`
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for letter in self.name.chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        }
        name + ".json"
    }

    pub fn try_read(&self, value: &Value) -> serde_json::Result<Read> {
        (self.read)(value)
    }

    pub fn read(&self, value: &Value, context: &str) -> Read {
        let read = self.try_read(value);
        read.unwrap_or_else(|error| panic!("{context}: {error} in {value:#}"))
    }
}

fn message<T: Serialize + DeserializeOwned + Debug>(samples: Vec<T>) -> Message {
    let name = std::any::type_name::<T>();
    Message {
        name: name.rsplit("::").next().unwrap_or(name),
        written: samples.iter().map(written).collect(),
        read: |value| {
            // As text, as it arrives.
            let read: T = serde_json::from_str(&value.to_string())?;
            Ok(Read {
                debug: format!("{read:?}"),
                written_again: written(&read),
            })
        },
    }
}

/// As text first: a value made directly would have numbers of more digits than are sent.
fn written(message: &impl Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
}
