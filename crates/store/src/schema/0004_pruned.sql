-- Version 4. What pruning leaves of the ledger's entries, and the state to rebuild from in their place.

-- The leaf hashes of 256 entries that have no row in `entry` any more, one behind the other.
CREATE TABLE pruned(
    tile INTEGER PRIMARY KEY,
    leaves BLOB NOT NULL
) STRICT;

-- The sealed snapshot before a minimum index, in parts. `meta` holds the minimum in force.
CREATE TABLE snapshot(
    minimum INTEGER NOT NULL,
    part INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY(minimum, part)
) STRICT;
