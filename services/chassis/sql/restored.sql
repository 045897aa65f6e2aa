-- When this database was brought back to an earlier time, and what reached neither the backup nor Kafka.
-- Written by `doorstep restore` alone, before anything is served. {service} is replaced by the service's name.

CREATE TABLE restored (
    restored_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    to_time timestamptz NOT NULL
);

-- Positions of the log whose events are gone for good: a gap that is known, and never filled with others.
CREATE TABLE lost_position (
    first_position bigint PRIMARY KEY,
    last_position bigint NOT NULL CHECK (last_position >= first_position),
    restored_at timestamptz NOT NULL REFERENCES restored
);

GRANT SELECT ON restored, lost_position TO {service}_application, {service}_worker;
