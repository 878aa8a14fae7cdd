-- The index for searches is asked for what somebody may see alone, so that what they may not see has no
-- part in how far a search gets; and for times, not for positions. Writers wait while it is built, some
-- minutes for a million thoughts. An older program still finds all by it, but not by times.

DROP INDEX thoughts_pieces;

-- Whose a thought is, and who may see it: its author's name, and `*` or, if it is private, `=` and the
-- author's id.
CREATE OR REPLACE FUNCTION search_owners(author TEXT, author_id UUID, visibility SMALLINT)
RETURNS TEXT[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY[author, CASE visibility WHEN 1 THEN '*' ELSE '=' || author_id::TEXT END];

CREATE INDEX thoughts_pieces ON thoughts
USING gin (
    (search_pieces(folded) COLLATE "C"),
    (search_owners(author, author_id, visibility) COLLATE "C"),
    search_marks(position - moved_by)
)
WITH (gin_pending_list_limit = 512);
