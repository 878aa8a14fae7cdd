-- By itself, as everybody waits for it, but not for long.
DROP INDEX thoughts_pieces;
