-- What a job costs its creator: only of jobs that were submitted while there were rules.
CREATE TABLE job_costs (
    job_id         TEXT   PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    -- The rules of its submission: what was agreed on does not change.
    campaign_id    TEXT   NOT NULL,
    rules_version  BIGINT NOT NULL,
    price          BIGINT NOT NULL CHECK (price >= 0),
    -- What a frame was guessed to take the reference machine, until frames were measured.
    guess_ms       BIGINT NOT NULL CHECK (guess_ms > 0),
    spend_cap      BIGINT CHECK (spend_cap >= 0),
    -- Counts the reserves: each is a hold of its own.
    round          BIGINT NOT NULL,
    charged        BIGINT NOT NULL DEFAULT 0 CHECK (charged >= 0),
    charged_frames BIGINT NOT NULL DEFAULT 0,
    -- Rendered by the creator's own workers.
    free_frames    BIGINT NOT NULL DEFAULT 0
);
