//! The config, and the way to the coordinator.

use std::time::Duration;

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::Presence;

use super::Check;
use super::facts::{Download, Facts, Reached, ReadConfig};
use crate::coordinator::{CallError, Fatal, Remedy};
use crate::errors::Chain;

/// TLS and signed addresses stop working with clocks that differ by minutes.
const SKEW_MAX: Duration = Duration::from_secs(60);
/// Leases last for seconds; a request that takes this long costs frames.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(500);
/// A slower line takes minutes for usual scenes.
const BYTES_PER_SECOND_MIN: f64 = 250_000.0;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![config(facts.config.as_ref())];
    match &facts.coordinator {
        None => {
            for name in ["coordinator", "token", "clock", "connection"] {
                checks.push(Check::not_applicable(
                    name,
                    "no good config names a coordinator",
                ));
            }
        }
        Some(Err(error)) => checks.extend(not_reached(error)),
        Some(Ok(reached)) => {
            let version = &reached.registration.version;
            let detail = format!("answers, version {version}");
            checks.push(Check::ok("coordinator", detail));
            checks.push(token(facts.config.as_ref(), reached));
            checks.push(clock(reached));
            checks.push(connection(reached.round_trip, reached.download));
        }
    }
    checks
}

fn config(config: Option<&ReadConfig>) -> Check {
    match config {
        None => Check::not_applicable("config", "no --config was given"),
        Some(Err(error)) => Check::failed(
            "config",
            Chain(error).to_string(),
            "correct the file, or get a new one from the coordinator",
        ),
        Some(Ok((settings, warnings))) if warnings.is_empty() => {
            let detail = format!("the worker {} of {}", settings.name, settings.coordinator);
            Check::ok("config", detail)
        }
        Some(Ok((_, warnings))) => {
            let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            Check::warning("config", warnings.join("; "), "change the file as it says")
        }
    }
}

/// A refusal was said by somebody, so the coordinator was reached.
fn not_reached(error: &CallError) -> [Check; 4] {
    let unknown = |name| Check::not_applicable(name, "the coordinator could not be asked");
    let detail = Chain(error).to_string();
    let (coordinator, token) = match error.remedy() {
        Remedy::GiveUp(Fatal::Unauthorized) => (
            Check::ok("coordinator", "answers"),
            Check::failed(
                "token",
                detail,
                "get a new worker config from the coordinator: the token is wrong or was revoked",
            ),
        ),
        Remedy::GiveUp(Fatal::TooOld) => (
            Check::failed("coordinator", detail, "update the worker"),
            unknown("token"),
        ),
        Remedy::Retry | Remedy::HelloFirst if error.problem() == Some(ProblemKind::NotFound) => (
            Check::warning(
                "coordinator",
                "answers, but is too old to be asked about a worker",
                "update the coordinator",
            ),
            unknown("token"),
        ),
        Remedy::Retry | Remedy::HelloFirst => (
            Check::failed(
                "coordinator",
                detail,
                "look whether the coordinator runs, and whether its address, DNS, a firewall or a proxy is in \
                 the way",
            ),
            unknown("token"),
        ),
    };
    [coordinator, token, unknown("clock"), unknown("connection")]
}

fn token(config: Option<&ReadConfig>, reached: &Reached) -> Check {
    let worker = &reached.registration.worker;
    let asked = config.and_then(|config| Some(config.as_ref().ok()?.0.worker));
    if asked.is_some_and(|asked| asked != worker.id) {
        return Check::failed(
            "token",
            format!("it is the token of another worker, {}", worker.name),
            "get a new worker config from the coordinator",
        );
    }
    let detail = format!("accepted, for the worker {}", worker.name);
    match worker.presence {
        Presence::Suspended => Check::warning(
            "token",
            format!("{detail}, which is suspended"),
            "resume the worker at its coordinator, or ask its operator why it was suspended",
        ),
        Presence::Retired => Check::failed(
            "token",
            format!("{detail}, which is retired"),
            "create a new worker at the coordinator",
        ),
        Presence::New
        | Presence::Online
        | Presence::Offline
        | Presence::Draining
        | Presence::Unknown => Check::ok("token", detail),
    }
}

fn clock(reached: &Reached) -> Check {
    let skew_ms = reached.asked_at_ms - reached.registration.now_ms;
    let seconds = skew_ms.unsigned_abs() as f64 / 1000.0;
    let direction = if skew_ms < 0 { "behind" } else { "ahead of" };
    let detail = format!("{seconds:.1} s {direction} the coordinator's");
    if skew_ms.unsigned_abs() > SKEW_MAX.as_millis() as u64 {
        let remedy = "synchronise the clock, such as with `timedatectl set-ntp true`";
        return Check::warning("clock", detail, remedy);
    }
    Check::ok("clock", detail)
}

fn connection(round_trip: Duration, download: Option<Download>) -> Check {
    let millis = round_trip.as_secs_f64() * 1000.0;
    let mut detail = format!("a request takes {millis:.1} ms");
    let rate = download.map(|it| it.bytes as f64 / it.took.as_secs_f64().max(1e-6));
    if let (Some(Download { bytes, took }), Some(rate)) = (download, rate) {
        let (millis, rate) = (took.as_secs_f64() * 1000.0, rate / 1e6);
        detail += &format!(
            "; fetching the API's description ({bytes} bytes) took {millis:.1} ms, which is {rate:.2} MB/s or more"
        );
    }
    let is_slow = rate.is_some_and(|rate| rate < BYTES_PER_SECOND_MIN);
    if round_trip > ROUND_TRIP_MAX || is_slow {
        let remedy =
            "scenes and pictures will take long: use a faster line or a nearer coordinator";
        return Check::warning("connection", detail, remedy);
    }
    Check::ok("connection", detail)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use pictor_protocol::agent::Registration;
    use pictor_protocol::problem::Problem;
    use pictor_protocol::worker::Worker;
    use pictor_protocol::{Micros, WorkerId};
    use uuid::Uuid;

    use super::super::Outcome;
    use super::*;
    use crate::config::{Settings, Token};

    #[test]
    fn without_a_config_nothing_about_the_coordinator_applies() {
        for check in checks(&Facts::default()) {
            assert_eq!(check.outcome, Outcome::NotApplicable, "{check:?}");
        }
    }

    #[test]
    fn a_refused_token_is_the_tokens_fault_and_not_the_coordinators() {
        let outcomes = |error| not_reached(&error).map(|check| check.outcome);
        use Outcome::{Failed, NotApplicable as Na, Ok, Warning};
        assert_eq!(
            outcomes(refused(ProblemKind::Unauthorized)),
            [Ok, Failed, Na, Na]
        );
        assert_eq!(
            outcomes(refused(ProblemKind::WorkerTooOld)),
            [Failed, Na, Na, Na]
        );
        assert_eq!(
            outcomes(refused(ProblemKind::NotFound)),
            [Warning, Na, Na, Na]
        );
        let proxy = CallError::Status(StatusCode::BAD_GATEWAY);
        assert_eq!(outcomes(proxy), [Failed, Na, Na, Na]);
    }

    #[test]
    fn a_token_says_what_its_worker_is() {
        for (presence, outcome) in [
            (Presence::New, Outcome::Ok),
            (Presence::Suspended, Outcome::Warning),
            (Presence::Retired, Outcome::Failed),
        ] {
            let config = Ok((settings(1), Vec::new()));
            let check = token(Some(&config), &reached(presence, 0));
            assert_eq!(check.outcome, outcome, "{check:?}");
        }
        let another = Ok((settings(2), Vec::new()));
        let check = token(Some(&another), &reached(Presence::New, 0));
        assert_eq!(check.outcome, Outcome::Failed, "{check:?}");
    }

    #[test]
    fn a_clock_may_differ_by_a_minute_either_way() {
        for (skew_ms, outcome, words) in [
            (60_000, Outcome::Ok, "60.0 s ahead"),
            (-60_000, Outcome::Ok, "60.0 s behind"),
            (60_001, Outcome::Warning, "ahead"),
            (-90_000, Outcome::Warning, "behind"),
        ] {
            let check = clock(&reached(Presence::New, skew_ms));
            assert_eq!(check.outcome, outcome, "{check:?}");
            assert!(check.detail.contains(words), "{check:?}");
        }
    }

    #[test]
    fn a_connection_is_judged_by_its_delay_and_its_rate() {
        let download = |bytes| Download {
            bytes,
            took: Duration::from_secs(1),
        };
        for (round_trip_ms, download, outcome) in [
            (20, Some(download(300_000)), Outcome::Ok),
            (20, None, Outcome::Ok),
            (501, None, Outcome::Warning),
            (20, Some(download(200_000)), Outcome::Warning),
        ] {
            let check = connection(Duration::from_millis(round_trip_ms), download);
            assert_eq!(check.outcome, outcome, "{check:?}");
        }
    }

    fn refused(kind: ProblemKind) -> CallError {
        CallError::Refused(Box::new(Problem {
            kind,
            title: "no".into(),
            status: 400,
            detail: None,
            faults: Vec::new(),
            role: None,
            rules_version: None,
            hearing: None,
        }))
    }

    fn settings(worker: u128) -> Settings {
        Settings {
            coordinator: "http://c".into(),
            worker: WorkerId::new(Uuid::from_u128(worker)),
            token: Token::new("secret".into()),
            name: "w".into(),
            allow_cpu: false,
            slots: None,
            cache_bytes: 0,
            cache_dir: "/".into(),
            memory_bytes: None,
            runtimes_dir: None,
            idle_blender: Duration::ZERO,
        }
    }

    fn reached(presence: Presence, skew_ms: i64) -> Reached {
        let worker = Worker {
            id: WorkerId::new(Uuid::from_u128(1)),
            name: "w".into(),
            presence,
            created_ms: 0,
            last_seen_ms: None,
            connected_ms: None,
            version: None,
            slots: Vec::new(),
            runtimes: Vec::new(),
            driver: None,
            sandbox: Vec::new(),
            doctor: Vec::new(),
            telemetry: Vec::new(),
            leased: 0,
            current: Vec::new(),
            done: 0,
            earned_today_micros: Micros::ZERO,
            schedule: None,
            status: None,
        };
        Reached {
            registration: Registration {
                worker,
                now_ms: 1_000_000,
                version: "1".into(),
            },
            asked_at_ms: 1_000_000 + skew_ms,
            round_trip: Duration::ZERO,
            download: None,
        }
    }
}
