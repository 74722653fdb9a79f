//! States and kinds in words, and the colours that they have: classes of the stylesheet.

use std::borrow::Borrow;
use std::fmt;

use pictor_protocol::campaign::{CampaignState, QuestKind};
use pictor_protocol::fair_play::{AppealStatus, SignalKind, Standing};
use pictor_protocol::job::{FrameState, JobState};
use pictor_protocol::payout::{PayoutStatus, PayoutTransactionStatus};
use pictor_protocol::people::{IdentityKind, Role};
use pictor_protocol::worker::WorkerState;

/// A state's word and its colour: a class of the stylesheet.
pub struct Tone {
    pub word: &'static str,
    pub class: &'static str,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<span class=\"state {}\">{}</span>",
            self.class, self.word
        )
    }
}

impl askama::filters::HtmlSafe for Tone {}

const fn tone(word: &'static str, class: &'static str) -> Tone {
    Tone { word, class }
}

pub fn job_state(of: impl Borrow<JobState>) -> Tone {
    match of.borrow() {
        JobState::Queued => tone("Waiting", "waiting"),
        JobState::Rendering => tone("Rendering", "active"),
        JobState::Paused => tone("Paused", "paused"),
        JobState::NeedsAttention => tone("Needs attention", "failed"),
        JobState::Done => tone("Done", "done"),
        JobState::Failed => tone("Failed", "failed"),
        JobState::Cancelled => tone("Cancelled", "waiting"),
        JobState::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn frame_state(of: impl Borrow<FrameState>) -> Tone {
    match of.borrow() {
        FrameState::Queued => tone("Waiting", "waiting"),
        FrameState::Leased => tone("Rendering", "active"),
        FrameState::Done => tone("Done", "done"),
        FrameState::Failed => tone("Failed", "failed"),
        FrameState::Cancelled => tone("Cancelled", "cancelled"),
        FrameState::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn worker_state(of: impl Borrow<WorkerState>) -> Tone {
    match of.borrow() {
        WorkerState::NeverConnected => tone("Never connected", "waiting"),
        WorkerState::TooOld => tone("Too old", "failed"),
        WorkerState::Offline => tone("Offline", "failed"),
        WorkerState::CannotRender => tone("Cannot render", "failed"),
        WorkerState::Rendering => tone("Rendering", "active"),
        WorkerState::Waiting => tone("Ready", "done"),
        WorkerState::Pausing => tone("Pausing", "paused"),
        WorkerState::Paused => tone("Paused", "paused"),
        WorkerState::OutsideHours => tone("Outside its hours", "paused"),
        WorkerState::Suspended => tone("Suspended", "failed"),
        WorkerState::Retired => tone("Retired", "waiting"),
        WorkerState::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn campaign_state(of: impl Borrow<CampaignState>) -> Tone {
    match of.borrow() {
        CampaignState::Upcoming => tone("Upcoming", "waiting"),
        CampaignState::Open => tone("Open", "paused"),
        CampaignState::Running => tone("Running", "active"),
        CampaignState::Closed => tone("Closed", "done"),
        CampaignState::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn standing(of: impl Borrow<Standing>) -> Tone {
    match of.borrow() {
        Standing::Good => tone("Good", "done"),
        Standing::Warned => tone("Warned", "paused"),
        Standing::Suspended => tone("Suspended", "paused"),
        Standing::Disqualified => tone("Disqualified", "failed"),
        Standing::Banned => tone("Banned", "failed"),
        Standing::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn appeal_status(of: impl Borrow<AppealStatus>) -> Tone {
    match of.borrow() {
        AppealStatus::Open => tone("Open", "active"),
        AppealStatus::Upheld => tone("Upheld", "failed"),
        AppealStatus::Lifted => tone("Lifted", "done"),
        AppealStatus::Superseded => tone("Superseded", "waiting"),
        AppealStatus::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn payout_status(of: impl Borrow<PayoutStatus>) -> Tone {
    match of.borrow() {
        PayoutStatus::Drafted => tone("Drafted", "waiting"),
        PayoutStatus::Approved => tone("Approved", "paused"),
        PayoutStatus::ByHand => tone("Said to be paid", "paused"),
        PayoutStatus::Signed => tone("Signed", "active"),
        PayoutStatus::Submitted => tone("On its way", "active"),
        PayoutStatus::Confirmed => tone("Paid", "done"),
        PayoutStatus::Failed => tone("Failed", "failed"),
        PayoutStatus::Withdrawn => tone("Withdrawn", "waiting"),
        PayoutStatus::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn transaction_status(of: impl Borrow<PayoutTransactionStatus>) -> Tone {
    match of.borrow() {
        PayoutTransactionStatus::Signed => tone("Signed", "waiting"),
        PayoutTransactionStatus::Submitted => tone("Submitted", "active"),
        PayoutTransactionStatus::Committed => tone("Committed", "done"),
        PayoutTransactionStatus::Undone => tone("Refused", "failed"),
        PayoutTransactionStatus::Expired => tone("Expired", "failed"),
        PayoutTransactionStatus::Unknown => tone("Unknown", "waiting"),
    }
}

pub fn signal_kind(of: impl Borrow<SignalKind>) -> &'static str {
    match of.borrow() {
        SignalKind::SharedDevice => "One device, several people",
        SignalKind::ReferralRing => "A ring of referrals",
        SignalKind::Clockwork => "Check-ins like clockwork",
        SignalKind::IdleUptime => "Uptime without work",
        SignalKind::Refunds => "Most frames sent back",
        SignalKind::Unknown => "Something else",
    }
}

pub fn identity_kind(of: impl Borrow<IdentityKind>) -> &'static str {
    match of.borrow() {
        IdentityKind::Wallet => "Aptos wallet",
        IdentityKind::Oidc => "OpenID",
        IdentityKind::Unknown => "unknown",
    }
}

pub fn quest_kind(of: impl Borrow<QuestKind>) -> &'static str {
    match of.borrow() {
        QuestKind::Link => "the person, after a visit",
        QuestKind::Operator => "an operator",
        QuestKind::Webhook => "another service",
        QuestKind::Unknown => "unknown",
    }
}

/// A person of the role, as in “become a …”.
pub const fn role_name(role: &Role) -> &'static str {
    match role {
        Role::Creator => "creator",
        Role::WorkerOwner => "worker owner",
        Role::CommunityMember => "community member",
        Role::Unknown => "",
    }
}

pub const fn role_title(role: &Role) -> &'static str {
    match role {
        Role::Creator => "Creator",
        Role::WorkerOwner => "Worker owner",
        Role::CommunityMember => "Community member",
        Role::Unknown => "",
    }
}

/// What the role is for.
pub const fn role_invitation(role: &Role) -> &'static str {
    match role {
        Role::Creator => {
            "Submit Blender jobs, watch their frames arrive and download them. A job costs credits, and \
             every job that was rendered earns points."
        }
        Role::WorkerOwner => {
            "Let your machines render with their GPUs. They earn points for the frames that they render and the \
             hours that they are there."
        }
        Role::CommunityMember => {
            "Check in every day, do small tasks and bring others along: it earns points and credits."
        }
        Role::Unknown => "",
    }
}
