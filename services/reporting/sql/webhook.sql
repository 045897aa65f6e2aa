-- Whom to tell of events: an address each, the secret that signs what it is told, and how far it was told.
-- Written by registration and by the one sender alone.

CREATE TABLE webhook (
    webhook_id uuid PRIMARY KEY,
    area text NOT NULL,
    community uuid,
    url text NOT NULL,
    types text[],
    key_id smallint NOT NULL,
    sealed bytea NOT NULL,
    old_key_id smallint,
    old_sealed bytea,
    old_until timestamptz,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_failure text,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at timestamptz
);

ALTER TABLE webhook ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON webhook FOR SELECT TO {service}_application
    USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON webhook TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT (webhook_id, area, community, url, types, old_until, position, created_at, told_at, failures, failing_since,
    last_failure, next_attempt_at, disabled_at) ON webhook TO {service}_application;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO {service}_worker;
