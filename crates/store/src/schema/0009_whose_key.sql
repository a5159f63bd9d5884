-- Version 9. Whose an idempotency key is, so that none fills the table for all; unknown of those of before.

ALTER TABLE idempotency ADD COLUMN client BLOB;
