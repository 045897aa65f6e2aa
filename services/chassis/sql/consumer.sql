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

-- Begin a batch: from here to the end of the transaction nobody else moves these partitions' offsets. Where each
-- partition stands (null: not met yet), which version each stream has reached (0: none), whether anything is held.
-- Its commit waits for no disk: whatever a crash takes back is read again from Kafka, from the offset it took back too.
CREATE FUNCTION begin_batch(
    consumer_name text, topics text[], partitions integer[], sources text[], streams uuid[]
) RETURNS TABLE (next_offsets bigint[], versions integer[], any_held boolean)
LANGUAGE plpgsql VOLATILE
-- As in `append`: one plan for good, by index, whatever the tables held when it was made.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM 1 FROM consumer_offset o JOIN unnest(topics, partitions) AS p (topic, partition) USING (topic, partition)
        WHERE o.consumer = consumer_name ORDER BY topic, partition FOR UPDATE OF o;
    -- Statements of their own: they see what whoever held the rows before us has committed.
    next_offsets := ARRAY(
        SELECT (SELECT o.next_offset FROM consumer_offset o
            WHERE o.consumer = consumer_name AND o.topic = p.topic AND o.partition = p.partition)
        FROM unnest(topics, partitions) WITH ORDINALITY AS p (topic, partition, nth) ORDER BY p.nth
    );
    versions := ARRAY(
        SELECT coalesce((SELECT p.version FROM progress p
            WHERE p.stream_id = s.stream_id AND p.source = s.source AND p.consumer = consumer_name), 0)
        FROM unnest(sources, streams) WITH ORDINALITY AS s (source, stream_id, nth) ORDER BY s.nth
    );
    any_held := EXISTS (SELECT FROM held h WHERE h.consumer = consumer_name);
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION begin_batch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_batch TO {service}_worker;
