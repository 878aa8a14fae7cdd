-- What has become of thoughts, one row a change, for those who watch. Triggers write it, so that no
-- writer is left out: an older release, an import, the end of an author.
--
-- The order is that of the commits, as far as a reader can tell: sequences are drawn before the
-- commit, so a reader takes only rows of transactions that are older than every one under way
-- (`xid` below `pg_snapshot_xmin`), by `xid` and `seq`. Nothing can come in before those any more.
CREATE TABLE changes (
    -- The transaction's, whose high half counts how often the low one has wrapped.
    xid BIGINT NOT NULL DEFAULT (pg_current_xact_id()::TEXT::BIGINT),
    seq BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- Microseconds since 1970, by the database's clock: only for knowing what may go.
    change_time BIGINT NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT,
    thought_id UUID NOT NULL,
    position BIGINT NOT NULL,
    author_id UUID NOT NULL,
    author TEXT NOT NULL,
    -- 1 public, 2 private; none where the thought was not there before, or is not there after.
    -- Texts of an author who is gone are none, too.
    before_visibility SMALLINT,
    before_text TEXT,
    after_visibility SMALLINT,
    after_text TEXT,
    after_update_time BIGINT,
    PRIMARY KEY (xid, seq)
);

-- For erasing an author's texts.
CREATE INDEX changes_of_author ON changes (author_id);

-- One row about the log as a whole.
CREATE TABLE change_log (
    id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Places in another log of this database, such as one from before it was restored, say nothing
    -- about this one.
    epoch UUID NOT NULL,
    -- The server that counted the transactions.
    home TEXT NOT NULL,
    -- The last change that is not in the log any more.
    trimmed_xid BIGINT NOT NULL,
    trimmed_seq BIGINT NOT NULL
);

INSERT INTO change_log (id, epoch, home, trimmed_xid, trimmed_seq)
VALUES (1, gen_random_uuid(), '', 0, 0);

-- Once a statement, which costs an import and the end of an author less than once a row.
CREATE FUNCTION log_created() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author,
        after_visibility, after_text, after_update_time
    )
    SELECT id, position, author_id, author, visibility, text, update_time FROM created;
    RETURN NULL;
END
$$;

CREATE FUNCTION log_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author, before_visibility, before_text,
        after_visibility, after_text, after_update_time
    )
    SELECT id, a.position, a.author_id, a.author, b.visibility, b.text,
        a.visibility, a.text, a.update_time
    FROM before AS b JOIN after AS a USING (id);
    RETURN NULL;
END
$$;

CREATE FUNCTION log_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author, before_visibility, before_text
    )
    SELECT d.id, d.position, d.author_id, d.author, d.visibility,
        CASE WHEN p.author_id IS NULL THEN d.text END
    FROM deleted AS d LEFT JOIN purged_authors AS p USING (author_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER thought_created AFTER INSERT ON thoughts
REFERENCING NEW TABLE AS created
FOR EACH STATEMENT EXECUTE FUNCTION log_created();

CREATE TRIGGER thought_updated AFTER UPDATE ON thoughts
REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION log_updated();

CREATE TRIGGER thought_deleted AFTER DELETE ON thoughts
REFERENCING OLD TABLE AS deleted
FOR EACH STATEMENT EXECUTE FUNCTION log_deleted();
