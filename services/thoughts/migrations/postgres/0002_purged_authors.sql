-- The authors whose accounts were deleted: what they write later is refused, for ever.
CREATE TABLE purged_authors (
    author_id UUID NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    purge_time BIGINT NOT NULL
);

-- An author's thoughts are found whatever they are, to be deleted.
CREATE INDEX thoughts_of_author ON thoughts (author_id, position);

-- Whoever leaves a mark holds the lock of its author alone (see store/purge.rs), so a writer either
-- has committed before and its thought is deleted with the others, or it waits here and then finds
-- the mark: the function is volatile, so that each statement in it sees what has been committed by
-- then (in a transaction that is READ COMMITTED, as ours are).
CREATE FUNCTION refuse_purged_authors() RETURNS TRIGGER
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(NEW.author_id, 0));
    IF EXISTS (SELECT FROM purged_authors WHERE author_id = NEW.author_id) THEN
        RAISE EXCEPTION 'ACCOUNT_GONE';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER thoughts_of_purged_authors BEFORE INSERT OR UPDATE ON thoughts
FOR EACH ROW EXECUTE FUNCTION refuse_purged_authors();
