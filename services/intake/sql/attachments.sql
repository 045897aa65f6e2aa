-- Photos: what is known of each; the pictures themselves lie sealed outside, under the hash of what is sealed.

CREATE TABLE attachment (
    ref uuid PRIMARY KEY,
    -- The case that it belongs to; or, until that is sent, a keyed hash of the draft, and until when it is kept for it.
    stream_id uuid,
    draft uuid,
    expires_at timestamptz,
    -- The command that sends the draft: as soon as that is taken the photo is its case's, whoever dies meanwhile.
    sent_as text,
    area text,
    -- A keyed hash of what was sent: the same picture is kept once.
    fingerprint bytea NOT NULL,
    key_id smallint NOT NULL,
    photo text NOT NULL,
    thumbnail text NOT NULL,
    bytes integer NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (stream_id, fingerprint),
    UNIQUE (draft, fingerprint),
    CHECK ((stream_id IS NULL) <> (draft IS NULL)),
    CHECK ((stream_id IS NULL) = (area IS NULL)),
    CHECK ((draft IS NULL) = (expires_at IS NULL))
);
CREATE INDEX attachment_of_drafts ON attachment (expires_at) WHERE draft IS NOT NULL;

-- Sealed pictures that no row needs, or not yet: they go when they are due, however often a sweep is broken off.
CREATE TABLE doomed_blob (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL
);
CREATE INDEX doomed_blob_by_due_at ON doomed_blob (due_at);

ALTER TABLE attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachment FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON attachment FOR SELECT TO intake_application USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON attachment TO intake_worker, intake_owner USING (true) WITH CHECK (true);

GRANT SELECT ON attachment TO intake_application;
GRANT SELECT, INSERT, UPDATE, DELETE ON attachment, doomed_blob TO intake_worker;

-- One photo of a case for somebody whose looks are recorded: once for each link that they were given, before the answer.
CREATE FUNCTION open_attachment(wanted uuid, looker text, looker_role text, why text, since timestamptz)
RETURNS TABLE (key_id smallint, photo text, thumbnail text)
LANGUAGE sql VOLATILE AS $$
    INSERT INTO particulars_access (stream_id, ref, actor, role, purpose)
        SELECT a.stream_id, a.ref, looker, looker_role, why FROM attachment a
        WHERE a.ref = wanted AND a.stream_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM particulars_access seen
            WHERE seen.stream_id = a.stream_id AND seen.ref = a.ref AND seen.actor = looker
                AND seen.role = looker_role AND seen.purpose = why AND seen.at >= since
        );
    SELECT a.key_id, a.photo, a.thumbnail FROM attachment a WHERE a.ref = wanted AND a.stream_id IS NOT NULL;
$$;
REVOKE ALL ON FUNCTION open_attachment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_attachment TO intake_worker;
