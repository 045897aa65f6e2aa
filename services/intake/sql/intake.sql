-- What intake keeps beside its log: communities' keys, conflicting reports, and which cases were erased.

CREATE TABLE community_key (
    key_id text PRIMARY KEY,
    community uuid NOT NULL,
    area text NOT NULL,
    time_zone text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_on date,
    revoked_at timestamptz
);
CREATE INDEX community_key_by_community ON community_key (community);

-- Reports whose reference had come before with other content: kept for people to look at.
CREATE TABLE set_aside (
    ref uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    community uuid NOT NULL,
    area text NOT NULL,
    reference text NOT NULL,
    fingerprint bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_id smallint NOT NULL,
    sealed bytea NOT NULL,
    UNIQUE (case_id, fingerprint)
);
CREATE INDEX set_aside_by_community ON set_aside (community, ref);

-- The ledger that a restore must apply again before anything is served.
CREATE TABLE erased (
    case_id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE community_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE community_key FORCE ROW LEVEL SECURITY;
ALTER TABLE set_aside ENABLE ROW LEVEL SECURITY;
ALTER TABLE set_aside FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON community_key FOR SELECT TO intake_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY seen_in_scope ON set_aside FOR SELECT TO intake_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON community_key TO intake_worker, intake_owner USING (true) WITH CHECK (true);
CREATE POLICY all_areas ON set_aside TO intake_worker, intake_owner USING (true) WITH CHECK (true);

GRANT SELECT ON set_aside, erased TO intake_application;
GRANT SELECT (key_id, community, area, scopes, created_at, last_used_on, revoked_at) ON community_key TO intake_application;
GRANT SELECT, INSERT, UPDATE ON community_key TO intake_worker;
GRANT SELECT, INSERT, DELETE ON set_aside TO intake_worker;
GRANT SELECT, INSERT ON erased TO intake_worker;
