-- Faults of the last days, counted to find patterns. Written by the consumer reporting-patterns alone.

CREATE TABLE fault_sighting (
    case_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    area text NOT NULL,
    category text NOT NULL
);
CREATE INDEX fault_sighting_by_category ON fault_sighting (area, category, at);

ALTER TABLE fault_sighting ENABLE ROW LEVEL SECURITY;
ALTER TABLE fault_sighting FORCE ROW LEVEL SECURITY;
CREATE POLICY all_areas ON fault_sighting TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, DELETE ON fault_sighting TO {service}_worker;
