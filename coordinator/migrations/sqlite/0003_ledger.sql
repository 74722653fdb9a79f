-- The ledger of credits and points: append-only, double entry, whole micros. How it is used: src/ledger.rs.

-- Somebody's, or the network's, side of a book. The balance is what its postings sum up to, kept beside them by
-- the same transactions; only the account that value comes out of may owe.
CREATE TABLE ledger_accounts (
    id      INTEGER PRIMARY KEY,
    book    TEXT   NOT NULL,
    kind    TEXT   NOT NULL CHECK (kind IN ('available', 'held', 'mint', 'revenue', 'forfeited')),
    -- A person's id; empty for the network's own accounts.
    owner   TEXT   NOT NULL,
    balance BIGINT NOT NULL CHECK (kind = 'mint' OR balance >= 0),
    -- The entry that changed it last.
    entry   BIGINT NOT NULL,
    UNIQUE (book, kind, owner),
    CHECK ((kind IN ('available', 'held')) = (owner <> ''))
);
CREATE INDEX ledger_accounts_by_entry ON ledger_accounts (book, kind, entry);
CREATE INDEX ledger_accounts_by_owner ON ledger_accounts (owner) WHERE owner <> '';

CREATE TABLE ledger_entries (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Named after the fact that the entry follows from, so that no fact is entered twice.
    key    TEXT   NOT NULL UNIQUE,
    book   TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    at_us  BIGINT NOT NULL,
    -- Everything that the amounts were computed from, as JSON.
    inputs TEXT   NOT NULL
);
CREATE INDEX ledger_entries_by_book ON ledger_entries (book, id);

CREATE TABLE ledger_postings (
    account BIGINT NOT NULL REFERENCES ledger_accounts (id),
    entry   BIGINT NOT NULL REFERENCES ledger_entries (id),
    line    BIGINT NOT NULL,
    amount  BIGINT NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (account, entry, line)
) WITHOUT ROWID;
CREATE INDEX ledger_postings_by_entry ON ledger_postings (entry, amount);

-- An amount that lies in its owner's held account until it goes on or goes back.
CREATE TABLE ledger_holds (
    key         TEXT   PRIMARY KEY,
    book        TEXT   NOT NULL,
    owner       TEXT   NOT NULL,
    -- The kinds of the accounts where it came from and where it goes.
    source      TEXT   NOT NULL CHECK (source IN ('available', 'mint')),
    destination TEXT   NOT NULL CHECK (destination IN ('available', 'revenue')),
    status      TEXT   NOT NULL CHECK (status IN ('held', 'settled', 'void')),
    amount      BIGINT NOT NULL CHECK (amount >= 0),
    settled     BIGINT NOT NULL DEFAULT 0 CHECK (settled >= 0),
    returned    BIGINT NOT NULL DEFAULT 0 CHECK (returned >= 0),
    -- When it settles by itself; never, if unset.
    due_us      BIGINT,
    created_us  BIGINT NOT NULL,
    ended_us    BIGINT,
    CHECK (settled + returned <= amount),
    CHECK ((status = 'held') = (ended_us IS NULL)),
    CHECK (status = 'held' OR settled + returned = amount)
);
CREATE INDEX ledger_holds_due ON ledger_holds (due_us) WHERE status = 'held' AND due_us IS NOT NULL;
CREATE INDEX ledger_holds_by_owner ON ledger_holds (owner, created_us);

CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_entries_last BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_postings_stay BEFORE UPDATE ON ledger_postings
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_postings_last BEFORE DELETE ON ledger_postings
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
