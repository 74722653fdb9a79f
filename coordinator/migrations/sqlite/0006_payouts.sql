-- Rewards on their way to their winners. What a payout pays is fixed when it is drafted; only how far it is
-- changes.
CREATE TABLE payouts (
    id              TEXT   PRIMARY KEY,
    campaign_id     TEXT   NOT NULL,
    status          TEXT   NOT NULL CHECK (status IN
        ('drafted', 'approved', 'by-hand', 'signed', 'submitted', 'confirmed', 'failed', 'withdrawn')),
    -- US dollars for one APT, as it was written.
    rate            TEXT   NOT NULL,
    recipients      BIGINT NOT NULL CHECK (recipients > 0),
    total_cents     BIGINT NOT NULL CHECK (total_cents > 0),
    total_octas     BIGINT NOT NULL CHECK (total_octas > 0),
    left_over_octas BIGINT NOT NULL CHECK (left_over_octas >= 0 AND left_over_octas < recipients),
    drafted_by      TEXT   NOT NULL REFERENCES users (id),
    drafted_us      BIGINT NOT NULL,
    changed_us      BIGINT NOT NULL,
    -- Grows with every change, so that two of them cannot both go from the same state.
    revision        BIGINT NOT NULL,
    trouble         TEXT,
    by_hand_hash    TEXT,
    by_hand_by      TEXT REFERENCES users (id),
    by_hand_with    TEXT REFERENCES users (id),
    CHECK ((by_hand_hash IS NULL) = (by_hand_by IS NULL)),
    CHECK (by_hand_with IS NULL OR (by_hand_by IS NOT NULL AND by_hand_with <> by_hand_by)),
    CHECK (status <> 'by-hand' OR by_hand_hash IS NOT NULL)
);

CREATE TABLE payout_items (
    payout_id   TEXT   NOT NULL REFERENCES payouts (id),
    campaign_id TEXT   NOT NULL,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    rank        BIGINT NOT NULL CHECK (rank > 0),
    address     TEXT   NOT NULL,
    prize_cents BIGINT NOT NULL CHECK (prize_cents > 0),
    octas       BIGINT NOT NULL CHECK (octas > 0),
    -- 0 once the payout is withdrawn.
    live        BIGINT NOT NULL DEFAULT 1 CHECK (live IN (0, 1)),
    PRIMARY KEY (payout_id, user_id),
    UNIQUE (payout_id, address)
);
-- Nobody is paid twice for a campaign.
CREATE UNIQUE INDEX payout_items_once ON payout_items (campaign_id, user_id) WHERE live = 1;

CREATE TABLE payout_approvals (
    payout_id TEXT   NOT NULL REFERENCES payouts (id),
    user_id   TEXT   NOT NULL REFERENCES users (id),
    at_us     BIGINT NOT NULL,
    PRIMARY KEY (payout_id, user_id)
);

-- Written before the node hears of it.
CREATE TABLE payout_transactions (
    payout_id       TEXT   NOT NULL REFERENCES payouts (id),
    attempt         BIGINT NOT NULL CHECK (attempt > 0),
    -- How many attempts before this one the coordinator made by itself since an operator sent the payout.
    renewals        BIGINT NOT NULL CHECK (renewals >= 0),
    status          TEXT   NOT NULL CHECK (status IN
        ('signed', 'submitted', 'committed', 'undone', 'expired')),
    chain_id        BIGINT NOT NULL,
    sender          TEXT   NOT NULL,
    sequence_number BIGINT NOT NULL,
    max_gas         BIGINT NOT NULL,
    gas_price       BIGINT NOT NULL,
    expires_s       BIGINT NOT NULL,
    hash            TEXT   NOT NULL UNIQUE,
    -- The signed transaction in hexadecimal digits.
    bytes           TEXT   NOT NULL,
    signed_us       BIGINT NOT NULL,
    outcome         TEXT,
    PRIMARY KEY (payout_id, attempt)
);
-- One transaction of an account at a time, and one of a payout.
CREATE UNIQUE INDEX payout_transactions_of_account ON payout_transactions (chain_id, sender)
    WHERE status IN ('signed', 'submitted');
CREATE UNIQUE INDEX payout_transactions_live ON payout_transactions (payout_id)
    WHERE status IN ('signed', 'submitted', 'committed');

CREATE TABLE payout_events (
    payout_id TEXT   NOT NULL REFERENCES payouts (id),
    number    BIGINT NOT NULL,
    at_us     BIGINT NOT NULL,
    user_id   TEXT REFERENCES users (id),
    what      TEXT   NOT NULL,
    PRIMARY KEY (payout_id, number)
);

-- Operators approve what they see: nobody changes it afterwards, not even a fault of the coordinator.
CREATE TRIGGER payouts_are_fixed BEFORE UPDATE OF
    id, campaign_id, rate, recipients, total_cents, total_octas, left_over_octas, drafted_by, drafted_us ON payouts
BEGIN SELECT RAISE(ABORT, 'what a payout pays is fixed'); END;
CREATE TRIGGER payouts_stay BEFORE DELETE ON payouts
BEGIN SELECT RAISE(ABORT, 'payouts are kept'); END;
CREATE TRIGGER payout_items_are_fixed BEFORE UPDATE OF
    payout_id, campaign_id, user_id, rank, address, prize_cents, octas ON payout_items
BEGIN SELECT RAISE(ABORT, 'what a payout pays is fixed'); END;
CREATE TRIGGER payout_items_stay BEFORE DELETE ON payout_items
BEGIN SELECT RAISE(ABORT, 'what a payout pays is fixed'); END;
CREATE TRIGGER payout_items_are_drafted BEFORE INSERT ON payout_items
WHEN EXISTS (SELECT 1 FROM payout_approvals WHERE payout_id = NEW.payout_id)
BEGIN SELECT RAISE(ABORT, 'what a payout pays is fixed'); END;
CREATE TRIGGER payout_approvals_are_fixed BEFORE UPDATE ON payout_approvals
BEGIN SELECT RAISE(ABORT, 'approvals are kept'); END;
CREATE TRIGGER payout_approvals_stay BEFORE DELETE ON payout_approvals
BEGIN SELECT RAISE(ABORT, 'approvals are kept'); END;
CREATE TRIGGER payout_transactions_are_fixed BEFORE UPDATE OF
    payout_id, attempt, chain_id, sender, sequence_number, max_gas, gas_price, expires_s, hash, bytes, signed_us
    ON payout_transactions
BEGIN SELECT RAISE(ABORT, 'transactions are kept'); END;
CREATE TRIGGER payout_transactions_stay BEFORE DELETE ON payout_transactions
BEGIN SELECT RAISE(ABORT, 'transactions are kept'); END;
CREATE TRIGGER payout_events_are_fixed BEFORE UPDATE ON payout_events
BEGIN SELECT RAISE(ABORT, 'history is kept'); END;
CREATE TRIGGER payout_events_stay BEFORE DELETE ON payout_events
BEGIN SELECT RAISE(ABORT, 'history is kept'); END;
