-- Two parts of the index that are alike are merged already, where merging is asked for: see
-- store/merging.rs.
INSERT INTO thoughts_pieces (thoughts_pieces, rank) VALUES ('usermerge', 2);
