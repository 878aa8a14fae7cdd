-- As the column of thoughts: see the next migration.
ALTER TABLE changes ADD COLUMN moved_by BIGINT NOT NULL DEFAULT 0;
