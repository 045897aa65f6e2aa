-- What a session remembers of the provider, so that it can end with the sign-in there; and who signed out elsewhere.
-- `provider_subject` and `provider_session` are keyed digests: nobody is found at the provider by them.
-- `sealed` holds the provider's tokens under a key that only the cookie has: whoever reads this table can't use them.
-- {service} is replaced by the service's name.

DELETE FROM session;  -- staff sign in once more: what there was knows nothing of the provider

ALTER TABLE session
    ADD COLUMN provider_subject bytea,
    ADD COLUMN provider_session bytea,
    ADD COLUMN sealed text,
    ADD COLUMN confirmed_at timestamptz;
CREATE INDEX session_by_subject ON session (subject);
CREATE INDEX session_by_provider_subject ON session (provider_subject);
CREATE INDEX session_by_provider_session ON session (provider_session);

-- A sign-in that was under way meanwhile, or a provider that still knows somebody, must not undo it.
CREATE TABLE signed_out (
    token bytea PRIMARY KEY,
    who bytea NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX signed_out_by_who ON signed_out (who);

GRANT SELECT, INSERT, DELETE ON signed_out TO {service}_worker;
