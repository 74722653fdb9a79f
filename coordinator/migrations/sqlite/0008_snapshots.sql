-- What everybody sees of a person, by the person's choice; the name in `name` may be made of a wallet's address.
-- The key is the name as it is compared and searched by.
ALTER TABLE users ADD COLUMN public_name TEXT;
ALTER TABLE users ADD COLUMN public_name_key TEXT;
CREATE UNIQUE INDEX users_by_public_name ON users (public_name_key) WHERE public_name_key IS NOT NULL;

-- Whose points still wait.
CREATE INDEX ledger_holds_open ON ledger_holds (book, owner) WHERE status = 'held';

-- What decides about a campaign's prizes: taken once, signed, never changed.
CREATE TABLE campaign_snapshots (
    campaign_id TEXT   PRIMARY KEY REFERENCES campaigns (id),
    taken_us    BIGINT NOT NULL,
    -- The operator who decided not to wait for what was not settled; nobody, if nothing waited. No reference:
    -- what was decided outlives whoever decided it.
    taken_by    TEXT,
    -- The last entry of the campaign's book that counts.
    last_entry  BIGINT NOT NULL,
    people      BIGINT NOT NULL,
    text        TEXT   NOT NULL,
    sha256      TEXT   NOT NULL,
    signature   TEXT   NOT NULL,
    public_key  TEXT   NOT NULL
);

-- Who is behind the ranks of a snapshot that get something.
CREATE TABLE campaign_winners (
    campaign_id TEXT   NOT NULL REFERENCES campaign_snapshots (campaign_id),
    rank        BIGINT NOT NULL CHECK (rank >= 1),
    user_id     TEXT   NOT NULL,
    prize_cents BIGINT NOT NULL CHECK (prize_cents > 0),
    PRIMARY KEY (campaign_id, rank),
    UNIQUE (campaign_id, user_id)
);

CREATE TRIGGER campaign_snapshots_stay BEFORE UPDATE ON campaign_snapshots
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
CREATE TRIGGER campaign_snapshots_last BEFORE DELETE ON campaign_snapshots
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
-- Also against INSERT OR REPLACE, which asks no other trigger.
CREATE TRIGGER campaign_snapshots_once BEFORE INSERT ON campaign_snapshots
WHEN EXISTS (SELECT 1 FROM campaign_snapshots WHERE campaign_id = NEW.campaign_id)
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
CREATE TRIGGER campaign_winners_stay BEFORE UPDATE ON campaign_winners
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
CREATE TRIGGER campaign_winners_last BEFORE DELETE ON campaign_winners
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
CREATE TRIGGER campaign_winners_once BEFORE INSERT ON campaign_winners
WHEN EXISTS (SELECT 1 FROM campaign_winners
             WHERE campaign_id = NEW.campaign_id AND (rank = NEW.rank OR user_id = NEW.user_id))
BEGIN SELECT RAISE(ABORT, 'a snapshot is taken once'); END;
