-- A time in which points are earned. Its state follows from the dates.
CREATE TABLE campaigns (
    id         TEXT   PRIMARY KEY,
    slug       TEXT   NOT NULL UNIQUE,
    opens_us   BIGINT NOT NULL,
    starts_us  BIGINT NOT NULL,
    closes_us  BIGINT NOT NULL,
    -- When an operator closed it before its date.
    closed_us  BIGINT,
    -- No reference: what was decided outlives whoever decided it.
    made_by    TEXT   NOT NULL,
    made_us    BIGINT NOT NULL,
    CHECK (opens_us <= starts_us AND starts_us < closes_us AND closed_us < closes_us)
);
CREATE INDEX campaigns_by_opening ON campaigns (opens_us);

-- Rules are only ever added: what was judged by a version can be explained by it for ever.
CREATE TABLE rules_versions (
    campaign_id  TEXT   NOT NULL REFERENCES campaigns (id),
    version      BIGINT NOT NULL CHECK (version >= 1),
    effective_us BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    hash         TEXT   NOT NULL,
    made_by      TEXT   NOT NULL,
    made_us      BIGINT NOT NULL CHECK (made_us <= effective_us),
    PRIMARY KEY (campaign_id, version)
);

CREATE TRIGGER rules_versions_are_not_changed BEFORE UPDATE ON rules_versions
BEGIN
    SELECT RAISE(ABORT, 'rules are only ever added');
END;

CREATE TRIGGER rules_versions_are_not_removed BEFORE DELETE ON rules_versions
BEGIN
    SELECT RAISE(ABORT, 'rules are only ever added');
END;

-- Also against INSERT OR REPLACE, which asks no other trigger.
CREATE TRIGGER rules_versions_follow_each_other BEFORE INSERT ON rules_versions
WHEN EXISTS (SELECT 1 FROM rules_versions AS earlier
             WHERE earlier.campaign_id = NEW.campaign_id
               AND (earlier.version >= NEW.version OR earlier.effective_us > NEW.effective_us))
BEGIN
    SELECT RAISE(ABORT, 'rules do not change the past');
END;
