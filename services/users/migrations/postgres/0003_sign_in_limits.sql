-- How often sign-ins have failed lately: for a name from an address, for a name, for an address and
-- in all. Where nothing fails there are no rows.
CREATE TABLE sign_in_limits (
    -- The SHA-256 of what is limited, so that neither names nor addresses can be read here.
    bucket BYTEA NOT NULL PRIMARY KEY,
    -- When every failure is made up for; each one moves it on.
    free_time BIGINT NOT NULL,
    -- Until when a name is known to have signed in from an address.
    known_time BIGINT,
    -- From when nobody needs the row any more.
    forget_time BIGINT NOT NULL
);

CREATE INDEX sign_in_limits_forget_time ON sign_in_limits (forget_time);
