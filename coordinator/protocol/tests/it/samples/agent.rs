use pictor_protocol::agent::{
    AskForCommands, AskForWork, AttemptOutcome, AttemptRef, Capability, Command, Commands, Device,
    Failed, Finished, Grant, Hello, Install, InstallState, Lease, LogChunk, Outcome, PROTOCOL,
    Progress, Proven, Refusal, Registration, RenderFault, Report, ReportAnswer, RuntimeInfo,
    SceneFile, SceneManifest, SlotInfo, Telemetry, Welcome, Work,
};
use pictor_protocol::blender::Series;
use pictor_protocol::gpus::ComputeCapability;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::worker::Presence;
use pictor_protocol::{ChallengeId, JobId, LeaseId, TaskId, WorkerId};

use super::{NEW_YEAR_MS, blob, job, uuid, worker};

pub fn hello() -> Vec<Hello> {
    vec![Hello {
        protocol: PROTOCOL,
        version: "0.1.0".into(),
        instance: uuid(1),
        slots: slots(),
        runtimes: runtimes(),
        driver: Some("575.57.08".into()),
        sandbox: vec!["landlock".into(), "seccomp".into()],
        journal: vec![attempt(7)],
        installable: vec![Series::new(4, 2), Series::new(5, 0)],
        installs: installs(),
        doctor: doctor(),
        answers_challenges: true,
    }]
}

pub fn doctor() -> Vec<DoctorCheck> {
    let check = |(outcome, advice): (_, Option<&str>)| DoctorCheck {
        name: "disk".into(),
        outcome,
        text: "3 GiB are free".into(),
        advice: advice.map(Into::into),
    };
    [
        (CheckOutcome::Ok, None),
        (CheckOutcome::Warn, Some("make room")),
        (CheckOutcome::Fail, Some("make room")),
        (CheckOutcome::NotApplicable, None),
    ]
    .map(check)
    .into()
}

fn installs() -> Vec<Install> {
    let install = |(series, state)| Install { series, state };
    let failed = InstallState::Failed {
        ago_ms: 90_000,
        message: "no space left on device".into(),
    };
    [
        (Series::new(4, 2), InstallState::Running),
        (Series::new(5, 0), failed),
    ]
    .map(install)
    .into()
}

pub fn slots() -> Vec<SlotInfo> {
    let devices = [Device::Cpu, Device::Cuda, Device::Optix, Device::Hip];
    let slots = devices.into_iter().zip(0..);
    let slot = |(device, slot)| SlotInfo {
        slot,
        device,
        name: format!("Device {slot}"),
        memory_bytes: Some(24 << 30),
        uuid: Some(format!("GPU-{}", uuid(slot.into()))),
        compute_capability: Some(ComputeCapability::new(8, 9)),
        proven: Some(every_capability()),
        score: Some(12.5),
    };
    slots.map(slot).collect()
}

pub fn every_capability() -> Vec<Proven> {
    let all = [
        Capability::CyclesCpu,
        Capability::CyclesCuda,
        Capability::CyclesOptix,
        Capability::CyclesHip,
        Capability::Eevee,
    ];
    let runtime = Series::new(4, 5);
    all.map(|can| Proven { runtime, can }).to_vec()
}

pub fn telemetry() -> Telemetry {
    Telemetry {
        slot: 1,
        utilisation_percent: Some(97),
        temperature_celsius: Some(71),
        power_milliwatts: Some(287_500),
        memory_used_bytes: Some(9 << 30),
    }
}

pub fn registration() -> Vec<Registration> {
    vec![Registration {
        worker: worker::a_worker(Presence::Online),
        now_ms: NEW_YEAR_MS + 2_000,
        version: "0.1.0".into(),
    }]
}

pub fn runtimes() -> Vec<RuntimeInfo> {
    vec![RuntimeInfo {
        series: Series::new(4, 5),
        version: "4.5.3 LTS".into(),
    }]
}

pub fn welcome() -> Vec<Welcome> {
    vec![Welcome {
        worker: WorkerId::new(uuid(2)),
        name: "attic".into(),
        version: "0.1.0".into(),
        report_interval_ms: 5_000,
        hold_ms: 50_000,
        lease_ttl_ms: 60_000,
        output_bytes_max: 1 << 30,
        commands: every_command(),
    }]
}

pub fn ask_for_work() -> Vec<AskForWork> {
    vec![AskForWork {
        instance: uuid(1),
        slot: 1,
        open: Some(blob(1)),
        cached: vec![blob(1), blob(2)],
        hold_ms: Some(50_000),
    }]
}

pub fn work() -> Vec<Work> {
    let lease = Lease {
        id: LeaseId::new(uuid(3)),
        job: JobId::new(uuid(4)),
        scene: SceneManifest {
            content: blob(3),
            main: "shots/a.blend".into(),
            files: vec![SceneFile {
                path: "shots/a.blend".into(),
                blob: blob(4),
                size_bytes: 1_234_567,
            }],
        },
        runtime: Series::new(4, 5),
        settings: job::settings(),
        plan: job::plan(),
        tasks: vec![Grant {
            attempt: attempt(5),
            frame: -12,
        }],
    };
    vec![Work {
        lease: Some(lease),
        commands: every_command(),
    }]
}

pub fn report() -> Vec<Report> {
    let progress = Progress {
        attempt: attempt(5),
        fraction: 0.5,
        elapsed_ms: 1_500,
    };
    let finished = Finished {
        attempt: attempt(6),
        output: blob(5),
        size_bytes: 98_765,
        render_ms: 4_321,
        memory_bytes: Some(3 << 30),
        energy_millijoules: Some(1_234_567),
    };
    let failed = every_fault().into_iter().map(|fault| Failed {
        attempt: attempt(7),
        fault,
        message: "Blender ended in the middle".into(),
    });
    let chunk = LogChunk {
        attempt: attempt(5),
        offset: 4_096,
        text: "Fra:1 Mem:41.08M\n".into(),
    };
    vec![Report {
        instance: uuid(1),
        holding: vec![attempt(5)],
        progress: vec![progress],
        finished: vec![finished],
        failed: failed.collect(),
        returned: vec![attempt(8)],
        stopped: vec![attempt(9)],
        logs: vec![chunk],
        telemetry: vec![telemetry()],
    }]
}

pub fn report_answer() -> Vec<ReportAnswer> {
    let refusals = [
        Refusal::NotYours,
        Refusal::NotWanted,
        Refusal::OutputMissing,
        Refusal::OutputRejected,
    ];
    let refused = refusals.map(|why| Outcome::Refused {
        why,
        detail: Some("960 × 540 was expected".into()),
    });
    let outcomes = [Outcome::Accepted].into_iter().chain(refused);
    let outcomes = outcomes.map(|outcome| AttemptOutcome {
        attempt: attempt(6),
        outcome,
    });
    vec![ReportAnswer {
        outcomes: outcomes.collect(),
        lost: vec![attempt(5)],
        commands: every_command(),
    }]
}

pub fn ask_for_commands() -> Vec<AskForCommands> {
    vec![AskForCommands {
        instance: uuid(1),
        hold_ms: Some(50_000),
    }]
}

pub fn commands() -> Vec<Commands> {
    vec![Commands {
        commands: every_command(),
    }]
}

fn every_command() -> Vec<Command> {
    let stop = Command::Stop {
        attempt: attempt(5),
    };
    let install = Command::Install {
        series: Series::new(4, 2),
    };
    let challenge = Command::Challenge {
        challenge: ChallengeId::new(uuid(6)),
        slot: 1,
    };
    vec![stop, Command::Drain, install, challenge]
}

fn every_fault() -> [RenderFault; 15] {
    [
        RenderFault::NoCamera,
        RenderFault::CameraMissing,
        RenderFault::SceneMissing,
        RenderFault::SceneUnreadable,
        RenderFault::EngineUnknown,
        RenderFault::NewerThanRuntime,
        RenderFault::OutOfMemory,
        RenderFault::OutOfGpuMemory,
        RenderFault::DeviceMissing,
        RenderFault::DenoiserMissing,
        RenderFault::Crashed,
        RenderFault::Hung,
        RenderFault::NothingWritten,
        RenderFault::SceneUnavailable,
        RenderFault::Other,
    ]
}

fn attempt(task: u128) -> AttemptRef {
    AttemptRef {
        task: TaskId::new(uuid(task)),
        attempt: 2,
    }
}
