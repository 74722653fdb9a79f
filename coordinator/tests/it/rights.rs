//! Who may do what: every documented route, asked by everybody.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use pictor_coordinator::accounts::rights::Right;
use pictor_coordinator::http::needs::{self, Needs};
use pictor_protocol::UserId;
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::problem::{Problem, ProblemKind};

use crate::harness::World;
use crate::harness::client::{Answer, Client};

/// How a request is met: let in, whatever comes of it then, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    LetIn,
    /// Nobody knows who that is.
    Unknown,
    /// Known, but not with this credential, or not an operator.
    Forbidden,
    /// Known, but of another role.
    Choose(Role),
}

/// Everybody who asks, in the order of the table's columns.
const EVERYBODY: [&str; 10] = [
    "nobody",
    "newcomer",
    "creator",
    "worker owner",
    "community member",
    "operator",
    "token with scope jobs",
    "token with scope workers",
    "token with scope operator",
    "worker's token",
];

/// The table. Tokens belong to a person of every role, the last but one to an operator.
fn expected(needs: Needs) -> [Met; 10] {
    use Met::{Choose, Forbidden as No, LetIn as Yes, Unknown as Who};
    let creator = Choose(Role::Creator);
    let owner = Choose(Role::WorkerOwner);
    let member = Choose(Role::CommunityMember);
    match needs {
        Needs::Nothing => [Yes; 10],
        Needs::Right(Right::Account) => [Who, Yes, Yes, Yes, Yes, Yes, Yes, Yes, Yes, Who],
        Needs::Right(Right::SignIn) => [Who, Yes, Yes, Yes, Yes, Yes, No, No, No, Who],
        Needs::Right(Right::Jobs) => [Who, creator, Yes, creator, creator, Yes, Yes, No, Yes, Who],
        Needs::Right(Right::Workers) => [Who, owner, owner, Yes, owner, Yes, No, Yes, Yes, Who],
        Needs::Right(Right::Community) => [Who, member, member, member, Yes, Yes, No, No, No, Who],
        Needs::Right(Right::Operate) => [Who, No, No, No, No, Yes, No, No, Yes, Who],
        // Nobody of these is banned: fair_play.rs asks as somebody who is.
        Needs::Hearing => [Who; 10],
        Needs::WorkerToken => [Who, Who, Who, Who, Who, Who, Who, Who, Who, Yes],
    }
}

#[test]
fn every_documented_route_says_what_it_needs() {
    let document = serde_json::to_value(pictor_coordinator::http::openapi()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let line = format!("{} {path}", method.to_uppercase());
            let needs = needs::of(method, path);
            let needs = needs.unwrap_or_else(|| panic!("{line} has no line in http/needs.rs"));
            let described = operation["description"].as_str().unwrap_or_default();
            assert!(described.ends_with(&needs.describe()), "{line}");
            documented.insert(line);
        }
    }
    let lines: Vec<_> = needs::lines().map(|(line, _)| line.to_owned()).collect();
    let different: BTreeSet<_> = lines.iter().cloned().collect();
    assert_eq!(different, documented);
    assert_eq!(lines.len(), different.len(), "a route has two lines");
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let world = World::start_with(|config| config.sign_in.tries_per_minute = 1_000_000).await;
    let everybody = everybody(&world).await;
    let mut wrong = Vec::new();
    for (line, needs) in needs::lines() {
        let (method, path) = line.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let path = path
            .replace("{hash}", &"0".repeat(64))
            .replace("{frame}", "1")
            .replace("{attempt}", "1")
            .replace("{id}", "019b7600-0000-7000-8000-000000000001");
        assert!(!path.contains('{'), "{line} has a parameter more");
        for ((asking, name), expected) in everybody.iter().zip(EVERYBODY).zip(expected(needs)) {
            let answer = asking.ask(&world, &method, &path).await;
            let status = answer.status;
            assert!(!status.is_server_error(), "{line} by {name}: {answer:?}");
            if !is_met(&answer, expected, &method) {
                wrong.push(format!("{line} by {name}: {expected:?}, but {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_met(answer: &Answer, expected: Met, method: &Method) -> bool {
    // An answer to HEAD has no body to tell refusals apart by.
    let problem = match method {
        &Method::HEAD => None,
        _ => serde_json::from_slice::<Problem>(&answer.body).ok(),
    };
    let status = match expected {
        Met::LetIn => {
            let refusals = [
                ProblemKind::Unauthorized,
                ProblemKind::Forbidden,
                ProblemKind::ChooseARole,
            ];
            return match problem {
                Some(problem) => !refusals.contains(&problem.kind),
                None => ![401, 403].contains(&answer.status.as_u16()),
            };
        }
        Met::Unknown => StatusCode::UNAUTHORIZED,
        Met::Forbidden | Met::Choose(_) => StatusCode::FORBIDDEN,
    };
    let says = problem.is_none_or(|problem| match expected {
        Met::Choose(role) => problem.kind == ProblemKind::ChooseARole && problem.role == Some(role),
        Met::Forbidden => problem.kind == ProblemKind::Forbidden,
        Met::Unknown => problem.kind == ProblemKind::Unauthorized,
        Met::LetIn => false,
    });
    answer.status == status && says
}

/// Somebody who asks.
enum Asking {
    /// In a browser that signed in just now: some routes sign it out.
    InBrowser(UserId),
    WithToken(Client),
}

impl Asking {
    async fn ask(&self, world: &World, method: &Method, path: &str) -> Answer {
        let body = b"{}".to_vec();
        match self {
            Self::InBrowser(user) => {
                let mut browser = world.browser_of(*user).await;
                browser.ask(method.clone(), path, body).await
            }
            Self::WithToken(client) => client.send(method.clone(), path, body).await,
        }
    }
}

async fn everybody(world: &World) -> [Asking; 10] {
    let person = async |name: &str, roles: &[Role]| world.person(name, roles).await;
    person("scripted", &Role::ALL).await;
    let script = async |scope| world.script_of("scripted", &[scope]).await;
    let operators = world.script_of("operator", &[Scope::Operator]).await;
    let worker = world.worker_config("one").await;
    [
        Asking::WithToken(world.creator.with_token("")),
        Asking::InBrowser(person("newcomer", &[]).await),
        Asking::InBrowser(person("creator", &[Role::Creator]).await),
        Asking::InBrowser(person("owner", &[Role::WorkerOwner]).await),
        Asking::InBrowser(person("member", &[Role::CommunityMember]).await),
        Asking::InBrowser(world.operator().await),
        Asking::WithToken(script(Scope::Jobs).await),
        Asking::WithToken(script(Scope::Workers).await),
        Asking::WithToken(operators),
        Asking::WithToken(Client::new(&world.url, &worker.token)),
    ]
}
