-- Version 1. Every table that a commit writes is keyed by a number that only grows, so that writes
-- stay at the right edge of its tree however large it gets.

-- The ledger: what happened, in order. The index is the leaf index of the RFC 6962 tree.
CREATE TABLE entry(
    idx INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL,
    leaf BLOB NOT NULL
) STRICT;

-- Messages to handsets. `state` and `version` never hold 0 or 1, which SQLite stores in no octet:
-- with the segments padded, an update keeps the row's length and happens in place.
CREATE TABLE message(
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    state INTEGER NOT NULL,
    version INTEGER NOT NULL,
    open INTEGER,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    subject BLOB NOT NULL,
    head TEXT NOT NULL,
    segments TEXT NOT NULL
) STRICT;

-- Only the messages that are not final: what a start has to read. The value is always 1, so the
-- entries are in the order of the row keys.
CREATE INDEX open_message ON message(open) WHERE open IS NOT NULL;

-- Sealed personal data: `row` is the owner's sequence and two bits of purpose.
CREATE TABLE vault(
    row INTEGER PRIMARY KEY,
    week INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Wrapped key-encryption keys: `row` is the week and two bits of purpose.
CREATE TABLE kek(
    row INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE inbound(
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    short_code INTEGER NOT NULL,
    received INTEGER NOT NULL,
    keyword TEXT,
    carrier TEXT NOT NULL,
    subject BLOB NOT NULL
) STRICT;

-- Parts of long messages from handsets that still wait for the others.
CREATE TABLE part(
    seq INTEGER PRIMARY KEY,
    short_code INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    data_coding INTEGER NOT NULL,
    reference INTEGER NOT NULL,
    width INTEGER NOT NULL,
    total INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Receipts that match no segment yet.
CREATE TABLE unmatched(
    seq INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    state TEXT NOT NULL,
    error INTEGER,
    subject BLOB,
    at INTEGER NOT NULL
) STRICT;

-- Opt-outs and their removals, appended; the latest of a (short code, subject) counts.
CREATE TABLE optout(
    seq INTEGER PRIMARY KEY,
    short_code INTEGER NOT NULL,
    subject BLOB NOT NULL,
    standing INTEGER NOT NULL,
    basis TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE client(
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency(
    message INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    key BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

-- What the index database has not taken in yet: per group commit, keyed by its first ledger index,
-- 16 octets for each new message or inbound message.
CREATE TABLE fresh(
    first INTEGER PRIMARY KEY,
    rows BLOB NOT NULL
) STRICT;

-- Single values: `node`, `epoch`, `trimmed`.
CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
