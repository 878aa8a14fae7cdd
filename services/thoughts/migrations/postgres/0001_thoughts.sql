CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- `position` is the time of creation in microseconds since 1970, negative before it, moved on by
-- one while taken: so it is unique and decides the order of every list.
CREATE TABLE thoughts (
    position BIGINT NOT NULL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    author_id UUID NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    -- What a search sees: see fold.rs.
    folded TEXT NOT NULL,
    -- 1 public, 2 private.
    visibility SMALLINT NOT NULL CHECK (visibility IN (1, 2)),
    update_time BIGINT NOT NULL
);

-- One for each arm of a list, so that private thoughts never slow a public list. Those of an author
-- go by an expression: asked for its order, a planner cannot take an author with many thoughts for
-- one with recent thoughts, and walk through everyone's instead.
CREATE INDEX thoughts_public ON thoughts (position) WHERE visibility = 1;
CREATE INDEX thoughts_public_of_author ON thoughts (author, (-position)) WHERE visibility = 1;
CREATE INDEX thoughts_private ON thoughts (author_id, (-position)) WHERE visibility = 2;

-- What an author's request id stands for; kept when the thought is deleted, so that a late repeat
-- does not bring it back.
CREATE TABLE creation_requests (
    author_id UUID NOT NULL,
    request_id UUID NOT NULL,
    thought_id UUID NOT NULL,
    -- SHA-256 of the visibility and the text that were asked for.
    request_hash BYTEA NOT NULL,
    PRIMARY KEY (author_id, request_id)
);

-- The distinct pieces of one and two characters of a text: what pg_trgm, which knows pieces of
-- three, leaves out.
CREATE FUNCTION short_grams(folded TEXT) RETURNS TEXT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(DISTINCT gram), '{}')
    FROM (
        SELECT c, c || lead(c) OVER (ORDER BY n)
        FROM string_to_table(folded, NULL) WITH ORDINALITY AS letters (c, n)
    ) AS pairs (c, cc),
    LATERAL (VALUES (c), (cc)) AS grams (gram)
    WHERE gram IS NOT NULL
);

-- One index for both, because a search for a frequent word and a rare one intersects them inside
-- it, the rare one first. Its list of rows to be sorted in is kept short: every search reads it.
CREATE INDEX thoughts_pieces ON thoughts
USING gin (folded gin_trgm_ops, short_grams(folded))
WITH (gin_pending_list_limit = 512);
