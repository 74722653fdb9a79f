-- One check-in a day and person. The exact moment is kept: check-ins like clockwork are none of a person.
CREATE TABLE check_ins (
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Days since 1970, UTC.
    day     BIGINT NOT NULL,
    at_us   BIGINT NOT NULL,
    -- Days in a row, this one included.
    streak  BIGINT NOT NULL CHECK (streak >= 1),
    PRIMARY KEY (user_id, day)
);

-- How far people have come with quests: one row for each person and quest of a campaign, whatever versions of
-- its rules say.
CREATE TABLE quest_claims (
    id          TEXT   PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    campaign_id TEXT   NOT NULL REFERENCES campaigns (id),
    quest       TEXT   NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('opened', 'waiting', 'refused', 'done')),
    -- Of the nonce that a link was opened with.
    nonce_hash  TEXT,
    opened_us   BIGINT,
    note        TEXT,
    claimed_us  BIGINT,
    decided_us  BIGINT,
    -- The operator. No reference: what was decided outlives whoever decided it.
    decided_by  TEXT,
    reason      TEXT,
    UNIQUE (user_id, campaign_id, quest),
    CHECK (status <> 'opened' OR (nonce_hash IS NOT NULL AND opened_us IS NOT NULL)),
    CHECK (status NOT IN ('waiting', 'refused') OR claimed_us IS NOT NULL),
    CHECK (status <> 'refused' OR (decided_by IS NOT NULL AND reason IS NOT NULL))
);
CREATE INDEX quest_claims_waiting ON quest_claims (claimed_us, id) WHERE status = 'waiting';

-- What other services told of, each event once.
CREATE TABLE quest_events (
    quest   TEXT   NOT NULL,
    event   TEXT   NOT NULL,
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at_us   BIGINT NOT NULL,
    PRIMARY KEY (quest, event)
);

CREATE TABLE referral_codes (
    user_id TEXT   PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code    TEXT   NOT NULL UNIQUE,
    made_us BIGINT NOT NULL
);

-- Who brought whom: a forest, because nobody is brought by two, or by somebody whom they brought.
CREATE TABLE referrals (
    user_id     TEXT   PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    referrer_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at_us       BIGINT NOT NULL,
    CHECK (user_id <> referrer_id)
);
CREATE INDEX referrals_by_referrer ON referrals (referrer_id);

-- What referrals earned somebody in a week of a campaign. The ledger says it too; this says it at once.
CREATE TABLE referral_weeks (
    user_id     TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    campaign_id TEXT   NOT NULL REFERENCES campaigns (id),
    -- Weeks since Monday, 29 December 1969, UTC.
    week        BIGINT NOT NULL,
    earned      BIGINT NOT NULL CHECK (earned > 0),
    PRIMARY KEY (user_id, campaign_id, week)
);

-- Slots that gave a proof of their presence in an hour, counted since 1970. It stays when the job goes by which it
-- was given.
CREATE TABLE presence_proofs (
    hour      BIGINT NOT NULL,
    worker_id TEXT   NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    slot      BIGINT NOT NULL,
    PRIMARY KEY (hour, worker_id, slot)
);

-- Hours of which every worker's presence was judged.
CREATE TABLE judged_hours (
    hour      BIGINT PRIMARY KEY,
    judged_us BIGINT NOT NULL
);
