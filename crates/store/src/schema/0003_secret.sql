-- Version 3. Secrets of the gateway that are no key-encryption keys, wrapped as those are.

CREATE TABLE secret(
    name TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
