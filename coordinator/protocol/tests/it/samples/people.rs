use pictor_protocol::fair_play::Standing;
use pictor_protocol::people::{
    AcceptedRules, AccountExport, ChooseRoles, DeleteAccount, DeletedAccount, ExportedLine,
    ForfeitedAmount, Identity, IdentityKind, IdentityList, Me, MintedToken, NewToken, PepperExport,
    Role, Scope, Session, SessionList, Token, TokenList,
};
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::settings::Fault;
use pictor_protocol::{CampaignId, IdentityId, Micros, SessionId, TokenId, UserId};

use super::{ADDRESS, NEW_YEAR_MS, uuid};

pub fn me() -> Vec<Me> {
    vec![Me {
        id: UserId::new(uuid(20)),
        name: "Ada".into(),
        operator: true,
        scopes: Scope::ALL.to_vec(),
        roles: Role::ALL.to_vec(),
        accepted_rules: Some(accepted_rules()),
        standing: Some(Standing::Warned),
    }]
}

pub fn choose_roles() -> Vec<ChooseRoles> {
    vec![ChooseRoles {
        roles: Role::ALL.to_vec(),
        accept_rules: Some(2),
    }]
}

pub fn new_token() -> Vec<NewToken> {
    vec![NewToken {
        name: "render script".into(),
        scopes: Scope::ALL.to_vec(),
        expires_in_days: Some(30),
    }]
}

pub fn minted_token() -> Vec<MintedToken> {
    vec![MintedToken {
        token: "a-secret".into(),
        scopes: Scope::ALL.to_vec(),
        expires_ms: Some(NEW_YEAR_MS),
        id: Some(TokenId::new(uuid(21))),
    }]
}

pub fn token_list() -> Vec<TokenList> {
    let token = Token {
        id: TokenId::new(uuid(21)),
        name: "render script".into(),
        scopes: Scope::ALL.to_vec(),
        created_ms: NEW_YEAR_MS,
        expires_ms: Some(NEW_YEAR_MS),
    };
    vec![TokenList {
        tokens: vec![token],
    }]
}

pub fn session_list() -> Vec<SessionList> {
    let session = Session {
        id: SessionId::new(uuid(22)),
        created_ms: NEW_YEAR_MS,
        last_used_ms: NEW_YEAR_MS,
        expires_ms: NEW_YEAR_MS,
        user_agent: Some("Mozilla/5.0".into()),
        identity: Some(IdentityId::new(uuid(23))),
        current: true,
    };
    vec![SessionList {
        sessions: vec![session],
    }]
}

pub fn identity_list() -> Vec<IdentityList> {
    let kinds = [IdentityKind::Wallet, IdentityKind::Oidc];
    let identities = kinds.into_iter().map(|kind| Identity {
        id: IdentityId::new(uuid(23)),
        kind,
        address: ADDRESS.into(),
        issuer: Some("https://accounts.google.com".into()),
        label: Some("ada@example.org".into()),
        created_ms: NEW_YEAR_MS,
        last_used_ms: NEW_YEAR_MS,
    });
    vec![IdentityList {
        identities: identities.collect(),
    }]
}

pub fn identity() -> Identity {
    identity_list().remove(0).identities.remove(0)
}

pub fn accepted_rules() -> AcceptedRules {
    AcceptedRules {
        campaign: CampaignId::new(uuid(50)),
        version: 2,
        hash: "ab".repeat(32),
        at_ms: NEW_YEAR_MS,
    }
}

pub fn forfeited_amount() -> ForfeitedAmount {
    ForfeitedAmount {
        book: "credits".into(),
        amount_micros: Micros::new(5_000_000),
    }
}

pub fn delete_account() -> Vec<DeleteAccount> {
    vec![DeleteAccount {
        name: "Ada".into(),
        forfeit: true,
    }]
}

pub fn deleted_account() -> Vec<DeletedAccount> {
    vec![DeletedAccount {
        id: UserId::new(uuid(20)),
        jobs: 2,
        workers: 1,
        forfeited: vec![forfeited_amount()],
    }]
}

pub fn account_export() -> Vec<AccountExport> {
    let line = ExportedLine {
        entry: 9,
        key: "sign-up/1".into(),
        book: "credits".into(),
        kind: "sign-up".into(),
        account: "available".into(),
        amount_micros: Micros::new(5_000_000),
        at_ms: NEW_YEAR_MS,
        inputs: serde_json::json!(["sign-up"]),
    };
    vec![AccountExport {
        exported_ms: NEW_YEAR_MS,
        id: UserId::new(uuid(20)),
        name: "Ada".into(),
        created_ms: NEW_YEAR_MS,
        operator: false,
        roles: Role::ALL.to_vec(),
        standing: Standing::Suspended,
        accepted_rules: vec![accepted_rules()],
        identities: vec![identity()],
        sessions: session_list().remove(0).sessions,
        tokens: token_list().remove(0).tokens,
        workers: super::worker::worker(),
        jobs: super::job::job(),
        ledger: vec![line],
        decisions: super::fair_play::decisions(),
        log: vec![super::fair_play::log_line()],
    }]
}

pub fn pepper_export() -> Vec<PepperExport> {
    vec![PepperExport {
        address: ADDRESS.into(),
        iss: "https://accounts.google.com".into(),
        aud: "client.apps.googleusercontent.com".into(),
        uid_key: "sub".into(),
        uid_val: "113990307082899718775".into(),
        pepper: format!("0x{}", "5e".repeat(31)),
        warnings: vec!["Keep it to yourself.".into()],
    }]
}

pub fn problem() -> Vec<Problem> {
    let kinds = [
        ProblemKind::Unauthorized,
        ProblemKind::Forbidden,
        ProblemKind::ChooseARole,
        ProblemKind::NotFound,
        ProblemKind::Invalid,
        ProblemKind::Conflict,
        ProblemKind::TooLarge,
        ProblemKind::BadScene,
        ProblemKind::NewerThanEveryRuntime,
        ProblemKind::HashMismatch,
        ProblemKind::WrongOffset,
        ProblemKind::StorageFull,
        ProblemKind::WorkerTooOld,
        ProblemKind::HelloFirst,
        ProblemKind::ForeignOrigin,
        ProblemKind::TooManyTries,
        ProblemKind::SignInExpired,
        ProblemKind::NotProven,
        ProblemKind::UnsupportedKey,
        ProblemKind::NotTheAccountsKey,
        ProblemKind::IdentityTaken,
        ProblemKind::SignInAgain,
        ProblemKind::PayoutNotPossible,
        ProblemKind::CounterpartUnavailable,
        ProblemKind::ChangeInThePast,
        ProblemKind::CampaignOver,
        ProblemKind::AcceptTheRules,
        ProblemKind::Banned,
        ProblemKind::CampaignNotRunning,
        ProblemKind::AlreadyCheckedIn,
        ProblemKind::QuestNotOpen,
        ProblemKind::QuestDone,
        ProblemKind::QuestNotVisited,
        ProblemKind::ReferralRefused,
        ProblemKind::SignUpClosed,
        ProblemKind::ChallengeLate,
        ProblemKind::ChallengeAnswered,
        ProblemKind::Internal,
    ];
    let problems = kinds.into_iter().map(|kind| Problem {
        kind,
        title: "Invalid request".into(),
        status: 422,
        detail: Some("the request cannot be carried out".into()),
        faults: vec![Fault {
            field: "settings.samples".into(),
            message: "0 is not between 1 and 65536".into(),
        }],
        role: Some(Role::Creator),
        rules_version: Some(2),
        hearing: Some(super::fair_play::hearing()),
    });
    problems.collect()
}
