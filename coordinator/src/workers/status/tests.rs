use pictor_protocol::agent::{Capability, Device, Proven, RuntimeInfo, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::{UserId, WorkerId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::dispatch::ability::Ability;
use crate::store::column::{Json, Maybe, MaybeJson};
use crate::workers::presence;

const NOW_US: i64 = 1_000 * SILENCE_US;
const BLENDER: Series = Series::new(4, 5);

#[test]
fn a_worker_that_is_there_and_has_nothing_says_why() {
    let waiting = status(&online(), NOW_US, || Wait::NothingToRender);
    assert_eq!(waiting.state, WorkerState::Waiting);
    assert_eq!(waiting.reason, "Nothing waits to be rendered.");
    assert_eq!(waiting.advice, None);
    let lacking = status(&online(), NOW_US, || Wait::NoBlender {
        series: Series::new(5, 0),
        frames: 240,
    });
    assert_eq!(
        lacking.reason,
        "240 frames wait, but with Blender 5.0, which it does not have."
    );
    assert_eq!(
        lacking.advice.as_deref(),
        Some("Install Blender 5.0 on it.")
    );
    let one = status(&online(), NOW_US, || Wait::FailedBefore { frames: 1 });
    assert!(one.reason.starts_with("A frame waits of"), "{one:?}");
}

#[test]
fn whoever_renders_is_not_asked_why_it_waits() {
    let row = WorkerRow {
        leased: 2,
        ..online()
    };
    let rendering = status(&row, NOW_US, || unreachable!("it renders"));
    assert_eq!(rendering.state, WorkerState::Rendering);
    assert_eq!(rendering.reason, "It renders or holds 2 frames.");
}

#[test]
fn a_pause_shows_by_whom_why_and_since_when() {
    let mut row = WorkerRow {
        status: Decided::Draining,
        decided_us: Some(7_000),
        decided_by: Maybe(Some(user(1))),
        decided_why: Some("I play tonight".into()),
        leased: 1,
        ..online()
    };
    let pausing = of(&row);
    assert_eq!(
        (pausing.state, pausing.since_ms),
        (WorkerState::Pausing, Some(7))
    );
    assert_eq!(
        pausing.reason,
        "Its owner paused it (I play tonight): it finishes 1 frame and takes nothing more."
    );
    row.leased = 0;
    row.decided_by = Maybe(Some(user(2)));
    let paused = of(&row);
    assert_eq!(paused.state, WorkerState::Paused);
    assert!(paused.reason.starts_with("An operator paused it"));
    row.last_seen_us = Some(0);
    let offline = of(&row);
    assert_eq!(offline.state, WorkerState::Offline);
    assert!(offline.reason.contains("paused, too"), "{offline:?}");
}

#[test]
fn silence_shows_since_when() {
    let row = WorkerRow {
        last_seen_us: Some(5_000_000),
        ..online()
    };
    let offline = of(&row);
    assert_eq!(
        (offline.state, offline.since_ms),
        (WorkerState::Offline, Some(5_000))
    );
    assert!(offline.advice.is_some());
}

#[test]
fn a_worker_that_was_turned_away_is_too_old_whether_it_is_there_or_not() {
    for last_seen_us in [Some(NOW_US), Some(0), None] {
        let row = WorkerRow {
            last_seen_us,
            turned_away_us: Some(9_000),
            turned_away_version: Some("0.0.9".into()),
            ..online()
        };
        let old = of(&row);
        assert_eq!((old.state, old.since_ms), (WorkerState::TooOld, Some(9)));
        assert!(old.reason.contains("version 0.0.9"), "{old:?}");
    }
}

#[test]
fn a_worker_that_cannot_render_says_what_it_lacks() {
    let slot = |proven| SlotInfo {
        proven,
        ..SlotInfo::new(0, Device::Optix, "test")
    };
    let cycles = Proven {
        runtime: BLENDER,
        can: Capability::CyclesOptix,
    };
    for (slots, runtimes, expected) in [
        (vec![], 1, Some("no GPU")),
        (vec![slot(None)], 0, Some("no Blender")),
        (vec![slot(Some(vec![]))], 1, Some("has shown")),
        (vec![slot(Some(vec![])), slot(None)], 1, None),
        (vec![slot(Some(vec![])), slot(Some(vec![cycles]))], 1, None),
        (vec![slot(None)], 1, None),
    ] {
        let mut row = online();
        let hello = row.hello.0.as_mut().unwrap();
        hello.slots = slots;
        hello.runtimes.truncate(runtimes);
        let status = of(&row);
        match expected {
            Some(words) => {
                assert_eq!(status.state, WorkerState::CannotRender);
                assert!(status.reason.contains(words), "{status:?}");
                assert!(status.advice.is_some());
            }
            None => assert_eq!(status.state, WorkerState::Waiting, "{status:?}"),
        }
    }
}

#[test]
fn a_worker_outside_its_hours_says_when_it_is_back_and_a_pause_comes_first() {
    let mut row = online();
    // It is one o'clock on Friday, 2 January 1970.
    let span = |day| pictor_protocol::schedule::WeekSpan {
        day,
        from_minute: 120,
        to_minute: 180,
    };
    row.schedule = MaybeJson(Some(pictor_protocol::schedule::Schedule {
        utc_offset_minutes: 0,
        spans: (0..7).map(span).collect(),
    }));
    row.leased = 2;
    let outside = of(&row);
    assert_eq!(outside.state, WorkerState::OutsideHours);
    assert_eq!(
        outside.reason,
        "It is outside its hours, again at Friday 02:00 (UTC). It finishes 2 frames."
    );
    row.status = Decided::Draining;
    assert_eq!(of(&row).state, WorkerState::Pausing);
}

#[test]
fn a_worker_that_nobody_started_says_how_to_start_it() {
    let row = WorkerRow {
        last_seen_us: None,
        hello: MaybeJson(None),
        ..online()
    };
    let never = of(&row);
    assert_eq!(never.state, WorkerState::NeverConnected);
    assert!(never.advice.unwrap().contains("installer"));
}

proptest! {
    #[test]
    fn status_and_presence_never_contradict_each_other(
        decided in prop::sample::select(vec![
            Decided::Active, Decided::Draining, Decided::Suspended, Decided::Retired,
        ]),
        last_seen_us in prop::option::of(NOW_US - 2 * SILENCE_US..=NOW_US),
        leased in 0..3_i64
    ) {
        use pictor_protocol::worker::Presence;
        let row = WorkerRow { status: decided, last_seen_us, leased, ..online() };
        let presence = presence(decided, last_seen_us, NOW_US);
        let expected = match of(&row).state {
            WorkerState::NeverConnected => Presence::New,
            WorkerState::Offline => Presence::Offline,
            WorkerState::CannotRender | WorkerState::Rendering | WorkerState::Waiting
            | WorkerState::OutsideHours => Presence::Online,
            WorkerState::Pausing | WorkerState::Paused => Presence::Draining,
            WorkerState::Suspended => Presence::Suspended,
            WorkerState::Retired => Presence::Retired,
            WorkerState::TooOld | WorkerState::Unknown => Presence::Unknown,
        };
        prop_assert_eq!(presence, expected);
    }
}

fn of(row: &WorkerRow) -> WorkerStatus {
    status(row, NOW_US, || Wait::NothingToRender)
}

/// A worker with one slot that was not probed, heard from just now.
fn online() -> WorkerRow {
    WorkerRow {
        id: WorkerId::new(Uuid::nil()),
        owner_id: user(1),
        name: "attic".into(),
        status: Decided::Active,
        created_us: 0,
        last_seen_us: Some(NOW_US),
        instance: None,
        hello_us: Some(0),
        hello: MaybeJson(Some(Hello {
            protocol: PROTOCOL,
            version: "0".into(),
            instance: Uuid::nil(),
            slots: vec![SlotInfo::new(0, Device::Optix, "test")],
            runtimes: vec![RuntimeInfo {
                series: BLENDER,
                version: "4.5.0".into(),
            }],
            driver: None,
            sandbox: Vec::new(),
            doctor: Vec::new(),
            installs: Vec::new(),
            installable: Vec::new(),
            answers_challenges: false,
            journal: Vec::new(),
        })),
        series: Json(vec![BLENDER]),
        abilities: Json(vec![Ability::unknown(0)]),
        done: 0,
        leased: 0,
        decided_us: None,
        decided_by: Maybe(None),
        decided_why: None,
        turned_away_us: None,
        turned_away_version: None,
        schedule: MaybeJson(None),
    }
}

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}
