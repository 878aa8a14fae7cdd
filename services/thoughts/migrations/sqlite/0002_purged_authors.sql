-- The authors whose accounts were deleted: what they write later is refused, for ever.
CREATE TABLE purged_authors (
    author_id BLOB NOT NULL PRIMARY KEY,
    -- Microseconds since 1970.
    purge_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An author's thoughts are found whatever they are, to be deleted.
CREATE INDEX thoughts_of_author ON thoughts (author_id, position);

-- Writers come one after the other, so each sees the marks of those before it.
CREATE TRIGGER thoughts_of_purged_authors BEFORE INSERT ON thoughts
WHEN EXISTS (SELECT 1 FROM purged_authors WHERE author_id = NEW.author_id)
BEGIN
    SELECT RAISE (ABORT, 'ACCOUNT_GONE');
END;

CREATE TRIGGER thoughts_of_purged_authors_changed BEFORE UPDATE ON thoughts
WHEN EXISTS (SELECT 1 FROM purged_authors WHERE author_id = NEW.author_id)
BEGIN
    SELECT RAISE (ABORT, 'ACCOUNT_GONE');
END;
