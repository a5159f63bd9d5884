-- Version 5. Verifications, and what numbers have used up.

-- `version` never holds 0 or 1, and the facts are padded, so that an update keeps the row's length. The
-- code lies in the last three columns, which are blanked when the verification ends.
CREATE TABLE verification(
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    client BLOB NOT NULL,
    version INTEGER NOT NULL,
    open INTEGER,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    subject BLOB NOT NULL,
    number BLOB NOT NULL,
    facts TEXT NOT NULL,
    week INTEGER,
    wrapped BLOB,
    sealed BLOB
) STRICT;

-- Only those that have not ended: what a start has to read. The value is always 1.
CREATE INDEX open_verification ON verification(open) WHERE open IS NOT NULL;

-- The failed checks and sends of a client and number. A row keeps its place and changes in it.
CREATE TABLE budget(
    seq INTEGER PRIMARY KEY,
    client BLOB NOT NULL,
    number BLOB NOT NULL,
    budgets TEXT NOT NULL
) STRICT;
