//! One Docker host: looking at it, and doing there what was decided.
//!
//! Every call ends within a time limit, so whoever waits for one host waits for that host alone. Nothing is
//! retried here.

mod connect;
mod prepare;

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, ContainerState as Inspected, ContainerStateStatusEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, EventsOptionsBuilder, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future};
use pictor_protocol::worker_config::WorkerConfig;
use tokio::sync::OnceCell;

use super::config::{Devices, DockerAddress};
use super::model::{Container, ContainerId, ContainerState, End, HostId, Image, Recipe};
use super::recipe::{self, Making};
pub use prepare::Prepared;

/// Looking takes milliseconds; a host that needs longer is as good as silent.
const LOOK_WITHIN: Duration = Duration::from_secs(15);
/// Making a container on a busy disk takes some seconds.
const ACT_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("the certificates in {dir} cannot be used")]
    Certificates { dir: String, source: Error },
    #[error("{address} cannot be reached")]
    Connect {
        address: DockerAddress,
        source: Error,
    },
    #[error("the engine does not answer within {} s", within.as_secs())]
    Silent { within: Duration },
    #[error("could not {what}")]
    Call { what: &'static str, source: Error },
    #[error("there is no image {image:?} on the host")]
    NoImage { image: String, source: Error },
    #[error("the GPUs could not be listed: {0}")]
    Gpus(String),
    #[error("the worker's config could not be packed")]
    Archive(#[source] std::io::Error),
}

fn call(what: &'static str) -> impl FnOnce(Error) -> HostError {
    move |source| HostError::Call { what, source }
}

/// What is the same for the containers of all hosts.
#[derive(Debug, Clone)]
pub struct Kind {
    pub prefix: String,
    pub image: String,
    pub devices: Devices,
    pub memory_bytes: Option<u64>,
    pub network: String,
    pub worker_url: Option<String>,
    pub stop_timeout: Duration,
}

pub struct DockerHost {
    pub id: HostId,
    pub address: DockerAddress,
    certs: Option<std::path::PathBuf>,
    kind: Kind,
    engine: OnceCell<Engine>,
}

/// An engine that answered.
struct Engine {
    docker: Docker,
    /// Its own name, with a few characters that tell engines of the same name apart.
    name: String,
    cpus: i64,
    memory_bytes: u64,
}

impl DockerHost {
    pub fn new(
        id: HostId,
        address: DockerAddress,
        certs: Option<std::path::PathBuf>,
        kind: Kind,
    ) -> Self {
        Self {
            id,
            address,
            certs,
            kind,
            engine: OnceCell::new(),
        }
    }

    /// The worker that this launcher would enrol for a place; None before the host first answered.
    pub fn worker_name(&self, number: u16) -> Option<String> {
        let engine = self.engine.get()?;
        Some(format!("{}-{number}@{}", self.kind.prefix, engine.name))
    }

    /// The place that a worker's name speaks of, when it is of this host.
    pub fn place_of(&self, worker_name: &str) -> Option<u16> {
        let rest = worker_name.strip_prefix(&self.kind.prefix)?;
        let (number, engine) = rest.strip_prefix('-')?.split_once('@')?;
        let is_here = self.engine.get().is_some_and(|here| here.name == engine);
        is_here.then(|| number.parse().ok())?
    }

    /// Every container with this launcher's label.
    pub async fn look(&self) -> Result<Vec<Container>, HostError> {
        within(LOOK_WITHIN, async {
            let docker = self.docker().await?;
            let options = ListContainersOptionsBuilder::new()
                .all(true)
                .filters(&self.labelled(recipe::LAUNCHER));
            let listed = docker.list_containers(Some(options.build())).await;
            let ids = listed
                .map_err(call("list the containers"))?
                .into_iter()
                .filter_map(|summary| summary.id);
            let inspected = ids.map(|id| async move { docker.inspect_container(&id, None).await });
            let mut containers = Vec::new();
            for result in future::join_all(inspected).await {
                match result {
                    Ok(found) => containers.extend(container(found)),
                    // Removed since it was listed.
                    Err(error) if is_status(&error, 404) => {}
                    Err(error) => return Err(call("inspect a container")(error)),
                }
            }
            Ok(containers)
        })
        .await
    }

    /// Makes a container, hands the config over, and starts it. What failed half-way is removed.
    pub async fn create(
        &self,
        making: &Making,
        image: &Image,
        config: &WorkerConfig,
    ) -> Result<(), HostError> {
        within(ACT_WITHIN, async {
            let docker = self.docker().await?;
            let options = CreateContainerOptionsBuilder::new().name(&making.container_name());
            let body = making.body(image, config.worker_id);
            let made = docker.create_container(Some(options.build()), body).await;
            let id = made.map_err(call("create the container"))?.id;
            let started = self.hand_over_and_start(docker, &id, config).await;
            if started.is_err() {
                let _ = self.remove(&ContainerId(id)).await;
            }
            started
        })
        .await
    }

    async fn hand_over_and_start(
        &self,
        docker: &Docker,
        id: &str,
        config: &WorkerConfig,
    ) -> Result<(), HostError> {
        let archive = Bytes::from(recipe::archive(config).map_err(HostError::Archive)?);
        let options = UploadToContainerOptionsBuilder::new().path(recipe::CONFIG_DIR);
        // As a stream: bollard writes bodies that are whole to its trace log, and this holds the token.
        let body = bollard::body_stream(futures_util::stream::iter([archive]));
        docker
            .upload_to_container(id, Some(options.build()), body)
            .await
            .map_err(call("hand the worker's config over"))?;
        let started = docker.start_container(id, None).await;
        started.map_err(call("start the container"))
    }

    pub async fn start(&self, container: &ContainerId) -> Result<(), HostError> {
        within(ACT_WITHIN, async {
            let docker = self.docker().await?;
            let started = docker.start_container(&container.0, None).await;
            started.map_err(call("start the container"))
        })
        .await
    }

    /// Sends a signal; a container that does not run, or is gone, needs none.
    pub async fn signal(&self, container: &ContainerId, signal: &str) -> Result<(), HostError> {
        within(ACT_WITHIN, async {
            let docker = self.docker().await?;
            let options = KillContainerOptionsBuilder::new().signal(signal).build();
            match docker.kill_container(&container.0, Some(options)).await {
                Err(error) if !is_status(&error, 404) && !is_status(&error, 409) => {
                    Err(call("signal the container")(error))
                }
                Ok(()) | Err(_) => Ok(()),
            }
        })
        .await
    }

    /// Removes a container and the volume with its config.
    pub async fn remove(&self, container: &ContainerId) -> Result<(), HostError> {
        within(ACT_WITHIN, async {
            let docker = self.docker().await?;
            let options = RemoveContainerOptionsBuilder::new().v(true).force(true);
            match docker
                .remove_container(&container.0, Some(options.build()))
                .await
            {
                Err(error) if !is_status(&error, 404) => Err(call("remove the container")(error)),
                Ok(()) | Err(_) => Ok(()),
            }
        })
        .await
    }

    /// Removes what the workers kept: scenes, runtimes, kernels.
    pub async fn remove_caches(&self) -> Result<(), HostError> {
        within(ACT_WITHIN, async {
            let docker = self.docker().await?;
            let options =
                ListVolumesOptionsBuilder::new().filters(&self.labelled(recipe::LAUNCHER));
            let listed = docker.list_volumes(Some(options.build())).await;
            let volumes = listed.map_err(call("list the volumes"))?.volumes;
            for volume in volumes.into_iter().flatten() {
                let removed = docker
                    .remove_volume(&volume.name, None::<RemoveVolumeOptions>)
                    .await;
                removed.map_err(call("remove a cache"))?;
            }
            Ok(())
        })
        .await
    }

    /// Something happened to one of this launcher's containers; ends when the connection does.
    pub async fn events(&self) -> Result<impl Stream<Item = ()> + use<>, HostError> {
        let docker = within(LOOK_WITHIN, self.docker()).await?.clone();
        let mut filters = self.labelled(recipe::LAUNCHER);
        filters.insert("type".into(), vec!["container".into()]);
        // The health checks of an image are events too, several for each container every few seconds.
        let told = ["create", "start", "die", "destroy"];
        filters.insert("event".into(), told.map(str::to_owned).to_vec());
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        let events = docker.events(Some(options));
        let events = events.take_while(|event| future::ready(event.is_ok()));
        Ok(events.map(drop))
    }

    fn labelled(&self, label: &str) -> HashMap<String, Vec<String>> {
        let label = format!("{label}={}", self.kind.prefix);
        HashMap::from([("label".to_owned(), vec![label])])
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, HostError>>,
) -> Result<T, HostError> {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or(Err(HostError::Silent { within: limit }))
}

fn is_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// A container in the launcher's words; None for one that is not there any more.
fn container(found: ContainerInspectResponse) -> Option<Container> {
    let labels = found.config.and_then(|config| config.labels);
    let labels = labels.unwrap_or_default();
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    Some(Container {
        id: ContainerId(found.id?),
        number: label(recipe::PLACE).parse().ok(),
        worker: label(recipe::WORKER).parse().ok(),
        image: Image(found.image.unwrap_or_default()),
        recipe: Recipe(label(recipe::RECIPE)),
        state: state(found.state?),
    })
}

fn state(state: Inspected) -> ContainerState {
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) => ContainerState::Created,
        Some(ContainerStateStatusEnum::REMOVING) => ContainerState::Going,
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) => {
            let at = state.finished_at.unwrap_or_default();
            let started = state.started_at.as_deref().and_then(seconds);
            let ran_s = seconds(&at)
                .zip(started)
                .map_or(0, |(end, start)| end - start);
            ContainerState::Ended(End {
                code: state.exit_code.unwrap_or(0),
                ran: Duration::from_secs(u64::try_from(ran_s).unwrap_or(0)),
                at,
            })
        }
        Some(
            ContainerStateStatusEnum::RUNNING
            | ContainerStateStatusEnum::PAUSED
            | ContainerStateStatusEnum::RESTARTING
            | ContainerStateStatusEnum::STOPPING
            | ContainerStateStatusEnum::EMPTY,
        )
        | None => ContainerState::Running,
    }
}

/// Seconds since 1970 of a time as engines write it: RFC 3339, in UTC, as in `2026-11-22T15:18:34.5Z`.
fn seconds(time: &str) -> Option<i64> {
    let (date, time) = time.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = time
        .get(..8)?
        .splitn(3, ':')
        .map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days from the civil date, counted in years that begin in March (H. Hinnant).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_engines_write_them() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            seconds("2026-11-22T15:18:34.123456789Z"),
            Some(1_795_360_714)
        );
        assert_eq!(seconds("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert!(seconds("0001-01-01T00:00:00Z").is_some_and(|never| never < 0));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn a_container_that_ended_says_how_and_how_long_it_ran() {
        let inspected = Inspected {
            status: Some(ContainerStateStatusEnum::EXITED),
            exit_code: Some(8),
            started_at: Some("2026-11-22T23:59:00.9Z".into()),
            finished_at: Some("2026-11-23T00:09:01.1Z".into()),
            ..Inspected::default()
        };
        let ContainerState::Ended(end) = state(inspected) else {
            panic!("it ended");
        };
        assert_eq!((end.code, end.ran.as_secs()), (8, 601));
    }
}
