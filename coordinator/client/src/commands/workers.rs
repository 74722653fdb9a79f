//! `pictor workers`

use pictor_protocol::worker::Worker;

use crate::api::Api;
use crate::failure::Failure;
use crate::ui::{Table, Ui, words};

pub async fn workers(api: &Api, ui: &Ui) -> Result<(), Failure> {
    let list = api.workers().await?;
    ui.answer(&list, || {
        if list.workers.is_empty() {
            "no workers".into()
        } else {
            table(&list.workers).to_string()
        }
    })
}

fn table(workers: &[Worker]) -> Table {
    let now = words::now_ms();
    let mut table = Table::new(&[
        "NAME", "STATE", "SEEN", "RENDERS", "DONE", "BLENDER", "SLOTS", "WHY",
    ]);
    for worker in workers {
        let runtimes = worker.runtimes.iter().map(|one| one.series.to_string());
        let slots = worker.slots.iter().map(|slot| slot.name.clone());
        table.row([
            worker.name.clone(),
            words::worker_state(worker).into(),
            worker
                .last_seen_ms
                .map_or_else(|| "never".into(), |then| words::ago(then, now)),
            worker.leased.to_string(),
            worker.done.to_string(),
            runtimes.collect::<Vec<_>>().join(" "),
            slots.collect::<Vec<_>>().join(", "),
            worker
                .status
                .as_ref()
                .map_or_else(String::new, |status| status.reason.clone()),
        ]);
    }
    table
}
