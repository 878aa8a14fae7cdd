-- Personal access tokens, for scripts and other services. A row is deleted when its token ends. A
-- token is never stored, only its SHA-256.
CREATE TABLE access_tokens (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What its owner calls it.
    display_name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    -- 1 reading, 2 writing as well.
    scope INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    -- Written at most once a minute; NULL until the first use.
    last_use_time INTEGER
) STRICT;

CREATE INDEX access_tokens_user_id ON access_tokens (user_id);
CREATE INDEX access_tokens_expire_time ON access_tokens (expire_time);
