-- Another index for searches, which is asked for what somebody may see alone, so that what they may not
-- see has no part in how far a search gets; and for times, not for positions. Writers wait while it is
-- built, some minutes for a million thoughts; readers do not, so the one before it goes in the next
-- migration. An older program finds all by it, but not by times.

-- Whose a thought is, and who may see it: its author's name, and `*` or, if it is private, `=` and the
-- author's id.
CREATE FUNCTION search_seen(author TEXT, author_id UUID, visibility SMALLINT) RETURNS TEXT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[author, CASE visibility WHEN 1 THEN '*' ELSE '=' || author_id::TEXT END];

-- When it was written, as search_marks has it; and 0 for one thought in 256 by its id, so that those of
-- one time are not in the sample all together.
CREATE FUNCTION search_times(written BIGINT, id UUID) RETURNS BIGINT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[
    written >> 21 << 6 | 21, written >> 25 << 6 | 25, written >> 29 << 6 | 29,
    written >> 33 << 6 | 33, written >> 37 << 6 | 37, written >> 41 << 6 | 41,
    written >> 45 << 6 | 45, written >> 49 << 6 | 49, written >> 53 << 6 | 53,
    written >> 57 << 6 | 57, written >> 61 << 6 | 61,
    CASE get_byte(uuid_send(id), 15) WHEN 0 THEN 0 ELSE written >> 61 << 6 | 61 END
];

CREATE INDEX thoughts_search ON thoughts
USING gin (
    (search_pieces(folded) COLLATE "C"),
    (search_seen(author, author_id, visibility) COLLATE "C"),
    search_times(position - moved_by, id)
)
WITH (gin_pending_list_limit = 512);
