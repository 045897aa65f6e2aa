-- Which cases are answered with another one. Written by the consumer mediation-cases alone, of mediation's own events.

CREATE TABLE merged_case (
    case_id uuid PRIMARY KEY,
    into_case uuid NOT NULL,
    area text NOT NULL
);
CREATE INDEX merged_case_by_other ON merged_case (into_case);

ALTER TABLE merged_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE merged_case FORCE ROW LEVEL SECURITY;
CREATE POLICY all_areas ON merged_case TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);
CREATE POLICY seen_in_scope ON merged_case FOR SELECT TO {service}_application
    USING (area ^@ ANY ((SELECT scope())::text[]));

GRANT SELECT, INSERT, UPDATE, DELETE ON merged_case TO {service}_worker;
GRANT SELECT ON merged_case TO {service}_application;
