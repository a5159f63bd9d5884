-- Version 8. Webhooks of clients, whose secrets are sealed in them; and how far everybody who hears of events
-- has been told. There are few of either, and they change where they stand.

CREATE TABLE webhook(
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE progress(
    name TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
