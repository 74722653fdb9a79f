//! A worker without Blender, driven step by step: it says exactly what a test wants it to say.

use http::{Method, StatusCode};
use pictor_protocol::WorkerId;
use pictor_protocol::agent::{
    AskForCommands, AskForWork, AttemptRef, Capability, Command, Commands, Device, Failed,
    Finished, Grant, Hello, Install, Lease, Outcome, PROTOCOL, Proven, RenderFault, Report,
    ReportAnswer, RuntimeInfo, SlotInfo, Welcome, Work,
};
use pictor_protocol::blender::Series;
use pictor_protocol::health::DoctorCheck;
use pictor_protocol::worker_config::WorkerConfig;
use uuid::Uuid;

use super::World;
use super::client::{Answer, Client};

pub struct ScriptedWorker {
    pub id: WorkerId,
    pub client: Client,
    pub instance: Uuid,
    /// What its next hello tells of.
    pub slots: Vec<SlotInfo>,
    pub series: Vec<Series>,
    pub installable: Vec<Series>,
    pub installs: Vec<Install>,
    pub sandbox: Vec<String>,
    pub doctor: Vec<DoctorCheck>,
}

impl ScriptedWorker {
    /// Registers a worker with Blender 4.5 and says hello.
    pub async fn connect(world: &World, name: &str) -> Self {
        Self::connect_with(world, name, &[Series::new(4, 5)]).await
    }

    pub async fn connect_with(world: &World, name: &str, series: &[Series]) -> Self {
        let slot = SlotInfo::new(0, Device::Cpu, "test");
        Self::connect_as(world, name, series, vec![slot]).await
    }

    /// With Blender 4.5 and one slot on which a probe succeeded with these.
    pub async fn connect_proven(world: &World, name: &str, can: &[Capability]) -> Self {
        let runtime = Series::new(4, 5);
        let proven = can.iter().map(|can| Proven { runtime, can: *can });
        let slot = SlotInfo {
            proven: Some(proven.collect()),
            ..SlotInfo::new(0, Device::Cpu, "test")
        };
        Self::connect_as(world, name, &[runtime], vec![slot]).await
    }

    /// With Blender 4.5 and one slot of this score.
    pub async fn connect_scored(world: &World, name: &str, score: f64) -> Self {
        let slot = SlotInfo {
            score: Some(score),
            ..SlotInfo::new(0, Device::Cpu, "test")
        };
        Self::connect_as(world, name, &[Series::new(4, 5)], vec![slot]).await
    }

    pub async fn connect_as(
        world: &World,
        name: &str,
        series: &[Series],
        slots: Vec<SlotInfo>,
    ) -> Self {
        let config = world.worker_config(name).await;
        Self::connect_of(world, &config, series, slots).await
    }

    /// With a config file that somebody has.
    pub async fn connect_of(
        world: &World,
        config: &WorkerConfig,
        series: &[Series],
        slots: Vec<SlotInfo>,
    ) -> Self {
        let client = Client::new(&world.url, &config.token);
        let mut worker = Self {
            id: config.worker_id,
            client,
            instance: Uuid::now_v7(),
            slots,
            series: series.to_vec(),
            installable: Vec::new(),
            installs: Vec::new(),
            sandbox: Vec::new(),
            doctor: Vec::new(),
        };
        worker.start_again(&[]).await;
        worker
    }

    /// Speaks to a coordinator that was started anew.
    pub fn moved_to(self, world: &World) -> Self {
        Self {
            client: Client::new(&world.url, self.client.token()),
            ..self
        }
    }

    /// What a worker does that was killed and started again.
    pub async fn start_again(&mut self, journal: &[AttemptRef]) -> Welcome {
        self.instance = Uuid::now_v7();
        self.hello(journal).await.json()
    }

    pub async fn hello(&self, journal: &[AttemptRef]) -> Answer {
        let hello = Hello {
            protocol: PROTOCOL,
            version: "0.0.0".into(),
            instance: self.instance,
            slots: self.slots.clone(),
            runtimes: self
                .series
                .iter()
                .map(|series| RuntimeInfo {
                    series: *series,
                    version: format!("{series}.0"),
                })
                .collect(),
            driver: None,
            sandbox: self.sandbox.clone(),
            doctor: self.doctor.clone(),
            journal: journal.to_vec(),
            installable: self.installable.clone(),
            // Whoever wants that says so in the database.
            answers_challenges: false,
            installs: self.installs.clone(),
        };
        self.client.post("/agent/v1/hello", &hello).await
    }

    /// Asks for work and waits for it up to the hold.
    pub async fn ask(&self, hold_ms: u32) -> Option<Lease> {
        let ask = AskForWork {
            instance: self.instance,
            slot: 0,
            open: None,
            cached: Vec::new(),
            hold_ms: Some(hold_ms),
        };
        self.client
            .post("/agent/v1/work", &ask)
            .await
            .json::<Work>()
            .lease
    }

    pub async fn must_get_work(&self) -> Lease {
        self.ask(10_000).await.expect("there is work")
    }

    /// Uploads a picture and reports it.
    pub async fn finish(&self, grant: &Grant, picture: &[u8]) -> Outcome {
        self.finish_in(grant, picture, 100).await
    }

    pub async fn finish_in(&self, grant: &Grant, picture: &[u8], render_ms: i64) -> Outcome {
        let output = blake3::hash(picture).to_hex().to_string();
        let put = self
            .client
            .send(
                Method::PUT,
                &format!("/agent/v1/blobs/{output}"),
                picture.to_vec(),
            )
            .await;
        assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
        self.report_finished_in(grant, picture, render_ms).await
    }

    /// Reports a picture without uploading it.
    pub async fn report_finished(&self, grant: &Grant, picture: &[u8]) -> Outcome {
        self.report_finished_in(grant, picture, 100).await
    }

    pub async fn report_finished_in(
        &self,
        grant: &Grant,
        picture: &[u8],
        render_ms: i64,
    ) -> Outcome {
        let finished = Finished {
            attempt: grant.attempt,
            output: blake3::hash(picture).to_hex().to_string().parse().unwrap(),
            size_bytes: picture.len() as u64,
            render_ms,
            memory_bytes: None,
            energy_millijoules: None,
        };
        self.outcome(Report {
            finished: vec![finished],
            ..self.empty()
        })
        .await
    }

    pub async fn fail(&self, grant: &Grant, fault: RenderFault) -> Outcome {
        let message = format!("{fault:?} on purpose");
        let failed = Failed {
            attempt: grant.attempt,
            fault,
            message,
        };
        self.outcome(Report {
            failed: vec![failed],
            ..self.empty()
        })
        .await
    }

    pub async fn hand_back(&self, grant: &Grant) -> Outcome {
        self.outcome(Report {
            returned: vec![grant.attempt],
            ..self.empty()
        })
        .await
    }

    pub async fn stopped(&self, attempt: AttemptRef) -> Outcome {
        self.outcome(Report {
            stopped: vec![attempt],
            ..self.empty()
        })
        .await
    }

    /// Says that it still holds these; answers which of them are lost.
    pub async fn hold(&self, holding: Vec<AttemptRef>) -> Vec<AttemptRef> {
        self.report(Report {
            holding,
            ..self.empty()
        })
        .await
        .lost
    }

    pub async fn commands(&self) -> Vec<Command> {
        self.commands_within(10_000).await
    }

    pub async fn commands_within(&self, hold_ms: u32) -> Vec<Command> {
        let ask = AskForCommands {
            instance: self.instance,
            hold_ms: Some(hold_ms),
        };
        self.client
            .post("/agent/v1/commands", &ask)
            .await
            .json::<Commands>()
            .commands
    }

    pub async fn report(&self, report: Report) -> ReportAnswer {
        self.client.post("/agent/v1/report", &report).await.json()
    }

    async fn outcome(&self, report: Report) -> Outcome {
        let answer = self.report(report).await;
        assert_eq!(answer.outcomes.len(), 1, "{answer:?}");
        answer.outcomes[0].outcome.clone()
    }

    pub fn empty(&self) -> Report {
        Report {
            instance: self.instance,
            holding: Vec::new(),
            progress: Vec::new(),
            finished: Vec::new(),
            failed: Vec::new(),
            returned: Vec::new(),
            stopped: Vec::new(),
            logs: Vec::new(),
            telemetry: Vec::new(),
        }
    }
}
