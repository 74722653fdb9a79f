-- Who decided what. Rows are only ever added, and each is bound to the one before by its hash: src/audit_log.rs.
CREATE TABLE audit_log (
    number   BIGINT PRIMARY KEY,
    at_us    BIGINT NOT NULL,
    by_whom  TEXT   NOT NULL,
    act      TEXT   NOT NULL,
    -- What it is about, such as person/<id>. No reference: the log outlives everybody in it.
    subject  TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    evidence TEXT   NOT NULL,
    previous TEXT   NOT NULL,
    hash     TEXT   NOT NULL UNIQUE
);
CREATE INDEX audit_log_by_subject ON audit_log (subject, number);

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_not_removed BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- Also against INSERT OR REPLACE, which asks no other trigger.
CREATE TRIGGER audit_log_has_no_gaps BEFORE INSERT ON audit_log
WHEN NEW.number <> 1 + (SELECT COALESCE(MAX(number), 0) FROM audit_log)
    OR NEW.previous <> COALESCE((SELECT hash FROM audit_log ORDER BY number DESC LIMIT 1), '')
BEGIN SELECT RAISE(ABORT, 'the audit log has no gaps'); END;

-- What operators decided on people. No references to users: decisions outlive accounts.
CREATE TABLE decisions (
    id          TEXT   PRIMARY KEY,
    user_id     TEXT   NOT NULL,
    decision    TEXT   NOT NULL CHECK (decision IN ('warn', 'suspend', 'disqualify', 'ban', 'lift')),
    standing    TEXT   NOT NULL CHECK (standing IN ('good', 'warned', 'suspended', 'disqualified', 'banned')),
    -- The campaign whose points were forfeited.
    campaign_id TEXT,
    made_by     TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    evidence    TEXT   NOT NULL,
    at_us       BIGINT NOT NULL
);
CREATE INDEX decisions_by_user ON decisions (user_id, id);

-- Of those who are not in good standing.
CREATE TABLE standings (
    user_id     TEXT   PRIMARY KEY,
    standing    TEXT   NOT NULL CHECK (standing IN ('warned', 'suspended', 'disqualified', 'banned')),
    decision_id TEXT   NOT NULL REFERENCES decisions (id)
);

CREATE TABLE appeals (
    id          TEXT   PRIMARY KEY,
    decision_id TEXT   NOT NULL UNIQUE REFERENCES decisions (id),
    user_id     TEXT   NOT NULL,
    words       TEXT   NOT NULL,
    made_us     BIGINT NOT NULL,
    -- Superseded: another decision was made before it was answered.
    status      TEXT   NOT NULL CHECK (status IN ('open', 'upheld', 'lifted', 'superseded')),
    answer      TEXT,
    answered_by TEXT,
    answered_us BIGINT,
    CHECK ((status = 'open') = (answered_us IS NULL))
);
CREATE INDEX appeals_open ON appeals (id) WHERE status = 'open';

-- What decisions took, so that it can be given back, once.
CREATE TABLE forfeitures (
    decision_id TEXT   NOT NULL REFERENCES decisions (id),
    user_id     TEXT   NOT NULL,
    book        TEXT   NOT NULL,
    -- The hold that it lay in; empty for what was available.
    hold        TEXT   NOT NULL,
    amount      BIGINT NOT NULL CHECK (amount > 0),
    due_us      BIGINT,
    restored_us BIGINT,
    PRIMARY KEY (decision_id, book, hold)
);
CREATE INDEX forfeitures_open ON forfeitures (user_id) WHERE restored_us IS NULL;

-- Keyed hashes of the identities that somebody has signed in with: what is left of them when the account is
-- deleted of somebody who may not come back clean.
CREATE TABLE identity_traces (
    hash    TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (hash, user_id)
);
CREATE INDEX identity_traces_by_user ON identity_traces (user_id);
CREATE TABLE trace_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key TEXT    NOT NULL
);

-- The devices that workers said they have, by the driver's lasting name of each.
CREATE TABLE worker_devices (
    uuid      TEXT   NOT NULL,
    worker_id TEXT   NOT NULL REFERENCES workers (id),
    owner_id  TEXT   NOT NULL,
    first_us  BIGINT NOT NULL,
    last_us   BIGINT NOT NULL,
    PRIMARY KEY (uuid, worker_id)
);
CREATE INDEX worker_devices_by_owner ON worker_devices (owner_id, uuid);
INSERT INTO worker_devices (uuid, worker_id, owner_id, first_us, last_us)
    SELECT DISTINCT json_extract(slot.value, '$.uuid'), workers.id, owner_id, created_us, hello_us
    FROM workers, json_each(workers.hello, '$.slots') AS slot
    WHERE hello IS NOT NULL AND hello_us IS NOT NULL AND json_extract(slot.value, '$.uuid') IS NOT NULL;

-- From when to when a worker had a device: as long as it is heard of and has not said otherwise.
CREATE VIEW device_times AS
    SELECT uuid, worker_id, worker_devices.owner_id, first_us,
        CASE WHEN hello_us = last_us THEN COALESCE(last_seen_us, last_us) ELSE last_us END AS last_us
    FROM worker_devices JOIN workers ON workers.id = worker_id;

-- What looked like cheating, each night: evidence stays when the rows go that it was made of.
CREATE TABLE signals (
    kind     TEXT   NOT NULL,
    -- What tells it from others of its kind.
    about    TEXT   NOT NULL,
    evidence TEXT   NOT NULL,
    first_us BIGINT NOT NULL,
    last_us  BIGINT NOT NULL,
    PRIMARY KEY (kind, about)
);

-- The version of the rules that somebody accepted, and when.
CREATE TABLE rules_acceptances (
    user_id     TEXT   NOT NULL,
    campaign_id TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    hash        TEXT   NOT NULL,
    at_us       BIGINT NOT NULL,
    PRIMARY KEY (user_id, campaign_id, version)
);

-- What an account was called is gone; its id stays for the books.
ALTER TABLE users ADD COLUMN deleted_us BIGINT;
