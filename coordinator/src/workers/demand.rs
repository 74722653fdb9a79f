//! How much the network has to render, and how much there is to render it with.

use pictor_protocol::worker::Demand;

use super::taking_frames;
use crate::store::{Result, Tx, dispatch};

pub async fn now(tx: &mut Tx, now_us: i64) -> Result<Demand> {
    let online = taking_frames(tx, now_us).await?;
    let open = dispatch::open_frames(tx).await?;
    Ok(Demand {
        queued: open.queued as u64,
        leased: open.leased as u64,
        slots_online: online.iter().map(|worker| worker.slots() as u64).sum(),
    })
}
