-- By how many microseconds a position is after the time of creation: what is imported keeps its time,
-- whoever has that position. An older program shows the position for the time, and what it moves to
-- the trash or takes out of it keeps that.
ALTER TABLE thoughts ADD COLUMN moved_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash ADD COLUMN moved_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN moved_by INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER thought_created;
DROP TRIGGER thought_updated;
DROP TRIGGER thought_deleted;

CREATE TRIGGER thought_created AFTER INSERT ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author,
        after_visibility, after_text, after_update_time
    ) VALUES (
        NEW.id, NEW.position, NEW.moved_by, NEW.author_id, NEW.author,
        NEW.visibility, NEW.text, NEW.update_time
    );
END;

CREATE TRIGGER thought_updated AFTER UPDATE ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author, before_visibility, before_text,
        after_visibility, after_text, after_update_time
    ) VALUES (
        NEW.id, NEW.position, NEW.moved_by, NEW.author_id, NEW.author, OLD.visibility, OLD.text,
        NEW.visibility, NEW.text, NEW.update_time
    );
END;

CREATE TRIGGER thought_deleted AFTER DELETE ON thoughts
BEGIN
    INSERT INTO changes (
        thought_id, position, moved_by, author_id, author, before_visibility, before_text
    ) VALUES (
        OLD.id, OLD.position, OLD.moved_by, OLD.author_id, OLD.author, OLD.visibility,
        CASE WHEN NOT EXISTS (SELECT 1 FROM purged_authors WHERE author_id = OLD.author_id)
            THEN OLD.text END
    );
END;
