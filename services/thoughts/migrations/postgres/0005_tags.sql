-- The tags of each thought, as its folded text has them (tag.rs); with the author and visibility of
-- the thought, so that an index can serve both arms of a list.
CREATE TABLE thought_tags (
    position BIGINT NOT NULL REFERENCES thoughts ON DELETE CASCADE,
    tag TEXT COLLATE "C" NOT NULL,
    author_id UUID NOT NULL,
    visibility SMALLINT NOT NULL CHECK (visibility IN (1, 2)),
    PRIMARY KEY (position, tag)
);

CREATE INDEX thought_tags_public ON thought_tags (tag, position) WHERE visibility = 1;
CREATE INDEX thought_tags_private ON thought_tags (author_id, tag, position) WHERE visibility = 2;

-- How many thoughts carry a tag: an author's public ones, an author's private ones and, under the
-- nil UUID, everyone's public ones. They are behind by what is in tag_changes.
CREATE TABLE tag_counts (
    author_id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    thought_count BIGINT NOT NULL,
    PRIMARY KEY (author_id, visibility, tag)
);

CREATE INDEX tag_counts_most ON tag_counts (author_id, visibility, (-thought_count), tag);

-- What is to be added to tag_counts. Writers only append here: if they counted themselves, all who
-- use one tag would wait for each other.
CREATE TABLE tag_changes (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id UUID NOT NULL,
    visibility SMALLINT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    -- 1 or -1.
    change SMALLINT NOT NULL
);

-- Whoever deletes a thought, in whatever way and by whatever release, takes its tags with it by
-- the foreign key, and these keep the counts right.
CREATE FUNCTION log_tag_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tag_changes (author_id, visibility, tag, change)
        VALUES (NEW.author_id, NEW.visibility, NEW.tag, 1);
    ELSE
        INSERT INTO tag_changes (author_id, visibility, tag, change)
        VALUES (OLD.author_id, OLD.visibility, OLD.tag, -1);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tag_added AFTER INSERT ON thought_tags
FOR EACH ROW EXECUTE FUNCTION log_tag_change();

CREATE TRIGGER tag_removed AFTER DELETE ON thought_tags
FOR EACH ROW EXECUTE FUNCTION log_tag_change();

-- Thoughts whose tags are not in thought_tags yet: those from before it, and those that a release
-- from before it writes while it still runs.
CREATE TABLE untagged_thoughts (
    position BIGINT NOT NULL PRIMARY KEY REFERENCES thoughts ON DELETE CASCADE
);

CREATE FUNCTION note_untagged_thought() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO untagged_thoughts (position) VALUES (NEW.position);
    RETURN NULL;
END
$$;

CREATE TRIGGER thought_untagged AFTER INSERT ON thoughts
FOR EACH ROW WHEN (NEW.folded LIKE '%#%') EXECUTE FUNCTION note_untagged_thought();

INSERT INTO untagged_thoughts (position) SELECT position FROM thoughts WHERE folded LIKE '%#%';
