-- What this service has taken from Kafka. {service} is replaced by the service's name.

-- Where each consumer stands in each partition, and which record it took last: another one there is another log.
CREATE TABLE consumer_offset (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    last_timestamp bigint,
    last_hash bytea,
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);

-- The last version of each stream that a consumer took. Kept for ever: a republish a year later does nothing.
CREATE TABLE progress (
    version integer NOT NULL,
    stream_id uuid NOT NULL,
    consumer text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (stream_id, source, consumer)
) WITH (fillfactor = 85);

-- Records as they came, kept until their turn comes. With a reason: parked. Without: only early.
-- Unreadable ones have no stream; then log, offset and content are who they are.
CREATE TABLE held (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    source text,
    stream_id uuid,
    version integer,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp bigint NOT NULL,
    record_hash bytea NOT NULL,
    key bytea,
    header_names bytea[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    reason text,
    retry boolean NOT NULL DEFAULT false,
    held_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (reason IS NOT NULL OR stream_id IS NOT NULL),
    CHECK (num_nulls(source, stream_id, version) IN (0, 3))
);
CREATE UNIQUE INDEX held_by_stream ON held (consumer, source, stream_id, version) WHERE stream_id IS NOT NULL;
CREATE UNIQUE INDEX held_by_record ON held (consumer, topic, partition, record_offset, record_hash)
    WHERE stream_id IS NULL;
CREATE INDEX held_to_retry ON held (consumer, id) WHERE retry;

GRANT SELECT, INSERT, UPDATE ON consumer_offset, progress TO {service}_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON held TO {service}_worker;
GRANT SELECT ON progress TO {service}_application;
