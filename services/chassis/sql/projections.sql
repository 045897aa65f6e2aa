-- Which table stands behind each read model's view: `version` is the code's, `generation` counts rebuilds.
-- Version 0 means that history went by before the model was there: it waits for its first rebuild.

CREATE TABLE read_model (
    name text PRIMARY KEY,
    version integer NOT NULL,
    generation integer NOT NULL,
    switched_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT ON read_model TO {service}_application, {service}_worker;
-- The live projector locks its model's row against a switch, and PostgreSQL asks for a right to update to lock.
GRANT UPDATE (switched_at) ON read_model TO {service}_worker;
