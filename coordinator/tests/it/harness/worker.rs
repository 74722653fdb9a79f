//! A worker without Blender, driven step by step: it says exactly what a test wants it to say.

use http::{Method, StatusCode};
use pictor_protocol::agent::{
    AskForCommands, AskForWork, AttemptRef, Command, Commands, Device, Failed, Finished, Grant,
    Hello, Lease, Outcome, PROTOCOL, RenderFault, Report, ReportAnswer, RuntimeInfo, SlotInfo,
    Welcome, Work,
};
use pictor_protocol::blender::Series;
use uuid::Uuid;

use super::World;
use super::client::{Answer, Client};

pub struct ScriptedWorker {
    pub client: Client,
    pub instance: Uuid,
    series: Vec<Series>,
}

impl ScriptedWorker {
    /// Registers a worker with Blender 4.5 and says hello.
    pub async fn connect(world: &World, name: &str) -> Self {
        Self::connect_with(world, name, &[Series::new(4, 5)]).await
    }

    pub async fn connect_with(world: &World, name: &str, series: &[Series]) -> Self {
        let config = world.worker_config(name).await;
        let client = Client::new(&world.url, &config.token);
        let mut worker = Self {
            client,
            instance: Uuid::now_v7(),
            series: series.to_vec(),
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
            slots: vec![SlotInfo::new(0, Device::Cpu, "test")],
            runtimes: self
                .series
                .iter()
                .map(|series| RuntimeInfo {
                    series: *series,
                    version: format!("{series}.0"),
                })
                .collect(),
            driver: None,
            sandbox: Vec::new(),
            journal: journal.to_vec(),
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
        self.report_finished(grant, picture).await
    }

    /// Reports a picture without uploading it.
    pub async fn report_finished(&self, grant: &Grant, picture: &[u8]) -> Outcome {
        let finished = Finished {
            attempt: grant.attempt,
            output: blake3::hash(picture).to_hex().to_string().parse().unwrap(),
            size_bytes: picture.len() as u64,
            render_ms: 100,
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
        let ask = AskForCommands {
            instance: self.instance,
            hold_ms: Some(10_000),
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
