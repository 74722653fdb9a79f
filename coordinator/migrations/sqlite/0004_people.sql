-- What people chose to be; operators are appointed in `users`.
CREATE TABLE roles (
    user_id  TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role     TEXT   NOT NULL CHECK (role IN ('creator', 'worker-owner', 'community-member')),
    since_us BIGINT NOT NULL,
    PRIMARY KEY (user_id, role)
);
-- Whoever did something before there was a choice has chosen.
INSERT INTO roles (user_id, role, since_us)
    SELECT user_id, 'creator', MIN(at_us) FROM (
        SELECT user_id, created_us AS at_us FROM access_tokens WHERE scopes LIKE '%"jobs"%'
        UNION ALL SELECT owner_id, created_us FROM scenes) AS did GROUP BY user_id;
INSERT INTO roles (user_id, role, since_us)
    SELECT user_id, 'worker-owner', MIN(at_us) FROM (
        SELECT user_id, created_us AS at_us FROM access_tokens WHERE scopes LIKE '%"workers"%'
        UNION ALL SELECT owner_id, created_us FROM workers) AS did GROUP BY user_id;
