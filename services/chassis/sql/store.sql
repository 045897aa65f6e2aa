-- One service's event store: one log, gapless positions in commit order. The events table is the outbox.
-- {service} is replaced by the service's name; its three roles are made by whoever makes the database.

CREATE TABLE log (position bigint NOT NULL);
CREATE UNIQUE INDEX log_is_one_row ON log ((true));
INSERT INTO log VALUES (0);

CREATE TABLE stream (
    stream_id uuid PRIMARY KEY,
    kind text NOT NULL,
    area text NOT NULL,
    version integer NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE event (
    position bigint PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    schema_version smallint NOT NULL,
    type text NOT NULL,
    area text NOT NULL,
    actor text NOT NULL,
    command_key text NOT NULL,
    fingerprint bytea NOT NULL,
    traceparent text,
    data json NOT NULL,
    UNIQUE (stream_id, version)
);

CREATE TABLE command (
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    key text PRIMARY KEY,
    fingerprint bytea NOT NULL,
    refusal text
);

CREATE TABLE particulars (
    ref uuid PRIMARY KEY,
    stream_id uuid NOT NULL,
    key_id smallint NOT NULL,
    area text NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX particulars_by_stream ON particulars (stream_id);

-- Who opened whose particulars, when and why: the resident may read it.
CREATE TABLE particulars_access (
    nth bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stream_id uuid NOT NULL,
    ref uuid NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    purpose text NOT NULL
);
CREATE INDEX particulars_access_by_stream ON particulars_access (stream_id);

CREATE TABLE cursor (
    consumer text PRIMARY KEY,
    position bigint NOT NULL
);

-- Areas that the caller may see: path prefixes, set for one transaction by whoever asks.
CREATE FUNCTION scope() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN string_to_array(current_setting('doorstep.scope', true), ',');

ALTER TABLE stream ENABLE ROW LEVEL SECURITY;
ALTER TABLE stream FORCE ROW LEVEL SECURITY;
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;
ALTER TABLE particulars ENABLE ROW LEVEL SECURITY;
ALTER TABLE particulars FORCE ROW LEVEL SECURITY;

CREATE POLICY seen_in_scope ON stream FOR SELECT TO {service}_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY seen_in_scope ON event FOR SELECT TO {service}_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY seen_in_scope ON particulars FOR SELECT TO {service}_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON stream TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);
CREATE POLICY all_areas ON event TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);
CREATE POLICY all_areas ON particulars TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT, UPDATE ON log TO {service}_worker;
GRANT SELECT, INSERT, UPDATE ON stream, cursor TO {service}_worker;
GRANT SELECT, INSERT ON event, command TO {service}_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON particulars TO {service}_worker;
GRANT SELECT ON log, stream, event, command, particulars, cursor, particulars_access TO {service}_application;
GRANT SELECT ON particulars_access TO {service}_worker;
GRANT INSERT ON particulars_access TO {service}_application, {service}_worker;

CREATE FUNCTION open_particulars(refs uuid[], actor text, role text, purpose text)
RETURNS TABLE (ref uuid, key_id smallint, sealed bytea)
LANGUAGE sql VOLATILE AS $$
    INSERT INTO particulars_access (stream_id, ref, actor, role, purpose)
        SELECT p.stream_id, p.ref, open_particulars.actor, open_particulars.role, open_particulars.purpose
        FROM particulars p WHERE p.ref = ANY (refs);
    SELECT p.ref, p.key_id, p.sealed FROM particulars p WHERE p.ref = ANY (refs);
$$;

-- Take a batch of commands: at most one for each key and each stream. `event_counts` is how many events each brings;
-- `event_of` and `sealed_of` are one-based positions in `keys`, and `ordinals` number a command's own events from 1.
-- The verdict on one command touches no other: taken, repeated, key_reused, stale.
CREATE FUNCTION append(
    keys text[], fingerprints bytea[], streams uuid[], kinds text[], areas text[], expected_versions integer[],
    event_counts integer[], refusals text[], actors text[], traceparents text[],
    event_of integer[], ordinals integer[], types text[], schema_versions smallint[], occurred timestamptz[],
    bodies text[],
    sealed_of integer[], sealed_refs uuid[], sealed_key_ids smallint[], sealed_bodies bytea[]
) RETURNS TABLE (verdict text, outcome_stream uuid, outcome_version integer, outcome_refusal text)
LANGUAGE plpgsql VOLATILE
-- Planning anew for each call would cost three times what a small batch costs, and a plan made while the tables were
-- empty must still go by index when they are not.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    base bigint;
    at timestamptz;
BEGIN
    SELECT position INTO base FROM log FOR UPDATE;
    at := clock_timestamp();
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT i.*, known.stream_id AS known_stream, known.version AS known_version, known.refusal AS known_refusal,
            coalesce(s.version, 0) AS current, coalesce(s.area, i.area) AS home,
            CASE
                WHEN known.fingerprint = i.fingerprint THEN 'repeated'
                WHEN known.fingerprint IS NOT NULL THEN 'key_reused'
                WHEN i.expected <> coalesce(s.version, 0) THEN 'stale'
                ELSE 'taken'
            END AS verdict
        FROM unnest(keys, fingerprints, streams, kinds, areas, expected_versions, event_counts, refusals, actors,
            traceparents) WITH ORDINALITY
            AS i (key, fingerprint, stream_id, kind, area, expected, events, refusal, actor, traceparent, nth)
        -- LIMIT keeps these two look-ups by index, whatever the planner believes of the array's length.
        LEFT JOIN LATERAL (SELECT * FROM command WHERE command.key = i.key LIMIT 1) known ON true
        LEFT JOIN LATERAL (SELECT * FROM stream WHERE stream.stream_id = i.stream_id LIMIT 1) s ON true
    ), written_events AS (
        INSERT INTO event (position, stream_id, version, type, schema_version, area, actor, command_key, fingerprint,
            traceparent, occurred_at, recorded_at, data)
        SELECT base + row_number() OVER (ORDER BY e.nth), j.stream_id, j.current + e.ordinal, e.type,
            e.schema_version, j.home, j.actor, j.key, j.fingerprint, j.traceparent, e.occurred_at, at, e.body::json
        FROM unnest(event_of, ordinals, types, schema_versions, occurred, bodies)
            WITH ORDINALITY AS e (command, ordinal, type, schema_version, occurred_at, body, nth)
        JOIN judged j ON j.nth = e.command AND j.verdict = 'taken'
    ), written_streams AS (
        INSERT INTO stream AS s (stream_id, kind, area, version)
        SELECT stream_id, kind, home, current + events FROM judged WHERE verdict = 'taken' AND events > 0
        ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version
    ), written_commands AS (
        INSERT INTO command (key, fingerprint, stream_id, version, refusal)
        SELECT key, fingerprint, stream_id, current + events, refusal FROM judged WHERE verdict = 'taken'
    ), written_particulars AS (
        INSERT INTO particulars (ref, stream_id, area, key_id, sealed)
        SELECT p.ref, j.stream_id, j.home, p.key_id, p.sealed
        FROM unnest(sealed_of, sealed_refs, sealed_key_ids, sealed_bodies) AS p (command, ref, key_id, sealed)
        JOIN judged j ON j.nth = p.command AND j.verdict = 'taken'
    ), moved AS (
        UPDATE log SET position = base + (SELECT coalesce(sum(events), 0) FROM judged WHERE verdict = 'taken')
    )
    SELECT verdict,
        CASE WHEN verdict IN ('repeated', 'key_reused') THEN known_stream ELSE stream_id END,
        CASE verdict WHEN 'taken' THEN current + events WHEN 'stale' THEN current ELSE known_version END,
        CASE WHEN verdict = 'repeated' THEN known_refusal ELSE refusal END
    FROM judged
    ORDER BY nth;
END $$;

-- What a decision needs: the first outcomes of these command keys, then the events of these streams that lie in scope.
CREATE FUNCTION load(area_scope text[], command_keys text[], streams uuid[])
RETURNS TABLE (
    stream_id uuid, version integer, key text, fingerprint bytea, refusal text,
    area text, type text, schema_version smallint, data text
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('doorstep.scope', array_to_string(area_scope, ','), true);
    RETURN QUERY
        SELECT c.stream_id, c.version, c.key, c.fingerprint, c.refusal, NULL::text, NULL::text, NULL::smallint, NULL::text
        FROM unnest(command_keys) AS k (key)
        CROSS JOIN LATERAL (SELECT * FROM command WHERE command.key = k.key LIMIT 1) c;
    RETURN QUERY
        SELECT e.stream_id, e.version, NULL::text, NULL::bytea, NULL::text, e.area, e.type, e.schema_version, e.data::text
        FROM unnest(streams) AS s (stream_id)
        CROSS JOIN LATERAL (
            SELECT * FROM event WHERE event.stream_id = s.stream_id ORDER BY event.version OFFSET 0
        ) e;
END $$;

REVOKE ALL ON FUNCTION append, load, open_particulars FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_particulars TO {service}_worker, {service}_application;
GRANT EXECUTE ON FUNCTION append TO {service}_worker;
GRANT EXECUTE ON FUNCTION load TO {service}_worker, {service}_application;
