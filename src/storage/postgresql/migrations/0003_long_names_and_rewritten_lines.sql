-- A B-tree has no entries of more than 2,704 bytes; names of values may be longer.
ALTER TABLE value_types DROP CONSTRAINT value_types_pkey;
CREATE UNIQUE INDEX value_types_once ON value_types (experiment, source, md5(key), type);
-- What the experiment's file `rewritten` had when its lines were read.
ALTER TABLE experiments ADD COLUMN rewritten text NOT NULL DEFAULT '';
