-- The tags of each thought, as its folded text has them (tag.rs); with the author and visibility of
-- the thought, so that an index can serve both arms of a list.
CREATE TABLE thought_tags (
    position INTEGER NOT NULL REFERENCES thoughts ON DELETE CASCADE,
    tag TEXT NOT NULL,
    author_id BLOB NOT NULL,
    visibility INTEGER NOT NULL CHECK (visibility IN (1, 2)),
    PRIMARY KEY (position, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX thought_tags_public ON thought_tags (tag, position) WHERE visibility = 1;
CREATE INDEX thought_tags_private ON thought_tags (author_id, tag, position) WHERE visibility = 2;

-- How many thoughts carry a tag: an author's public ones, an author's private ones and, under the
-- nil UUID, everyone's public ones. They are behind by what is in tag_changes.
CREATE TABLE tag_counts (
    author_id BLOB NOT NULL,
    visibility INTEGER NOT NULL,
    tag TEXT NOT NULL,
    thought_count INTEGER NOT NULL,
    PRIMARY KEY (author_id, visibility, tag)
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_counts_most ON tag_counts (author_id, visibility, (-thought_count), tag);

-- What is to be added to tag_counts: see the migration of PostgreSQL.
CREATE TABLE tag_changes (
    id INTEGER NOT NULL PRIMARY KEY,
    author_id BLOB NOT NULL,
    visibility INTEGER NOT NULL,
    tag TEXT NOT NULL,
    -- 1 or -1.
    change INTEGER NOT NULL
) STRICT;

-- Whoever deletes a thought, in whatever way, takes its tags with it by the foreign key, and these
-- keep the counts right.
CREATE TRIGGER tag_added AFTER INSERT ON thought_tags
BEGIN
    INSERT INTO tag_changes (author_id, visibility, tag, change)
    VALUES (NEW.author_id, NEW.visibility, NEW.tag, 1);
END;

CREATE TRIGGER tag_removed AFTER DELETE ON thought_tags
BEGIN
    INSERT INTO tag_changes (author_id, visibility, tag, change)
    VALUES (OLD.author_id, OLD.visibility, OLD.tag, -1);
END;

-- Thoughts whose tags are not in thought_tags yet: those from before it, and those that a release
-- from before it writes while it still runs.
CREATE TABLE untagged_thoughts (
    position INTEGER NOT NULL PRIMARY KEY REFERENCES thoughts ON DELETE CASCADE
) STRICT;

CREATE TRIGGER thought_untagged AFTER INSERT ON thoughts WHEN NEW.folded LIKE '%#%'
BEGIN
    INSERT INTO untagged_thoughts (position) VALUES (NEW.position);
END;

INSERT INTO untagged_thoughts (position) SELECT position FROM thoughts WHERE folded LIKE '%#%';
