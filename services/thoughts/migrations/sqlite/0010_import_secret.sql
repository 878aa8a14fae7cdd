-- What the ids of imported thoughts are made with that came without one, or with one that is taken.
CREATE TABLE import_secret (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    secret BLOB NOT NULL
) STRICT;
