-- What has become of thoughts, one row a change, for those who watch. Triggers write it, so that no
-- writer is left out: an older release, an import, the end of an author.
--
-- There is one writer, so the order of `seq` is that of the commits; AUTOINCREMENT, because a number
-- must not come again when the newest rows have been trimmed.
CREATE TABLE changes (
    -- For PostgreSQL, where the order needs it.
    xid INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Microseconds since 1970, by the database's clock: only for knowing what may go.
    change_time INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
    thought_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    author_id BLOB NOT NULL,
    author TEXT NOT NULL,
    -- 1 public, 2 private; none where the thought was not there before, or is not there after.
    -- Texts of an author who is gone are none, too.
    before_visibility INTEGER,
    before_text TEXT,
    after_visibility INTEGER,
    after_text TEXT,
    after_update_time INTEGER
) STRICT;

-- For erasing an author's texts.
CREATE INDEX changes_of_author ON changes (author_id);

-- One row about the log as a whole.
CREATE TABLE change_log (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Places in another log of this database, such as one from before it was restored, say nothing
    -- about this one.
    epoch BLOB NOT NULL,
    -- For PostgreSQL: the server that counted the transactions.
    home TEXT NOT NULL,
    -- The last change that is not in the log any more.
    trimmed_xid INTEGER NOT NULL,
    trimmed_seq INTEGER NOT NULL
) STRICT;

INSERT INTO change_log (id, epoch, home, trimmed_xid, trimmed_seq)
VALUES (1, randomblob(16), '', 0, 0);

CREATE TRIGGER thought_created AFTER INSERT ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author,
        after_visibility, after_text, after_update_time
    ) VALUES (
        NEW.id, NEW.position, NEW.author_id, NEW.author,
        NEW.visibility, NEW.text, NEW.update_time
    );
END;

CREATE TRIGGER thought_updated AFTER UPDATE ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author, before_visibility, before_text,
        after_visibility, after_text, after_update_time
    ) VALUES (
        NEW.id, NEW.position, NEW.author_id, NEW.author, OLD.visibility, OLD.text,
        NEW.visibility, NEW.text, NEW.update_time
    );
END;

CREATE TRIGGER thought_deleted AFTER DELETE ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, author_id, author, before_visibility, before_text
    ) VALUES (
        OLD.id, OLD.position, OLD.author_id, OLD.author, OLD.visibility,
        CASE WHEN NOT EXISTS (SELECT 1 FROM purged_authors WHERE author_id = OLD.author_id)
            THEN OLD.text END
    );
END;
