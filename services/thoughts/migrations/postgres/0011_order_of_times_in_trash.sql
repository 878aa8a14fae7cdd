-- As those of thoughts: see the next migration. Each has one table to lock, so that none waits for
-- somebody who waits for it.
CREATE INDEX trash_furthest ON trash (moved_by) WHERE moved_by > 0;
CREATE INDEX trash_moved ON trash (author_id, (position - moved_by), id) WHERE moved_by > 0;
