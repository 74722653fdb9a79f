use pictor_protocol::UserId;
use pictor_protocol::people::{Me, MintedToken, NewToken, Scope};
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::settings::Fault;

use super::{NEW_YEAR_MS, uuid};

pub fn me() -> Vec<Me> {
    vec![Me {
        id: UserId::new(uuid(20)),
        name: "Ada".into(),
        operator: true,
        scopes: Scope::ALL.to_vec(),
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
    }]
}

pub fn problem() -> Vec<Problem> {
    let kinds = [
        ProblemKind::Unauthorized,
        ProblemKind::Forbidden,
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
    });
    problems.collect()
}
