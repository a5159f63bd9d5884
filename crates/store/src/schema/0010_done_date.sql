-- Version 10. When the carrier says that it happened what a receipt tells that matches nothing yet.

ALTER TABLE unmatched ADD COLUMN done TEXT;
