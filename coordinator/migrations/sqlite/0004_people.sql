-- What people chose to be; operators are appointed in `users`.
CREATE TABLE roles (
    user_id  TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role     TEXT   NOT NULL CHECK (role IN ('creator', 'worker-owner', 'community-member')),
    since_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, role)
);
-- Whoever did something before there was a choice has chosen.
INSERT INTO roles (user_id, role, since_us)
    SELECT user_id, 'creator', MIN(at_us) FROM (
        SELECT user_id, created_us AS at_us FROM access_tokens WHERE scopes LIKE '%"jobs"%'
        UNION ALL SELECT owner_id, created_us FROM scenes) AS did GROUP BY user_id;
INSERT INTO roles (user_id, role, since_us)
    SELECT user_id, 'worker-owner', MIN(at_us) FROM (
        SELECT user_id, created_us AS at_us FROM access_tokens WHERE scopes LIKE '%"workers"%'
        UNION ALL SELECT owner_id, created_us FROM workers) AS did GROUP BY user_id;

-- The name as it is sorted and searched by: in lower case.
ALTER TABLE workers ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE workers SET name_key = LOWER(name);
-- Who decided on the status, when, and why.
ALTER TABLE workers ADD COLUMN decided_us BIGINT;
ALTER TABLE workers ADD COLUMN decided_by TEXT REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE workers ADD COLUMN decided_why TEXT;
-- A hello that was refused since the last good one, because the software was too old: when, and its version.
ALTER TABLE workers ADD COLUMN turned_away_us BIGINT;
ALTER TABLE workers ADD COLUMN turned_away_version TEXT;
CREATE INDEX workers_by_owner ON workers (owner_id, id);

-- How much of each hour, in hours since 1970, a worker was heard of.
CREATE TABLE worker_hours (
    worker_id TEXT   NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    hour      BIGINT NOT NULL,
    seen_us   BIGINT NOT NULL CHECK (seen_us >= 0),
    PRIMARY KEY (worker_id, hour)
);
CREATE INDEX worker_hours_by_hour ON worker_hours (hour);

-- What an accepted attempt took, for its worker's owner.
ALTER TABLE attempts ADD COLUMN render_ms BIGINT;
ALTER TABLE attempts ADD COLUMN energy_millijoules BIGINT;
CREATE INDEX attempts_by_worker ON attempts (worker_id, leased_us, task_id, attempt);
