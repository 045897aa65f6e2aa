-- Cases that reached us too late to page anybody for each: counted for the level that answers for them, by the day on
-- which they reached us. {service} is replaced by the service's name.

CREATE TABLE late_cases (
    area text NOT NULL,
    day date NOT NULL,
    cases integer NOT NULL,
    oldest_at timestamptz NOT NULL,
    newest_at timestamptz NOT NULL,
    PRIMARY KEY (area, day)
);

ALTER TABLE late_cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE late_cases FORCE ROW LEVEL SECURITY;
CREATE POLICY seen_in_scope ON late_cases FOR SELECT TO {service}_application
    USING (area ^@ ANY ((SELECT scope())::text[]));
CREATE POLICY all_areas ON late_cases TO {service}_worker, {service}_owner USING (true) WITH CHECK (true);

GRANT SELECT ON late_cases TO {service}_application;
GRANT SELECT, INSERT, UPDATE ON late_cases TO {service}_worker;
