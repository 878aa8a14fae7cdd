-- Times are microseconds since 1970. No two accounts share a create_time: lists go and page by it.
CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    -- In small letters, so that it is unique without regard to case.
    username TEXT NOT NULL UNIQUE,
    -- A PHC string.
    password_hash TEXT NOT NULL,
    -- 1 member, 2 administrator.
    role SMALLINT NOT NULL,
    create_time BIGINT NOT NULL UNIQUE
);

CREATE INDEX users_role ON users (role);

-- Ed25519 keys as PKCS#8. Replicas that start at once all try to add the same generation, so that
-- one of them does and all read it.
CREATE TABLE signing_keys (
    generation BIGINT NOT NULL PRIMARY KEY,
    pkcs8 BYTEA NOT NULL,
    create_time BIGINT NOT NULL
);

-- One row, which whoever sets the database up locks. The code is there until it has been used.
CREATE TABLE setup (
    id BIGINT NOT NULL PRIMARY KEY,
    code TEXT
);
