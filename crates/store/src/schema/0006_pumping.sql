-- Version 6. What the pumping guard counted and blocked since the whole of it was kept, and that whole; each
-- is sealed. The last whole stands for every row before it.

CREATE TABLE pumping(
    seq INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
