-- As the column of thoughts: see the migration after the next. Each has one table to lock, so that none waits
-- for somebody who waits for it.
ALTER TABLE trash ADD COLUMN moved_by BIGINT NOT NULL DEFAULT 0;
