-- Workers whose software answers presence challenges.
ALTER TABLE workers ADD COLUMN answers_challenges BIGINT NOT NULL DEFAULT 0;

-- Slots that were asked together, for the same stage at the same moment: src/presence.rs.
CREATE TABLE challenge_rounds (
    id        TEXT   PRIMARY KEY,
    -- The hour that it proves, counted since 1970.
    hour      BIGINT NOT NULL,
    -- What is rendered follows from it.
    seed      TEXT   NOT NULL,
    asked_us  BIGINT NOT NULL,
    -- What to render is told from then on, and answers are taken until then.
    opens_us  BIGINT NOT NULL,
    closes_us BIGINT NOT NULL,
    judged_us BIGINT,
    CHECK (asked_us <= opens_us AND opens_us < closes_us)
);
CREATE INDEX challenge_rounds_open ON challenge_rounds (closes_us) WHERE judged_us IS NULL;
CREATE INDEX challenge_rounds_by_hour ON challenge_rounds (hour);

CREATE TABLE challenges (
    id          TEXT   PRIMARY KEY,
    round_id    TEXT   NOT NULL REFERENCES challenge_rounds (id) ON DELETE CASCADE,
    worker_id   TEXT   NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    slot        BIGINT NOT NULL,
    hour        BIGINT NOT NULL,
    -- The score that is to be borne out, in millionths, and the samples that it is tried with.
    score       BIGINT NOT NULL CHECK (score > 0),
    samples     BIGINT NOT NULL CHECK (samples > 0),
    status      TEXT   NOT NULL CHECK (status IN ('open', 'answered', 'passed', 'missed', 'no-picture',
                    'other-stage', 'blank', 'repeated', 'copied', 'differs')),
    begun_us    BIGINT,
    answered_us BIGINT,
    -- Hash of the picture: the same once more gets the first answer again.
    picture     TEXT,
    -- Of the lit part: its tiles, and the hash of its pixels.
    tiles       TEXT,
    print       TEXT,
    -- With how many other answers it was compared.
    compared    BIGINT,
    -- The score that it bore out, in millionths.
    borne_out   BIGINT,
    CHECK (status = 'open' OR status = 'missed' OR (answered_us IS NOT NULL AND picture IS NOT NULL)),
    CHECK ((status = 'passed') = (borne_out IS NOT NULL))
);
CREATE INDEX challenges_by_round ON challenges (round_id);
CREATE INDEX challenges_by_worker ON challenges (worker_id, hour);
-- Two coordinators that ask at once ask once.
CREATE UNIQUE INDEX challenges_open ON challenges (worker_id) WHERE status IN ('open', 'answered');

-- The score that a challenge bore out, in millionths; none where an accepted frame is the proof, which is worth the
-- slot's whole score.
ALTER TABLE presence_proofs ADD COLUMN borne_out BIGINT;

-- Secrets, by their hashes, with which people are heard who may not sign in: src/fair_play/hearing.rs. No reference
-- to users: decisions outlive accounts.
CREATE TABLE hearings (
    user_id    TEXT   PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE,
    expires_us BIGINT NOT NULL
);
