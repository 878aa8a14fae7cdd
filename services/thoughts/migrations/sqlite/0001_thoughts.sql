-- `position` is the time of creation in microseconds since 1970, negative before it, moved on by
-- one while taken: so it is unique, decides the order of every list, and is the row id by which the
-- index of pieces finds the row.
CREATE TABLE thoughts (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    author_id BLOB NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    -- What a search sees: see fold.rs.
    folded TEXT NOT NULL,
    -- 1 public, 2 private.
    visibility INTEGER NOT NULL CHECK (visibility IN (1, 2)),
    update_time INTEGER NOT NULL
) STRICT;

-- One for each arm of a list, so that private thoughts never slow a public list. Those of an author
-- go by an expression: asked for its order, a planner cannot take an author with many thoughts for
-- one with recent thoughts, and walk through everyone's instead.
CREATE INDEX thoughts_public ON thoughts (position) WHERE visibility = 1;
CREATE INDEX thoughts_public_of_author ON thoughts (author, (-position)) WHERE visibility = 1;
CREATE INDEX thoughts_private ON thoughts (author_id, (-position)) WHERE visibility = 2;

-- What an author's request id stands for; kept when the thought is deleted, so that a late repeat
-- does not bring it back.
CREATE TABLE creation_requests (
    author_id BLOB NOT NULL,
    request_id BLOB NOT NULL,
    thought_id BLOB NOT NULL,
    -- SHA-256 of the visibility and the text that were asked for.
    request_hash BLOB NOT NULL,
    PRIMARY KEY (author_id, request_id)
) STRICT, WITHOUT ROWID;

-- The pieces of one to three characters of each folded text, and who may see it: see
-- store/sqlite.rs, which makes them.
CREATE VIRTUAL TABLE thoughts_pieces USING fts5 (
    pieces,
    content = '',
    contentless_delete = 1,
    detail = none,
    tokenize = 'ascii'
);
