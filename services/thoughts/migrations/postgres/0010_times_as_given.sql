-- By how many microseconds a position is after the time of creation: what is imported keeps its time,
-- whoever has that position. An older program shows the position for the time, and what it moves to
-- the trash or takes out of it keeps that.
ALTER TABLE thoughts ADD COLUMN moved_by BIGINT NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION log_created() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author,
        after_visibility, after_text, after_update_time
    )
    SELECT id, position, moved_by, author_id, author, visibility, text, update_time FROM created;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION log_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author, before_visibility, before_text,
        after_visibility, after_text, after_update_time
    )
    SELECT id, a.position, a.moved_by, a.author_id, a.author, b.visibility, b.text,
        a.visibility, a.text, a.update_time
    FROM before AS b JOIN after AS a USING (id);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION log_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author, before_visibility, before_text
    )
    SELECT d.id, d.position, d.moved_by, d.author_id, d.author, d.visibility,
        CASE WHEN p.author_id IS NULL THEN d.text END
    FROM deleted AS d LEFT JOIN purged_authors AS p USING (author_id);
    RETURN NULL;
END
$$;
