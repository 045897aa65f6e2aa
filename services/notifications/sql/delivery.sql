-- What is to be sent to whom, and the channels that staff are reached by. {service} is replaced by the service's name.
-- No address, name or text: what a message says is made when it is sent, and forgotten.

CREATE TABLE delivery (
    delivery_id uuid PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    audience text NOT NULL CHECK (audience IN ('staff', 'resident')),
    recipient text COLLATE "C" NOT NULL,
    what text NOT NULL,
    area text NOT NULL,
    reference text,
    category text,
    urgency text,
    owner text,
    by_when timestamptz,
    recorded_at timestamptz NOT NULL,
    stale_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'undeliverable', 'expired', 'cancelled',
        'unknown_after_restore')),
    channel text CHECK (channel IN ('mail', 'sms')),
    reason text,
    digest_of integer,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    settled_at timestamptz,
    UNIQUE (stream_id, source, version, audience, recipient, what)
) WITH (fillfactor = 85);
CREATE INDEX delivery_waiting ON delivery (next_at) WHERE state = 'waiting';
CREATE INDEX delivery_waiting_by_stream ON delivery (stream_id) WHERE state = 'waiting';
CREATE INDEX delivery_by_time ON delivery (recorded_at DESC, delivery_id);

CREATE TABLE contact_channel (
    staff_id text COLLATE "C" PRIMARY KEY,
    ref uuid NOT NULL,
    key_id smallint NOT NULL,
    sealed bytea NOT NULL,
    changed_at timestamptz NOT NULL
);

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON delivery FOR SELECT TO {service}_application
    USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON delivery TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT ON delivery TO {service}_application;
GRANT SELECT, INSERT, UPDATE ON delivery TO {service}_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_channel TO {service}_worker;
