-- A record that each consumer took early in a partition: it stays when the one taken last moves on. A log that was made
-- anew and grew past a consumer while that was away gives it no other sign, once records of it were taken.
ALTER TABLE consumer_offset
    ADD COLUMN anchor_offset bigint,
    ADD COLUMN anchor_timestamp bigint,
    ADD COLUMN anchor_hash bytea;

-- End a batch: what its streams have reached, and where its partitions stand. False, or a duplicate key, if a stream
-- is no more where it was `before` (0: not begun): then nothing of the batch must be committed.
CREATE OR REPLACE FUNCTION end_batch(
    consumer_name text, sources text[], streams uuid[], before integer[], reached integer[],
    topics text[], partitions integer[], next_offsets bigint[], timestamps bigint[], hashes bytea[]
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    going_on integer := cardinality(before) - cardinality(array_positions(before, 0));
    moved integer;
BEGIN
    -- Not an upsert, which takes twice as long: whether a stream was there is known, and the key is the safety.
    IF going_on < cardinality(before) THEN
        INSERT INTO progress (consumer, source, stream_id, version)
            SELECT consumer_name, m.source, m.stream_id, m.reached
            FROM unnest(sources, streams, before, reached) AS m (source, stream_id, before, reached)
            WHERE m.before = 0;
    END IF;
    IF going_on > 0 THEN
        UPDATE progress SET version = m.reached
            FROM (
                SELECT found.row, m.before, m.reached
                FROM unnest(sources, streams, before, reached) AS m (source, stream_id, before, reached)
                -- LIMIT keeps this a look-up by index, whatever the planner believes of the array's length.
                CROSS JOIN LATERAL (
                    SELECT p.ctid AS row FROM progress p
                    WHERE p.stream_id = m.stream_id AND p.source = m.source AND p.consumer = consumer_name
                        AND p.version = m.before
                    LIMIT 1
                ) found
                WHERE m.before > 0
            ) m
            WHERE progress.ctid = m.row AND progress.version = m.before;
        GET DIAGNOSTICS moved = ROW_COUNT;
        IF moved <> going_on THEN
            RETURN false;
        END IF;
    END IF;
    IF cardinality(topics) > 0 THEN
        UPDATE consumer_offset o SET
                next_offset = p.next_offset, last_timestamp = p.at, last_hash = p.hash,
                anchor_offset = coalesce(o.anchor_offset, p.next_offset - 1),
                anchor_timestamp = coalesce(o.anchor_timestamp, p.at), anchor_hash = coalesce(o.anchor_hash, p.hash)
            FROM unnest(topics, partitions, next_offsets, timestamps, hashes) AS p (topic, partition, next_offset, at, hash)
            WHERE o.consumer = consumer_name AND o.topic = p.topic AND o.partition = p.partition;
    END IF;
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION end_batch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_batch TO {service}_worker;
