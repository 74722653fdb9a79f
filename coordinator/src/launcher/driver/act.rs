//! One action, done.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::launcher::coordinator::{CallError, Coordinator};
use crate::launcher::hosts::{DockerHost, HostError};
use crate::launcher::model::{Action, Image};
use crate::launcher::recipe::Making;

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("the worker could not be enrolled")]
    Enrol(#[source] CallError),
    #[error("the worker could not be retired")]
    Retire(#[source] CallError),
    #[error(transparent)]
    Host(#[from] HostError),
    /// The place went while it was decided to use it.
    #[error("the host is not ready")]
    NotReady,
}

/// The host that an action is about, and its places.
pub(super) type AtHost = Option<(Arc<DockerHost>, Option<BTreeMap<u16, Making>>)>;

pub(super) async fn act(
    action: &Action,
    at: AtHost,
    coordinator: &Coordinator,
) -> Result<(), ActError> {
    if let Action::Retire { worker } = action {
        return coordinator.retire(*worker).await.map_err(ActError::Retire);
    }
    let (host, places) = at.ok_or(ActError::NotReady)?;
    match action {
        Action::Create { place, image } => {
            let places = places.unwrap_or_default();
            let making = places.get(&place.number).ok_or(ActError::NotReady)?;
            create(&host, making, image, coordinator).await
        }
        Action::Start { container, .. } => Ok(host.start(container).await?),
        Action::Drain {
            container, worker, ..
        } => {
            if let Some(worker) = worker
                && let Err(error) = coordinator.drain(*worker).await
            {
                // The worker tells the coordinator itself once it has the signal.
                tracing::debug!(%error, "the coordinator was not told of a drain");
            }
            Ok(host.signal(container, "SIGTERM").await?)
        }
        Action::Kill { container, .. } => Ok(host.signal(container, "SIGKILL").await?),
        Action::Remove { container, .. } => Ok(host.remove(container).await?),
        Action::Retire { .. } => Ok(()),
    }
}

/// Every container has a worker of its own, from its making to its end. So nothing has to remember a token,
/// a token that leaks from a container ends with it, a new container is online only when it is really
/// there, and a worker whose config is refused is cured like one whose GPU is lost.
async fn create(
    host: &DockerHost,
    making: &Making,
    image: &Image,
    coordinator: &Coordinator,
) -> Result<(), ActError> {
    let name = host.worker_name(making.number).ok_or(ActError::NotReady)?;
    let config = coordinator.enrol(&name).await.map_err(ActError::Enrol)?;
    let worker = config.worker_id;
    let created = host.create(making, image, &making.complete(config)).await;
    if created.is_err()
        && let Err(error) = coordinator.retire(worker).await
    {
        // It is found later by its name.
        tracing::debug!(%worker, %error, "a worker without a container is not retired yet");
    }
    Ok(created?)
}
