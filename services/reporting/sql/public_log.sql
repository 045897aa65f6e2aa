-- Reporting's own copy of everything that is published: gapless positions of its own, in the order of arrival.
-- Filled from Kafka in the consumer's transactions, never relayed.

CREATE TABLE public_log (position bigint NOT NULL);
CREATE UNIQUE INDEX public_log_is_one_row ON public_log ((true));
INSERT INTO public_log VALUES (0);

CREATE TABLE public_event (
    position bigint PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    source_position bigint NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    schema_version smallint NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    area text NOT NULL,
    actor text NOT NULL,
    command_key text NOT NULL,
    fingerprint bytea NOT NULL,
    traceparent text,
    data json NOT NULL,
    UNIQUE (stream_id, source, version)
);

ALTER TABLE public_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE public_event FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON public_event FOR SELECT TO {service}_application
    USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON public_event TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT, UPDATE ON public_log TO {service}_worker;
GRANT SELECT, INSERT ON public_event TO {service}_worker;
GRANT SELECT ON public_log, public_event TO {service}_application;

-- Streams at which a read model's fold failed: it left them out from this position on, and the others went on.
CREATE TABLE left_out (
    position bigint NOT NULL,
    stream_id uuid NOT NULL,
    model text NOT NULL,
    reason text NOT NULL,
    left_out_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, stream_id)
);

GRANT SELECT, INSERT, DELETE ON left_out TO {service}_worker;
