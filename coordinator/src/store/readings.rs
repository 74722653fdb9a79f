//! What sensors said, by spans of minutes.

use pictor_protocol::WorkerId;
use sqlx::{FromRow, QueryBuilder};

use super::{Connection, Result, StoreError, Tx};
use crate::telemetry::history::{Place, Readings};

/// So many spans are written with one statement: engines have a limit of parameters.
const AT_ONCE: usize = 100;

/// Writes spans, and adds to those that are there.
pub async fn add(tx: &mut Tx, spans: &[(Place, Readings)]) -> Result<()> {
    const HEAD: &str = "INSERT INTO worker_readings (worker_id, span, slot, utilisation_sum, \
         utilisation_count, power_sum, power_count, temperature_max, memory_max) ";
    const TAIL: &str = " ON CONFLICT (worker_id, span, slot) DO UPDATE SET \
         utilisation_sum = worker_readings.utilisation_sum + excluded.utilisation_sum, \
         utilisation_count = worker_readings.utilisation_count + excluded.utilisation_count, \
         power_sum = worker_readings.power_sum + excluded.power_sum, \
         power_count = worker_readings.power_count + excluded.power_count, \
         temperature_max = CASE WHEN excluded.temperature_max > worker_readings.temperature_max \
             THEN excluded.temperature_max ELSE worker_readings.temperature_max END, \
         memory_max = CASE WHEN excluded.memory_max > worker_readings.memory_max \
             THEN excluded.memory_max ELSE worker_readings.memory_max END";
    for some in spans.chunks(AT_ONCE) {
        match tx.connection().await? {
            Connection::Sqlite(connection) => {
                let mut query = QueryBuilder::new(HEAD);
                query.push_values(some, |mut row, (place, readings)| {
                    row.push_bind(place.worker.to_string())
                        .push_bind(place.span)
                        .push_bind(i64::from(place.slot))
                        .push_bind(readings.utilisation_sum)
                        .push_bind(readings.utilisation_count)
                        .push_bind(readings.power_sum)
                        .push_bind(readings.power_count)
                        .push_bind(readings.temperature_max)
                        .push_bind(readings.memory_max);
                });
                query.push(TAIL);
                let written = query.build().execute(connection).await;
                written.map_err(StoreError::from)?;
            }
        }
    }
    Ok(())
}

#[derive(FromRow)]
struct Row {
    span: i64,
    #[sqlx(try_from = "i64")]
    slot: u16,
    utilisation_sum: i64,
    utilisation_count: i64,
    power_sum: i64,
    power_count: i64,
    temperature_max: i64,
    memory_max: i64,
}

/// A worker's spans from this one on.
pub async fn since(tx: &mut Tx, worker: WorkerId, span: i64) -> Result<Vec<(Place, Readings)>> {
    let rows = fetch_all!(
        tx,
        Row,
        "SELECT span, slot, utilisation_sum, utilisation_count, power_sum, power_count, \
             temperature_max, memory_max \
         FROM worker_readings WHERE worker_id = $1 AND span >= $2 ORDER BY span, slot",
        worker.to_string(),
        span
    )?;
    let part = |row: Row| {
        let place = Place {
            worker,
            span: row.span,
            slot: row.slot,
        };
        let readings = Readings {
            utilisation_sum: row.utilisation_sum,
            utilisation_count: row.utilisation_count,
            power_sum: row.power_sum,
            power_count: row.power_count,
            temperature_max: row.temperature_max,
            memory_max: row.memory_max,
        };
        (place, readings)
    };
    Ok(rows.into_iter().map(part).collect())
}

/// Forgets every span before this one.
pub async fn forget_before(tx: &mut Tx, span: i64) -> Result<u64> {
    execute!(tx, "DELETE FROM worker_readings WHERE span < $1", span)
}
