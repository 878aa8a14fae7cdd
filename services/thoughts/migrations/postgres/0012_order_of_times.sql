-- What was moved on from its time: by how much at most, which a list has to know, and an author's in
-- the order of times. Hardly anything is in them.
CREATE INDEX thoughts_furthest ON thoughts (moved_by) WHERE moved_by > 0;
CREATE INDEX thoughts_moved ON thoughts (author_id, (position - moved_by), id) WHERE moved_by > 0;
