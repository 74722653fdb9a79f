//! What happens to a job, as server-sent events.
//!
//! The stream is read from the database: a bell only says that something changed. The id of an event is
//! the job's revision, so a client that reconnects gets exactly what it missed, from any coordinator.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use http::HeaderMap;
use pictor_protocol::job::{FrameProgress, JobState};
use pictor_protocol::problem::Problem;
use pictor_protocol::{JobId, UserId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::jobs::view;
use crate::store;
use crate::store::tasks::Since;

/// Frames that are read at once.
const BATCH: i64 = 500;
/// A job that waits may start to wait for something else without a change of its own.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Live events of a job
///
/// `job`, `frame` and `progress` events with the JSON of [Job], [Frame] and [FrameProgress]. A new
/// stream begins with the job and every frame that is not untouched; one with `Last-Event-ID` with what
/// has changed since. It goes on until the client leaves or the job is deleted.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn events(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let mut tx = app.store.read().await?;
    store::jobs::find_owned(&mut tx, user, id)
        .await?
        .ok_or_else(|| Refused::not_found("job"))?;
    drop(tx);
    // A fresh task has revision 1, so starting behind it leaves the untouched ones out.
    let revision = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok())
        .unwrap_or(1);
    let since = Since {
        revision,
        frame: None,
    };
    let (to, from) = mpsc::channel(64);
    let feed = Feed {
        app: Arc::clone(&app),
        user,
        id,
        since,
        job_sent: None,
        progress_sent: Vec::new(),
        to,
    };
    // Ends when the client leaves (the channel closes) or the coordinator stops.
    app.tasks.spawn(feed.run());
    Ok(Sse::new(ReceiverStream::new(from))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Feed {
    app: Arc<App>,
    user: UserId,
    id: JobId,
    /// Up to where everything was sent.
    since: Since,
    /// Revision, state and reason of the job as last sent.
    job_sent: Option<(i64, JobState, Option<String>)>,
    progress_sent: Vec<FrameProgress>,
    to: mpsc::Sender<std::result::Result<Event, Infallible>>,
}

/// The client or the job is gone.
struct Over;

impl Feed {
    async fn run(mut self) {
        let mut bell = self.app.bells.jobs.listen(self.id);
        loop {
            match self.send_news().await {
                Ok(Ok(())) => {}
                Ok(Err(Over)) => return,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, job.id = %self.id, "event stream failed");
                    return;
                }
            }
            tokio::select! {
                () = bell.heard() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = self.to.closed() => return,
                () = self.app.stopping.cancelled() => return,
            }
        }
    }

    async fn send_news(&mut self) -> store::Result<std::result::Result<(), Over>> {
        loop {
            let mut tx = self.app.store.read().await?;
            let Some(row) = store::jobs::find_owned(&mut tx, self.user, self.id).await? else {
                return Ok(Err(Over));
            };
            let plan = row.plan.0.clone();
            let frames = store::tasks::changed_since(&mut tx, self.id, self.since, BATCH).await?;
            let job = view::job(&mut tx, row, self.app.now_us()).await?;
            drop(tx);

            let more = frames.len() as i64 == BATCH;
            for frame in frames {
                self.since = Since {
                    revision: frame.revision,
                    frame: Some(frame.frame),
                };
                // Its own revision may hold more frames: only the job's event closes it.
                let id = frame.revision - 1;
                if self
                    .send("frame", id, &view::frame(frame, &plan))
                    .await
                    .is_err()
                {
                    return Ok(Err(Over));
                }
            }
            if more {
                continue;
            }
            self.since = Since {
                revision: job.revision,
                frame: None,
            };
            let now = (job.revision, job.state, job.reason.clone());
            if self.job_sent.as_ref() != Some(&now) {
                if self.send("job", job.revision, &job).await.is_err() {
                    return Ok(Err(Over));
                }
                self.job_sent = Some(now);
            }
            return Ok(self.send_progress().await);
        }
    }

    async fn send_progress(&mut self) -> std::result::Result<(), Over> {
        let latest = self.app.progress.of_job(self.id);
        for progress in &latest {
            if !self.progress_sent.contains(progress) {
                self.send("progress", self.since.revision, progress).await?;
            }
        }
        self.progress_sent = latest;
        Ok(())
    }

    async fn send(
        &self,
        name: &str,
        revision: i64,
        data: &impl serde::Serialize,
    ) -> std::result::Result<(), Over> {
        let event = Event::default()
            .event(name)
            .id(revision.to_string())
            .json_data(data);
        let event = event.map_err(|_| Over)?;
        // A client that does not read must not hold up the end.
        tokio::select! {
            sent = self.to.send(Ok(event)) => sent.map_err(|_| Over),
            () = self.app.stopping.cancelled() => Err(Over),
        }
    }
}
