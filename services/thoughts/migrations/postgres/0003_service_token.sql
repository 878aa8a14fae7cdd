-- The token by which the users backend knows this one, for all replicas: one row at most.
CREATE TABLE service_token (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    token TEXT NOT NULL,
    -- Microseconds since 1970; a quarter of an hour after it was made.
    expire_time BIGINT NOT NULL
);
