//! Parts of a page that change while one looks: a stream of server-sent events with their HTML.
//!
//! Whoever is woken renders the parts anew, and only those are sent that look different from what was sent
//! last. `static/app.js` puts each in the place of the element with its id. A connection costs its task, its
//! channel and a hash for every part; a page that nothing happens to costs nothing but that.

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
    /// Its parts: each one element, with an id.
    Parts(Vec<String>),
    /// As it was looked at last: cheaper to say than to render.
    Same,
    /// It will not change any more, or is gone.
    Over,
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
        let mut sent: Vec<blake3::Hash> = Vec::new();
        loop {
            match look().await {
                Ok(Look::Parts(parts)) => {
                    let (news, hashes) = news(&parts, &sent);
                    sent = hashes;
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

/// The parts that look different than before, one after the other, and how all of them look now.
fn news(parts: &[String], sent: &[blake3::Hash]) -> (String, Vec<blake3::Hash>) {
    let hashes: Vec<_> = parts
        .iter()
        .map(|part| blake3::hash(part.as_bytes()))
        .collect();
    let is_new = |(at, _): &(usize, &String)| sent.get(*at) != Some(&hashes[*at]);
    let news = parts.iter().enumerate().filter(is_new);
    let news = news.map(|(_, part)| part.as_str()).collect();
    (news, hashes)
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
        let of = |texts: [&str; 2]| texts.map(String::from);
        let (first, sent) = news(&of(["<p id=a>1</p>", "<p id=b>1</p>"]), &[]);
        assert_eq!(first, "<p id=a>1</p><p id=b>1</p>");
        let (second, sent) = news(&of(["<p id=a>1</p>", "<p id=b>2</p>"]), &sent);
        assert_eq!(second, "<p id=b>2</p>");
        assert_eq!(news(&of(["<p id=a>1</p>", "<p id=b>2</p>"]), &sent).0, "");
    }
}
