//! The live events of a job, read one after the other.

use std::time::Instant;

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use pictor_protocol::JobId;

use super::PATIENCE;
use super::client::Client;

pub struct Events {
    body: Incoming,
    text: String,
}

#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: serde_json::Value,
}

impl Events {
    pub async fn open(creator: &Client, job: JobId, last: Option<&str>) -> Self {
        let path = format!("/api/v1/jobs/{job}/events");
        let headers: Vec<_> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        let answer = creator.open(Method::GET, &path, &headers, Vec::new()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Self {
            body: answer.into_body(),
            text: String::new(),
        }
    }

    pub async fn next(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    block
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                let (name, id, data) = (field("event:"), field("id:"), field("data:"));
                self.text = rest.to_owned();
                if !name.is_empty() {
                    return Event {
                        name,
                        id,
                        data: serde_json::from_str(&data).unwrap(),
                    };
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame())
                .await
                .expect("an event in time");
            let bytes = frame
                .expect("the stream goes on")
                .unwrap()
                .into_data()
                .unwrap();
            self.text += std::str::from_utf8(&bytes).unwrap();
        }
    }

    /// The next event of that name with such data.
    pub async fn find(&mut self, name: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> Event {
        let began = Instant::now();
        loop {
            let event = self.next().await;
            if event.name == name && wanted(&event.data) {
                return event;
            }
            assert!(began.elapsed() < PATIENCE);
        }
    }
}
