//! A job's live events, for as long as somebody wants them.
//!
//! The coordinator may be restarted meanwhile: [`follow`] connects again and asks for what changed
//! since the last event, so that its reader misses nothing and learns only that it had to wait.

use futures_util::{Stream, stream};
use pictor_protocol::JobId;
use pictor_protocol::job::{Frame, FrameProgress, Job};
use serde::Serialize;

use super::backoff::Backoff;
use super::sse::{self, Parser};
use super::{Api, ApiError, Chunks};

/// What a job's stream tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    Job { job: Box<Job> },
    Frame { frame: Box<Frame> },
    Progress { progress: FrameProgress },
}

#[derive(Debug)]
pub enum Update {
    Event(JobEvent),
    /// The connection is gone; it is being tried again.
    Lost(ApiError),
}

/// Every event of a job. Ends only after an error that trying again cannot heal.
pub fn follow(api: Api, job: JobId) -> impl Stream<Item = Result<Update, ApiError>> {
    let follower = Follower {
        api,
        job,
        last_event_id: None,
        backoff: Backoff::default(),
        link: Link::New,
    };
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(update) => Some((Ok(update), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Follower {
    api: Api,
    job: JobId,
    last_event_id: Option<String>,
    backoff: Backoff,
    link: Link,
}

enum Link {
    New,
    Lost,
    Up { chunks: Chunks, parser: Parser },
}

impl Follower {
    async fn next(&mut self) -> Result<Update, ApiError> {
        match self.next_event().await {
            Ok(event) => Ok(Update::Event(event)),
            Err(error) if error.is_transient() => {
                self.link = Link::Lost;
                Ok(Update::Lost(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn next_event(&mut self) -> Result<JobEvent, ApiError> {
        if let Link::Lost = self.link {
            self.backoff.wait().await;
        }
        if let Link::New | Link::Lost = self.link {
            let last = self.last_event_id.as_deref();
            let chunks = self.api.event_stream(self.job, last).await?;
            let parser = Parser::default();
            self.link = Link::Up { chunks, parser };
        }
        self.read().await
    }

    /// The next event; only while the link is up.
    async fn read(&mut self) -> Result<JobEvent, ApiError> {
        let Link::Up { chunks, parser } = &mut self.link else {
            return Err(self.api.lost("it is not open"));
        };
        loop {
            while let Some(event) = parser.next_event() {
                // Not the connection alone, an event is a sign of health: a coordinator that dies
                // while it answers would be asked again at once for ever.
                self.backoff.reset();
                let known = decode(&event, &self.api)?;
                self.last_event_id = event.id;
                if let Some(known) = known {
                    return Ok(known);
                }
            }
            // A stream that ends is a coordinator that shuts down.
            let Some(bytes) = chunks.next().await? else {
                return Err(self.api.lost("the stream of events ended"));
            };
            let fed = parser.feed(&bytes);
            fed.map_err(|sse::TooLong| self.api.lost("an event is too long"))?;
        }
    }
}

/// `None` for events that this version does not know.
fn decode(event: &sse::Event, api: &Api) -> Result<Option<JobEvent>, ApiError> {
    let data = event.data.as_bytes();
    let decoded = match event.name.as_str() {
        "job" => serde_json::from_slice(data).map(|job| JobEvent::Job { job }),
        "frame" => serde_json::from_slice(data).map(|frame| JobEvent::Frame { frame }),
        "progress" => serde_json::from_slice(data).map(|progress| JobEvent::Progress { progress }),
        _ => return Ok(None),
    };
    decoded.map(Some).map_err(|source| ApiError::BadAnswer {
        url: api.url().into(),
        source,
    })
}
