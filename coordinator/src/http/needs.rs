//! What each route needs, as a table. Pure.
//!
//! A new route gets a line here, `"METHOD /path"` under what it needs, and an extractor of [`super::auth`] (or
//! [`super::browser`]) in its handler. The tests walk the OpenAPI document, ask every route as everybody, and
//! fail if a route has no line or its handler lets in others than its line says.

use crate::accounts::rights::Right;

/// What a route needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No credential.
    Nothing,
    /// A right: see [`crate::accounts::rights`].
    Right(Right),
    /// The secret of whoever may not sign in: see [`crate::fair_play::hearing`].
    Hearing,
    /// The token of a worker's config file.
    WorkerToken,
}

impl Needs {
    /// In words, for the OpenAPI document.
    pub fn describe(self) -> String {
        match self {
            Self::Nothing => "Everybody, without a token.".into(),
            Self::Right(right) => right.describe(),
            Self::Hearing => {
                "People who may not sign in, with the secret that the refusal of their sign-in carries.".into()
            }
            Self::WorkerToken => "Workers, with the token of their config file.".into(),
        }
    }
}

const ROUTES: &[(Needs, &[&str])] = &[
    (
        Needs::Nothing,
        &[
            "GET /healthz",
            "GET /readyz",
            "GET /metrics",
            "GET /api/v1/supported-gpus",
            "GET /api/v1/network",
            "GET /api/v1/campaigns",
            "GET /api/v1/campaign",
            "GET /api/v1/campaign/rules",
            "GET /api/v1/leaderboard",
            "GET /api/v1/campaign-key",
            "GET /api/v1/campaigns/{id}/snapshot",
            "GET /api/v1/campaigns/{id}/snapshot.sig",
            "GET /api/v1/campaigns/{id}/ledger.csv",
            "GET /api/v1/sign-in",
            "POST /api/v1/sign-in/wallet/challenge",
            "POST /api/v1/sign-in/wallet",
            "POST /api/v1/sign-in/oidc",
            // It is signed.
            "POST /api/v1/quests/{id}/webhook",
        ],
    ),
    (
        Needs::Right(Right::Account),
        &[
            "GET /api/v1/me",
            "PUT /api/v1/me/roles",
            "GET /api/v1/me/decisions",
            "POST /api/v1/tokens",
            "GET /api/v1/ledger",
            "GET /api/v1/ledger/entries",
            "GET /api/v1/ledger.csv",
            "GET /api/v1/leaderboard/me",
            "PUT /api/v1/leaderboard/name",
        ],
    ),
    (
        Needs::Right(Right::SignIn),
        &[
            "POST /api/v1/me/appeal",
            "GET /api/v1/me/export",
            "DELETE /api/v1/me",
            "GET /api/v1/tokens",
            "DELETE /api/v1/tokens/{id}",
            "GET /api/v1/sessions",
            "DELETE /api/v1/sessions",
            "DELETE /api/v1/sessions/{id}",
            "GET /api/v1/identities",
            "DELETE /api/v1/identities/{id}",
            "POST /api/v1/identities/wallet/challenge",
            "POST /api/v1/identities/wallet",
            "POST /api/v1/identities/oidc",
            "POST /api/v1/identities/{id}/pepper",
            // At sign-up, when no role was chosen yet.
            "POST /api/v1/referral",
        ],
    ),
    (
        Needs::Right(Right::Jobs),
        &[
            "HEAD /api/v1/blobs/{hash}",
            "PUT /api/v1/blobs/{hash}",
            "POST /api/v1/scenes",
            "GET /api/v1/scenes/{id}",
            "POST /api/v1/jobs",
            "GET /api/v1/jobs",
            "GET /api/v1/jobs/{id}",
            "DELETE /api/v1/jobs/{id}",
            "POST /api/v1/jobs/estimate",
            "POST /api/v1/jobs/{id}/spend-cap",
            "POST /api/v1/jobs/{id}/pause",
            "POST /api/v1/jobs/{id}/resume",
            "POST /api/v1/jobs/{id}/cancel",
            "POST /api/v1/jobs/{id}/retry",
            "GET /api/v1/jobs/{id}/events",
            "GET /api/v1/jobs/{id}/frames",
            "GET /api/v1/jobs/{id}/frames/{frame}",
            "GET /api/v1/jobs/{id}/frames/{frame}/output",
            "GET /api/v1/jobs/{id}/frames/{frame}/thumbnail",
            "GET /api/v1/jobs/{id}/frames/{frame}/log",
            "GET /api/v1/jobs/{id}/output.zip",
            "POST /api/v1/jobs/{id}/approve",
            "POST /api/v1/jobs/{id}/send-back",
            "GET /api/v1/jobs/{id}/workers",
            "GET /api/v1/jobs/{id}/frames/{frame}/attempts/{attempt}/output",
            "GET /api/v1/jobs/{id}/frames/{frame}/attempts/{attempt}/thumbnail",
        ],
    ),
    (
        Needs::Right(Right::Workers),
        &[
            "POST /api/v1/workers",
            "GET /api/v1/workers",
            "GET /api/v1/workers/{id}",
            "PATCH /api/v1/workers/{id}",
            "DELETE /api/v1/workers/{id}",
            "POST /api/v1/workers/{id}/token",
            "GET /api/v1/workers/{id}/uptime",
            "GET /api/v1/workers/{id}/tasks",
            "GET /api/v1/workers/{id}/earnings",
            "GET /api/v1/workers/{id}/telemetry",
            "PUT /api/v1/workers/{id}/schedule",
            "DELETE /api/v1/workers/{id}/schedule",
            "POST /api/v1/workers/{id}/drain",
            "POST /api/v1/workers/{id}/resume",
            "GET /api/v1/demand",
        ],
    ),
    (
        Needs::Right(Right::Community),
        &[
            "POST /api/v1/check-ins",
            "GET /api/v1/check-ins",
            "GET /api/v1/quests",
            "POST /api/v1/quests/{id}/open",
            "POST /api/v1/quests/{id}/claim",
            "GET /api/v1/referral",
        ],
    ),
    (
        Needs::Right(Right::Operate),
        &[
            "POST /api/v1/operator/campaigns",
            "GET /api/v1/operator/campaigns",
            "POST /api/v1/operator/campaigns/{id}/rules",
            "PUT /api/v1/operator/campaigns/{id}/dates",
            "POST /api/v1/operator/campaigns/{id}/close",
            "GET /api/v1/operator/workers",
            "GET /api/v1/operator/jobs",
            "GET /api/v1/operator/system",
            "GET /api/v1/operator/people",
            "GET /api/v1/operator/people/{id}",
            "POST /api/v1/operator/people/{id}/standing",
            "GET /api/v1/operator/appeals",
            "POST /api/v1/operator/appeals/{id}",
            "GET /api/v1/operator/signals",
            "GET /api/v1/operator/audit-log",
            "GET /api/v1/operator/payouts",
            "POST /api/v1/operator/payouts",
            "GET /api/v1/operator/payouts/{id}",
            "GET /api/v1/operator/payouts/{id}/state",
            "GET /api/v1/operator/payouts/{id}/recipients.csv",
            "POST /api/v1/operator/payouts/{id}/approve",
            "POST /api/v1/operator/payouts/{id}/withdraw",
            "POST /api/v1/operator/payouts/{id}/send",
            "POST /api/v1/operator/payouts/{id}/paid-by-hand",
            "DELETE /api/v1/operator/payouts/{id}/paid-by-hand",
            "GET /api/v1/operator/payout-account",
            "POST /api/v1/operator/campaigns/{id}/snapshot",
            "POST /api/v1/workers/{id}/suspend",
            "POST /api/v1/workers/{id}/reinstate",
            "GET /api/v1/operator/quest-claims",
            "POST /api/v1/operator/quest-claims/{id}/confirm",
            "POST /api/v1/operator/quest-claims/{id}/refuse",
        ],
    ),
    (
        Needs::Hearing,
        &[
            "GET /api/v1/hearing",
            "POST /api/v1/hearing/appeal",
            "GET /api/v1/hearing/export",
        ],
    ),
    (
        Needs::WorkerToken,
        &[
            "POST /agent/v1/hello",
            "GET /agent/v1/registration",
            "POST /agent/v1/work",
            "POST /agent/v1/report",
            "POST /agent/v1/commands",
            "POST /agent/v1/challenges/{id}/begin",
            "PUT /agent/v1/challenges/{id}/answer",
            "HEAD /agent/v1/blobs/{hash}",
            "GET /agent/v1/blobs/{hash}",
            "PUT /agent/v1/blobs/{hash}",
        ],
    ),
];

/// What a documented route needs; `None` if the table has no line for it.
pub fn of(method: &str, path: &str) -> Option<Needs> {
    let asked = format!("{} {path}", method.to_ascii_uppercase());
    lines().find_map(|(line, needs)| (line == asked).then_some(needs))
}

/// Every line of the table with what it needs.
pub fn lines() -> impl Iterator<Item = (&'static str, Needs)> {
    let lines = |(needs, lines): &'static (Needs, &'static [&'static str])| {
        lines.iter().map(|line| (*line, *needs))
    };
    ROUTES.iter().flat_map(lines)
}
