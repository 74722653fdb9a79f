-- Attempts whose pictures were sent back are an end of their own, and every accepted picture stays with its
-- attempt. SQLite changes no CHECK in place.
CREATE TABLE attempts_reviewed (
    task_id            TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt            BIGINT NOT NULL,
    job_id             TEXT   NOT NULL,
    lease_id           TEXT   NOT NULL,
    worker_id          TEXT   NOT NULL REFERENCES workers (id),
    slot               BIGINT NOT NULL,
    status             TEXT   NOT NULL CHECK (status IN
                           ('leased', 'stopping', 'done', 'failed', 'rejected', 'returned', 'lost', 'stopped',
                            'sent_back')),
    leased_us          BIGINT NOT NULL,
    deadline_us        BIGINT NOT NULL,
    finished_us        BIGINT,
    output             TEXT,
    message            TEXT,
    render_ms          BIGINT,
    energy_millijoules BIGINT,
    -- What the reference machine would have taken, where the slot's score was known.
    reference_ms       BIGINT,
    output_bytes       BIGINT,
    thumbnail          TEXT,
    PRIMARY KEY (task_id, attempt)
);
INSERT INTO attempts_reviewed (task_id, attempt, job_id, lease_id, worker_id, slot, status, leased_us,
        deadline_us, finished_us, output, message, render_ms, energy_millijoules, output_bytes, thumbnail)
    SELECT attempts.task_id, attempts.attempt, attempts.job_id, attempts.lease_id, attempts.worker_id, attempts.slot,
        attempts.status, attempts.leased_us, attempts.deadline_us, attempts.finished_us, attempts.output,
        attempts.message, attempts.render_ms, attempts.energy_millijoules,
        CASE WHEN attempts.status = 'done' THEN tasks.output_bytes END,
        CASE WHEN attempts.status = 'done' THEN tasks.thumbnail END
    FROM attempts JOIN tasks ON tasks.id = attempts.task_id;
DROP TABLE attempts;
ALTER TABLE attempts_reviewed RENAME TO attempts;
CREATE INDEX attempts_live ON attempts (worker_id, status) WHERE status IN ('leased', 'stopping');
CREATE INDEX attempts_live_by_job ON attempts (job_id, worker_id, slot) WHERE status IN ('leased', 'stopping');
CREATE INDEX attempts_deadline ON attempts (deadline_us) WHERE status IN ('leased', 'stopping');
CREATE INDEX attempts_by_worker ON attempts (worker_id, leased_us, task_id, attempt);

-- What the creator said of the picture that is there, or of the one that has to be made again.
ALTER TABLE tasks ADD COLUMN review TEXT CHECK (review IN ('approved', 'sent_back'));
ALTER TABLE tasks ADD COLUMN review_reason TEXT;
ALTER TABLE tasks ADD COLUMN reviewed_us BIGINT;
ALTER TABLE tasks ADD COLUMN times_sent_back BIGINT NOT NULL DEFAULT 0;

-- Pictures of other people's workers that were sent back, and who does not get that frame again therefore.
CREATE TABLE send_backs (
    task_id   TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt   BIGINT NOT NULL,
    job_id    TEXT   NOT NULL,
    worker_id TEXT   NOT NULL REFERENCES workers (id),
    at_us     BIGINT NOT NULL,
    -- Credits that its creator was charged for it, in millionths.
    charged   BIGINT NOT NULL,
    -- When the points for it would have settled; NULL if none wait.
    due_us    BIGINT,
    outcome   TEXT   NOT NULL CHECK (outcome IN ('open', 'replaced', 'same', 'own', 'settled')),
    PRIMARY KEY (task_id, attempt)
);
CREATE INDEX send_backs_by_worker ON send_backs (worker_id, job_id);
CREATE INDEX send_backs_by_job ON send_backs (job_id);

-- How many rewards for the whole job went back because frames of it did: the next one is another.
ALTER TABLE job_costs ADD COLUMN rewards_void BIGINT NOT NULL DEFAULT 0;

-- The name as it is searched by: in lower case.
ALTER TABLE jobs ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE jobs SET name_key = LOWER(name);
