-- Who is signed in to this service's pages. {service} is replaced by the service's name.
-- The cookie's content is not here, only its digest: whoever reads this table can't be anybody.

CREATE TABLE session (
    digest bytea PRIMARY KEY,
    subject text NOT NULL,
    roles text[] NOT NULL,
    areas text[] NOT NULL,
    csrf text NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL
);
CREATE INDEX session_by_end ON session (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON session TO {service}_worker;
