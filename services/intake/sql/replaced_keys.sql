-- A key whose place another took holds beside it until it ends.

ALTER TABLE community_key ADD COLUMN ends_at timestamptz, ADD COLUMN replaces text REFERENCES community_key;

GRANT SELECT (ends_at, replaces) ON community_key TO intake_application;
