//! Who is online with what, as a mark that changes with it: a page that tells why a job waits looks for reasons again
//! when there may be others. A thousand such pages would otherwise read every worker again and again.

use tokio::sync::Mutex;

use super::schedule;
use crate::app::App;
use crate::campaign::calendar::SECOND_US;
use crate::store::dispatch::OnlineMark;
use crate::store::{self, Result};
use crate::workers::SILENCE_US;

/// For how long a mark is good.
const FRESH_US: i64 = 3 * SECOND_US;

/// Another one after a worker came, went, said hello, was renamed or stopped, or its hours began or ended.
pub type Mark = blake3::Hash;

/// The mark that was made last, and when.
#[derive(Debug, Default)]
pub struct LastMark(Mutex<Option<(i64, Mark)>>);

/// The mark of now, or of a few seconds ago. Ask before reading what it stands for: then that is as new at least.
pub async fn mark(app: &App) -> Result<Mark> {
    let mut last = app.equipped.0.lock().await;
    let now_us = app.now_us();
    if let Some((at_us, mark)) = &*last
        && (0..FRESH_US).contains(&(now_us - at_us))
    {
        return Ok(*mark);
    }
    let mut tx = app.store.read().await?;
    let online = store::dispatch::online_marks(&mut tx, now_us - SILENCE_US).await?;
    let mark = mark_of(&online, now_us);
    *last = Some((now_us, mark));
    Ok(mark)
}

fn mark_of(online: &[OnlineMark], now_us: i64) -> Mark {
    let mut hasher = blake3::Hasher::new();
    for worker in online {
        hasher.update(worker.id.to_string().as_bytes());
        hasher.update(&worker.hello_us.unwrap_or_default().to_le_bytes());
        hasher.update(&(worker.name.len() as u64).to_le_bytes());
        hasher.update(worker.name.as_bytes());
        let hours = worker.schedule.0.as_ref();
        hasher.update(
            &hours
                .and_then(|hours| schedule::opens_us(hours, now_us))
                .map_or([0; 8], i64::to_le_bytes),
        );
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use pictor_protocol::WorkerId;
    use uuid::Uuid;

    use super::*;
    use crate::store::column::MaybeJson;

    #[test]
    fn the_mark_changes_with_whoever_comes_says_hello_or_has_another_name() {
        let of = |id, name: &str, hello_us| OnlineMark {
            id: WorkerId::new(Uuid::from_u128(id)),
            name: name.into(),
            hello_us: Some(hello_us),
            schedule: MaybeJson(None),
        };
        let mark = |online: &[OnlineMark]| mark_of(online, 7);
        let one = mark(&[of(1, "attic", 3)]);
        assert_eq!(
            one,
            mark_of(&[of(1, "attic", 3)], 8),
            "time alone is nothing"
        );
        for others in [
            vec![],
            vec![of(2, "attic", 3)],
            vec![of(1, "cellar", 3)],
            vec![of(1, "attic", 4)],
            vec![of(1, "attic", 3), of(2, "cellar", 3)],
        ] {
            assert_ne!(one, mark(&others), "{others:?}");
        }
    }
}
