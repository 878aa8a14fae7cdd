-- Deleted thoughts, until they leave for ever. They lie in a table of their own, so that every list
-- and search, and an older program, is rid of them without looking. What a search sees is made again
-- when one is taken out. A position stays taken: see the statement that inserts a thought.
CREATE TABLE trash (
    position BIGINT NOT NULL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    author_id UUID NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    -- 1 public, 2 private.
    visibility SMALLINT NOT NULL CHECK (visibility IN (1, 2)),
    update_time BIGINT NOT NULL,
    delete_time BIGINT NOT NULL,
    -- From when it is not there for anybody; the row goes soon after.
    expire_time BIGINT NOT NULL,
    -- Whether an administrator removed it, so that its author cannot take it out.
    removed BOOLEAN NOT NULL
);

CREATE INDEX trash_of_author ON trash (author_id, (-position));
CREATE INDEX trash_expire_time ON trash (expire_time);

-- What a thought was before each change, also while it is in the trash.
CREATE TABLE thought_revisions (
    thought_id UUID NOT NULL,
    -- Since when it was so. Changes of a thought never share a time.
    create_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    author_id UUID NOT NULL,
    text TEXT NOT NULL,
    -- 1 public, 2 private.
    visibility SMALLINT NOT NULL CHECK (visibility IN (1, 2)),
    PRIMARY KEY (thought_id, create_time)
);

CREATE INDEX thought_revisions_of_author ON thought_revisions (author_id);
