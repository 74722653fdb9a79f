-- The hours of the week in which a worker takes frames, as JSON; all of them, when unset.
ALTER TABLE workers ADD COLUMN schedule TEXT;

-- What the sensors of a worker's GPUs said, put together by spans of five minutes since 1970.
CREATE TABLE worker_readings (
    worker_id         TEXT   NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    span              BIGINT NOT NULL,
    slot              BIGINT NOT NULL,
    -- Sums, and of how many readings: a mean can be made of them, and they can be added to.
    utilisation_sum   BIGINT NOT NULL,
    utilisation_count BIGINT NOT NULL,
    power_sum         BIGINT NOT NULL,
    power_count       BIGINT NOT NULL,
    -- 0 where nothing was read.
    temperature_max   BIGINT NOT NULL,
    memory_max        BIGINT NOT NULL,
    PRIMARY KEY (worker_id, span, slot)
) WITHOUT ROWID;
CREATE INDEX worker_readings_by_span ON worker_readings (span);

-- By whose work points were earned that wait in a hold, or waited.
ALTER TABLE ledger_holds ADD COLUMN worker_id TEXT;
UPDATE ledger_holds SET worker_id = substr(key, 8, 36) WHERE key LIKE 'online/%';
UPDATE ledger_holds SET worker_id = (
    SELECT attempts.worker_id FROM attempts
    WHERE task_id = substr(key, 8, 36) AND attempt = CAST(substr(key, 45) AS INTEGER))
WHERE key LIKE 'render/%';
CREATE INDEX ledger_holds_by_worker ON ledger_holds (worker_id, created_us, key) WHERE worker_id IS NOT NULL;
CREATE INDEX ledger_holds_open_by_worker ON ledger_holds (worker_id, amount, settled, returned)
    WHERE status = 'held' AND worker_id IS NOT NULL;
CREATE INDEX ledger_holds_returned_by_worker ON ledger_holds (worker_id, created_us, returned)
    WHERE returned > 0 AND worker_id IS NOT NULL;

-- What a worker earned in an hour, in micros. The ledger says it too; this says it at once.
CREATE TABLE worker_earnings (
    worker_id TEXT   NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    -- Hours since 1970, UTC.
    hour      BIGINT NOT NULL,
    amount    BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (worker_id, hour)
) WITHOUT ROWID;
INSERT INTO worker_earnings (worker_id, hour, amount)
    SELECT worker_id, created_us / 3600000000, SUM(amount) FROM ledger_holds
    WHERE worker_id IN (SELECT id FROM workers) AND amount > 0 GROUP BY worker_id, created_us / 3600000000;

-- Frames that were accepted in an hour since 1970. They stay when their jobs go.
CREATE TABLE network_hours (
    hour   BIGINT PRIMARY KEY,
    frames BIGINT NOT NULL CHECK (frames > 0)
);
INSERT INTO network_hours (hour, frames)
    SELECT finished_us / 3600000000, COUNT(*) FROM attempts
    WHERE status = 'done' AND finished_us IS NOT NULL GROUP BY finished_us / 3600000000;

-- When frames were handed out for the first time: how long they waited.
CREATE INDEX attempts_first ON attempts (leased_us) WHERE attempt = 1;
