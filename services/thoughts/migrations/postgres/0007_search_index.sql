-- An index for searches that is exact (a row that it finds has every piece asked for) and that can be
-- asked for a stretch of time, so that a search never fetches more rows than it means to: see
-- store/postgres.rs. The one before it was neither. Writers wait while it is built, some minutes for
-- a million thoughts. An older program still finds short_grams, but without its index.

DROP INDEX thoughts_pieces;

-- The pieces of one, two and three characters of a text.
CREATE FUNCTION search_pieces(folded TEXT) RETURNS TEXT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT array_remove(array_agg(x) || array_agg(x || y) || array_agg(x || y || z), NULL)
    FROM (SELECT string_to_array(folded, NULL) AS c) AS letters,
    LATERAL unnest(c, c[2:], c[3:]) AS run (x, y, z)
);

-- Whose a thought is: its author's name and, if it is private, `=` and the author's id.
CREATE FUNCTION search_owners(author TEXT, author_id UUID, visibility SMALLINT) RETURNS TEXT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE visibility WHEN 1 THEN ARRAY[author] ELSE ARRAY[author, '=' || author_id::TEXT] END;

-- When it was written: the stretches of 2^21 microseconds (two seconds), 2^25, ... 2^61 that its
-- position is in, each with its exponent in the last six bits; and 0 for one thought in 257, by which
-- a search estimates how many there are.
CREATE FUNCTION search_marks(place BIGINT) RETURNS BIGINT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[
    place >> 21 << 6 | 21, place >> 25 << 6 | 25, place >> 29 << 6 | 29, place >> 33 << 6 | 33,
    place >> 37 << 6 | 37, place >> 41 << 6 | 41, place >> 45 << 6 | 45, place >> 49 << 6 | 49,
    place >> 53 << 6 | 53, place >> 57 << 6 | 57, place >> 61 << 6 | 61,
    CASE place % 257 WHEN 0 THEN 0 ELSE place >> 61 << 6 | 61 END
];

-- One index for all, because a search for a frequent word and a rare one intersects them inside it,
-- the rare one first. Its list of rows to be sorted in is kept short: every search reads it. Letters
-- are compared as bytes: a collation may change under an index.
CREATE INDEX thoughts_pieces ON thoughts
USING gin (
    (search_pieces(folded) COLLATE "C"),
    (search_owners(author, author_id, visibility) COLLATE "C"),
    search_marks(position)
)
WITH (gin_pending_list_limit = 512);
