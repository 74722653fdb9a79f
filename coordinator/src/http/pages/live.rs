//! Parts of a page that change while one looks: a stream of server-sent events with their HTML.
//!
//! Whoever is woken renders the parts anew, and only those are sent that look different from what was sent
//! last. `static/app.js` puts each in the place of the element with its id. A connection costs its task, its
//! channel and a hash for every part, which those share who see the same; a page that nothing happens to costs
//! nothing but that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::bells::Ear;
use crate::http::problem::Result;

/// Proxies close what says nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// What a page looks like now.
pub enum Look {
    Parts(Arc<Parts>),
    /// As it was looked at last: cheaper to say than to render.
    Same,
    /// It will not change any more, or is gone.
    Over,
}

impl Look {
    /// Of parts that nobody else sees.
    pub fn of(html: Vec<String>) -> Self {
        Self::Parts(Arc::new(Parts::from(html)))
    }
}

/// The parts of a page that change: each one element, with an id.
#[derive(Debug)]
pub struct Parts {
    pub html: Vec<String>,
    hashes: Arc<[blake3::Hash]>,
}

impl From<Vec<String>> for Parts {
    fn from(html: Vec<String>) -> Self {
        let hashes = html.iter().map(|part| blake3::hash(part.as_bytes()));
        Self {
            hashes: hashes.collect(),
            html,
        }
    }
}

impl Parts {
    /// Those that look different than what was sent, one after the other.
    fn news(&self, sent: &Arc<[blake3::Hash]>) -> String {
        if Arc::ptr_eq(&self.hashes, sent) {
            return String::new();
        }
        let is_new = |(at, _): &(usize, &String)| sent.get(*at) != self.hashes.get(*at);
        let news = self.html.iter().enumerate().filter(is_new);
        news.map(|(_, part)| part.as_str()).collect()
    }
}

/// When to look again.
pub struct Watch {
    /// Rings when something may have changed.
    pub ear: Option<Ear>,
    /// What does not ring is looked at this often.
    pub every: Option<Duration>,
}

/// Streams what changes. `look` is called at once, and whenever the watch says so.
pub fn stream<L, F>(app: &Arc<App>, mut watch: Watch, mut look: L) -> Response
where
    L: FnMut() -> F + Send + 'static,
    F: Future<Output = Result<Look>> + Send,
{
    let (to, from) = mpsc::channel(4);
    let stopping = app.stopping.clone();
    let told = async move {
        let mut sent: Arc<[blake3::Hash]> = Arc::default();
        loop {
            match look().await {
                Ok(Look::Parts(parts)) => {
                    let news = parts.news(&sent);
                    sent = Arc::clone(&parts.hashes);
                    drop(parts);
                    if !news.is_empty() && send(&to, "part", &news).await.is_err() {
                        return;
                    }
                }
                Ok(Look::Same) => {}
                // Refused now, or a fault that was logged: the page stays as it is.
                Ok(Look::Over) | Err(_) => {
                    let _ = send(&to, "over", "").await;
                    return;
                }
            }
            tokio::select! {
                () = again(&mut watch) => {}
                () = to.closed() => return,
            }
        }
    };
    // Wherever it waits, and be it for a browser that does not read.
    app.tasks
        .spawn(async move { stopping.run_until_cancelled(told).await });
    Sse::new(ReceiverStream::new(from))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

async fn again(watch: &mut Watch) {
    let heard = async {
        match &mut watch.ear {
            Some(ear) => ear.heard().await,
            None => std::future::pending().await,
        }
    };
    let time = async {
        match watch.every {
            Some(every) => tokio::time::sleep(every).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = heard => {}
        () = time => {}
    }
}

async fn send(
    to: &mpsc::Sender<std::result::Result<Event, Infallible>>,
    name: &str,
    html: &str,
) -> std::result::Result<(), ()> {
    // A carriage return would end a field of an event, and no page needs one.
    let event = Event::default().event(name).data(html.replace('\r', ""));
    to.send(Ok(event)).await.map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_different_is_sent() {
        let of = |texts: [&str; 2]| Parts::from(texts.map(String::from).to_vec());
        let first = of(["<p id=a>1</p>", "<p id=b>1</p>"]);
        let second = of(["<p id=a>1</p>", "<p id=b>2</p>"]);
        assert_eq!(first.news(&Arc::default()), first.html.concat());
        assert_eq!(second.news(&first.hashes), "<p id=b>2</p>");
        assert_eq!(second.news(&second.hashes), "");
        let again = of(["<p id=a>1</p>", "<p id=b>2</p>"]);
        assert_eq!(again.news(&second.hashes), "");
    }
}
