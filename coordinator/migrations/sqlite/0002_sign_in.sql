-- One way in which a person signs in: an Aptos wallet, or a subject of an OpenID provider.
CREATE TABLE identities (
    id           TEXT   PRIMARY KEY,
    user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL CHECK (kind IN ('wallet', 'oidc')),
    -- Of an OpenID subject it follows from iss, aud, sub and the service's pepper secret. It is kept to
    -- notice when the secret or the client id is another one.
    address      TEXT   NOT NULL UNIQUE,
    iss          TEXT,
    aud          TEXT,
    sub          TEXT,
    label        TEXT,
    created_us   BIGINT NOT NULL,
    last_used_us BIGINT NOT NULL,
    UNIQUE (iss, sub),
    CHECK ((kind = 'oidc') = (iss IS NOT NULL AND aud IS NOT NULL AND sub IS NOT NULL))
);
CREATE INDEX identities_by_user ON identities (user_id);

-- Sessions and tokens are named by an id where they are listed and revoked. Those from before get one out of
-- their hash.
ALTER TABLE sessions ADD COLUMN id TEXT;
ALTER TABLE sessions ADD COLUMN last_used_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN user_agent TEXT;
-- An identity that is taken from an account takes along whoever signed in with it.
ALTER TABLE sessions ADD COLUMN identity_id TEXT REFERENCES identities (id) ON DELETE CASCADE;
UPDATE sessions SET last_used_us = created_us,
    id = substr(hash, 1, 8) || '-' || substr(hash, 9, 4) || '-' || substr(hash, 13, 4) || '-' ||
         substr(hash, 17, 4) || '-' || substr(hash, 21, 12);
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_us);

ALTER TABLE access_tokens ADD COLUMN id TEXT;
UPDATE access_tokens SET
    id = substr(hash, 1, 8) || '-' || substr(hash, 9, 4) || '-' || substr(hash, 13, 4) || '-' ||
         substr(hash, 17, 4) || '-' || substr(hash, 21, 12);
CREATE UNIQUE INDEX access_tokens_by_id ON access_tokens (id);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id);

-- What a wallet was asked to sign. Used up by being deleted.
CREATE TABLE wallet_challenges (
    nonce_hash TEXT   PRIMARY KEY,
    -- Whose account the wallet is to be linked to; nobody's if it is to sign in.
    user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE,
    -- The only account that may answer, if it was known.
    address    TEXT,
    domain     TEXT   NOT NULL,
    uri        TEXT   NOT NULL,
    statement  TEXT   NOT NULL,
    chain      TEXT   NOT NULL,
    issued_us  BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX wallet_challenges_by_expiry ON wallet_challenges (expires_us);

-- A browser that was sent to the OpenID provider. Used up by being deleted.
CREATE TABLE oidc_sign_ins (
    state_hash   TEXT   PRIMARY KEY,
    -- Of the secret in the browser's cookie, which nonce and code verifier are made of too.
    browser_hash TEXT   NOT NULL,
    -- The session whose account the identity is to be linked to; none if it is to sign in.
    session_hash TEXT   REFERENCES sessions (hash) ON DELETE CASCADE,
    expires_us   BIGINT NOT NULL
);
CREATE INDEX oidc_sign_ins_by_expiry ON oidc_sign_ins (expires_us);
