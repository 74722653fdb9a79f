//! What a host has to render with: the image that the tag stands for now, and its places.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::{StreamExt, TryStreamExt};

use super::{DockerHost, Engine, HostError, call, is_status, within};
use crate::launcher::config::Devices;
use crate::launcher::model::{ContainerId, Image};
use crate::launcher::recipe::{self, Device, Making};

/// Some gigabytes over a slow line.
const PULL_WITHIN: Duration = Duration::from_secs(3_600);
/// nvidia-smi answers within seconds, also where it has to wake the driver.
const PROBE_WITHIN: Duration = Duration::from_secs(60);
const ASK_WITHIN: Duration = Duration::from_secs(30);
/// What containers may have of a host's memory, unless the operator says how much.
const HOST_SHARE: f64 = 0.9;

const MEMORY_STEP: u64 = 64 << 20;

/// What a host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub image: Image,
    pub places: BTreeMap<u16, Making>,
}

impl DockerHost {
    /// Fetches what the tag stands for in its registry.
    pub async fn pull(&self) -> Result<(), HostError> {
        within(PULL_WITHIN, async {
            let options = CreateImageOptionsBuilder::new().from_image(&tagged(&self.kind.image));
            let docker = self.docker().await?;
            let pulled = docker.create_image(Some(options.build()), None, None);
            pulled
                .try_for_each(|_| async { Ok(()) })
                .await
                .map_err(call("pull the image"))
        })
        .await
    }

    /// Looks up the image, as it is on the host, and the places.
    pub async fn prepare(&self) -> Result<Prepared, HostError> {
        let engine = within(ASK_WITHIN, self.engine()).await?;
        let image = within(ASK_WITHIN, self.image(&engine.docker)).await?;
        let devices = self.devices(engine, &image).await?;
        let memory_bytes = self.kind.memory_bytes.unwrap_or_else(|| {
            let share = engine.memory_bytes as f64 * HOST_SHARE / devices.len().max(1) as f64;
            // A few pages more or less after a restart must not make every container outdated.
            share as u64 / MEMORY_STEP * MEMORY_STEP
        });
        let making = |(number, device)| Making {
            prefix: self.kind.prefix.clone(),
            number,
            device,
            memory_bytes,
            network: self.kind.network.clone(),
            worker_url: self.kind.worker_url.clone(),
            stop_timeout_s: self.kind.stop_timeout.as_secs(),
        };
        let places = (0..).zip(devices).map(making);
        Ok(Prepared {
            image,
            places: places.map(|making| (making.number, making)).collect(),
        })
    }

    async fn image(&self, docker: &Docker) -> Result<Image, HostError> {
        let found = docker.inspect_image(&self.kind.image).await;
        let found = found.map_err(|source| {
            if is_status(&source, 404) {
                let image = self.kind.image.clone();
                HostError::NoImage { image, source }
            } else {
                call("look the image up")(source)
            }
        })?;
        Ok(Image(found.id.unwrap_or_default()))
    }

    async fn devices(&self, engine: &Engine, image: &Image) -> Result<Vec<Device>, HostError> {
        let gpu = |id| Device::Gpu { id };
        match &self.kind.devices {
            Devices::Cpu { workers } => {
                let nano_cpus = engine.cpus * 1_000_000_000 / i64::from(*workers);
                Ok(vec![Device::Cpu { nano_cpus }; (*workers).into()])
            }
            Devices::Gpus(ids) => Ok(ids.iter().cloned().map(gpu).collect()),
            Devices::EveryGpu => {
                let gpus = self.list_gpus(&engine.docker, image).await?;
                Ok(gpus.into_iter().map(gpu).collect())
            }
        }
    }

    /// Engines do not say which GPUs they have; a container that gets them all does.
    async fn list_gpus(&self, docker: &Docker, image: &Image) -> Result<Vec<String>, HostError> {
        within(PROBE_WITHIN, self.remove_old_probes(docker)).await?;
        let body = recipe::gpu_probe(image, &self.kind.prefix);
        let made = within(ASK_WITHIN, async {
            let made = docker.create_container(None, body).await;
            made.map_err(call("create the container that lists GPUs"))
        })
        .await?;
        let listed = within(PROBE_WITHIN, probe(docker, &made.id)).await;
        self.remove(&ContainerId(made.id)).await?;
        let text = listed?;
        let gpus = recipe::gpus_listed(&text);
        if gpus.is_empty() {
            return Err(HostError::Gpus(text.trim().to_owned()));
        }
        Ok(gpus)
    }

    /// A launcher that was killed may have left one.
    async fn remove_old_probes(&self, docker: &Docker) -> Result<(), HostError> {
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&self.labelled(recipe::PROBE));
        let left = docker.list_containers(Some(options.build())).await;
        for summary in left.map_err(call("list the containers"))? {
            if let Some(id) = summary.id {
                self.remove(&ContainerId(id)).await?;
            }
        }
        Ok(())
    }
}

async fn probe(docker: &Docker, id: &str) -> Result<String, HostError> {
    let started = docker.start_container(id, None).await;
    started.map_err(call("start the container that lists GPUs"))?;
    let mut ended = docker.wait_container(id, None::<WaitContainerOptions>);
    // Its exit code is an error of bollard's; what it printed says more.
    while ended.next().await.is_some_and(|end| end.is_ok()) {}
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
    let lines: Vec<LogOutput> = docker
        .logs(id, Some(options))
        .try_collect()
        .await
        .map_err(call("read which GPUs there are"))?;
    let text = lines.into_iter().map(|line| line.to_string());
    Ok(text.collect())
}

/// Without a tag an engine would pull every one.
fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains(':') || image.contains('@') {
        image.to_owned()
    } else {
        format!("{image}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        assert_eq!(tagged("pictor-worker"), "pictor-worker:latest");
        assert_eq!(tagged("host:5000/worker"), "host:5000/worker:latest");
        assert_eq!(tagged("host:5000/worker:1"), "host:5000/worker:1");
        assert_eq!(tagged("worker@sha256:ab"), "worker@sha256:ab");
    }
}
