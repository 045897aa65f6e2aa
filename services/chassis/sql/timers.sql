-- Clocks that run: a read model of the service's own log. {service} is replaced by the service's name.
-- The row of `cursor` whose consumer is `timers` says how much of the log is in it; it moves with the rows.

CREATE TABLE timer (
    due_at timestamptz NOT NULL,
    stream_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    area text NOT NULL,
    traceparent text,
    PRIMARY KEY (stream_id, name)
) WITH (fillfactor = 85);
CREATE INDEX timer_by_due_at ON timer (due_at);

ALTER TABLE timer ENABLE ROW LEVEL SECURITY;
ALTER TABLE timer FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON timer FOR SELECT TO {service}_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON timer TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON timer TO {service}_worker;
GRANT SELECT ON timer TO {service}_application;
