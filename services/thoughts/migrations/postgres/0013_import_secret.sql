-- What the ids of imported thoughts are made with that came without one, or with one that is taken.
CREATE TABLE import_secret (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    secret UUID NOT NULL
);
