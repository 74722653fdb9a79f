-- Points in time are Unix microseconds. JSON is TEXT. Statuses are checked here and typed in store/.

CREATE TABLE users (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    operator   BIGINT NOT NULL CHECK (operator IN (0, 1)),
    created_us BIGINT NOT NULL
);

-- Secrets are kept as BLAKE3 hashes: they are random 256-bit values, so a slow hash would add nothing.
CREATE TABLE sign_in_links (
    hash       TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_us BIGINT NOT NULL,
    used_us    BIGINT
);

CREATE TABLE sessions (
    hash       TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE TABLE access_tokens (
    hash       TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT,
    revoked_us BIGINT
);

CREATE TABLE workers (
    id           TEXT   PRIMARY KEY,
    owner_id     TEXT   NOT NULL REFERENCES users (id),
    name         TEXT   NOT NULL,
    token_hash   TEXT   NOT NULL UNIQUE,
    status       TEXT   NOT NULL CHECK (status IN ('active', 'draining', 'suspended', 'retired')),
    created_us   BIGINT NOT NULL,
    last_seen_us BIGINT,
    instance     TEXT,
    hello_us     BIGINT,
    hello        TEXT,
    -- Out of the hello, as JSON arrays: which series, and what is known of each slot.
    series       TEXT   NOT NULL DEFAULT '[]',
    abilities    TEXT   NOT NULL DEFAULT '[]',
    done         BIGINT NOT NULL DEFAULT 0
);

-- A blob lives while anything refers to it; an upload is a reference that expires.
CREATE TABLE blobs (
    hash       TEXT   PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    stored_us  BIGINT NOT NULL
);

CREATE TABLE blob_refs (
    holder     TEXT   NOT NULL,
    hash       TEXT   NOT NULL REFERENCES blobs (hash),
    expires_us BIGINT,
    PRIMARY KEY (holder, hash)
);
CREATE INDEX blob_refs_by_hash ON blob_refs (hash);

CREATE TABLE scenes (
    id         TEXT   PRIMARY KEY,
    owner_id   TEXT   NOT NULL REFERENCES users (id),
    name       TEXT   NOT NULL,
    size_bytes BIGINT NOT NULL,
    -- BLAKE3 over paths and contents, and the list of the files.
    content    TEXT   NOT NULL,
    manifest   TEXT   NOT NULL,
    facts      TEXT   NOT NULL,
    created_us BIGINT NOT NULL
);
CREATE INDEX scenes_by_owner ON scenes (owner_id, id);

CREATE TABLE jobs (
    id          TEXT   PRIMARY KEY,
    owner_id    TEXT   NOT NULL REFERENCES users (id),
    scene_id    TEXT   NOT NULL REFERENCES scenes (id),
    name        TEXT   NOT NULL,
    priority    BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 100),
    -- What somebody decided, or inspection found; all else is derived from the tasks.
    intent      TEXT   NOT NULL CHECK (intent IN ('run', 'paused', 'cancelled', 'attention')),
    reason      TEXT,
    frames      TEXT   NOT NULL,
    settings    TEXT   NOT NULL,
    plan        TEXT   NOT NULL,
    blender     TEXT   NOT NULL,
    file_series TEXT   NOT NULL,
    runtime     TEXT,
    -- Kept beside the tasks by the same transactions, so that no request counts rows.
    total       BIGINT NOT NULL,
    queued      BIGINT NOT NULL CHECK (queued >= 0),
    leased      BIGINT NOT NULL CHECK (leased >= 0),
    done        BIGINT NOT NULL CHECK (done >= 0),
    failed      BIGINT NOT NULL CHECK (failed >= 0),
    cancelled   BIGINT NOT NULL CHECK (cancelled >= 0),
    render_ms   BIGINT NOT NULL DEFAULT 0,
    -- Done frames of slots whose score is known, and the time that the reference machine would have taken.
    scored       BIGINT NOT NULL DEFAULT 0,
    reference_ms BIGINT NOT NULL DEFAULT 0,
    created_us  BIGINT NOT NULL,
    started_us  BIGINT,
    finished_us BIGINT,
    revision    BIGINT NOT NULL,
    CHECK (queued + leased + done + failed + cancelled = total)
);
CREATE INDEX jobs_by_owner ON jobs (owner_id, id);
CREATE INDEX jobs_open ON jobs (id) WHERE intent = 'run' AND queued + leased > 0;

CREATE TABLE tasks (
    id           TEXT   PRIMARY KEY,
    job_id       TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    frame        BIGINT NOT NULL,
    status       TEXT   NOT NULL CHECK (status IN ('queued', 'leased', 'done', 'failed', 'cancelled')),
    attempt      BIGINT NOT NULL DEFAULT 0,
    failures     BIGINT NOT NULL DEFAULT 0,
    blanks       BIGINT NOT NULL DEFAULT 0,
    worker_id    TEXT   REFERENCES workers (id),
    started_us   BIGINT,
    finished_us  BIGINT,
    render_ms    BIGINT,
    error        TEXT,
    output       TEXT,
    output_bytes BIGINT,
    thumbnail    TEXT,
    blank        BIGINT,
    revision     BIGINT NOT NULL,
    UNIQUE (job_id, frame)
);
CREATE INDEX tasks_by_status ON tasks (job_id, status, frame);
CREATE INDEX tasks_by_revision ON tasks (job_id, revision);

CREATE TABLE attempts (
    task_id     TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt     BIGINT NOT NULL,
    job_id      TEXT   NOT NULL,
    lease_id    TEXT   NOT NULL,
    worker_id   TEXT   NOT NULL REFERENCES workers (id),
    slot        BIGINT NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN
                    ('leased', 'stopping', 'done', 'failed', 'rejected', 'returned', 'lost', 'stopped')),
    leased_us   BIGINT NOT NULL,
    deadline_us BIGINT NOT NULL,
    finished_us BIGINT,
    output      TEXT,
    message     TEXT,
    PRIMARY KEY (task_id, attempt)
);
CREATE INDEX attempts_live ON attempts (worker_id, status) WHERE status IN ('leased', 'stopping');
CREATE INDEX attempts_live_by_job ON attempts (job_id, worker_id, slot) WHERE status IN ('leased', 'stopping');
CREATE INDEX attempts_deadline ON attempts (deadline_us) WHERE status IN ('leased', 'stopping');

-- How each worker does on each job: sizes its leases, and says whom to avoid.
CREATE TABLE job_workers (
    job_id    TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    worker_id TEXT   NOT NULL REFERENCES workers (id),
    done      BIGINT NOT NULL DEFAULT 0,
    failed    BIGINT NOT NULL DEFAULT 0,
    render_ms BIGINT NOT NULL DEFAULT 0,
    -- The scene itself was at fault, says this worker.
    faulted   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, worker_id)
);

CREATE TABLE logs (
    task_id TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    at_byte BIGINT NOT NULL,
    text    TEXT   NOT NULL,
    PRIMARY KEY (task_id, attempt, at_byte)
);
