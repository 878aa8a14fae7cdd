-- Times are microseconds since 1970. No two accounts share a create_time: lists go and page by it.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    -- In small letters, so that it is unique without regard to case.
    username TEXT NOT NULL UNIQUE,
    -- A PHC string.
    password_hash TEXT NOT NULL,
    -- 1 member, 2 administrator.
    role INTEGER NOT NULL,
    create_time INTEGER NOT NULL UNIQUE
) STRICT;

CREATE INDEX users_role ON users (role);

-- Ed25519 keys as PKCS#8. Processes that start at once all try to add the same generation, so that
-- one of them does and all read it.
CREATE TABLE signing_keys (
    generation INTEGER NOT NULL PRIMARY KEY,
    pkcs8 BLOB NOT NULL,
    create_time INTEGER NOT NULL
) STRICT;

-- One row, which whoever sets the database up locks. The code is there until it has been used.
CREATE TABLE setup (
    id INTEGER NOT NULL PRIMARY KEY,
    code TEXT
) STRICT;
