-- Who signed up for a gathering is told of changes: `recipient` is then the id of the sign-up, which joins nothing else.

ALTER TABLE delivery DROP CONSTRAINT delivery_audience_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_audience_check CHECK (audience IN ('staff', 'resident', 'guest'));
