-- Version 7. Factors of persons: authenticator apps and recovery codes. `wrapped` and `sealed` hold the secret
-- and are NULL once the factor is removed.

CREATE TABLE factor(
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    client BLOB NOT NULL,
    version INTEGER NOT NULL,
    pending INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    subject BLOB NOT NULL,
    factor TEXT NOT NULL,
    week INTEGER,
    wrapped BLOB,
    sealed BLOB
) STRICT;

-- Only the factors that nobody has confirmed yet. The value is always 1, so the entries are in the order of
-- the row keys.
CREATE INDEX pending_factor ON factor(pending) WHERE pending IS NOT NULL;
