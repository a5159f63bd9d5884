-- Version 2. Which entry to begin with when an entry is looked for by what it is about: the index of
-- the first entry of the commit that wrote the row. NULL in rows from before.

ALTER TABLE message ADD COLUMN entry INTEGER;

ALTER TABLE inbound ADD COLUMN entry INTEGER;
