-- A session lasts from signing in until it is ended, or not renewed in time. Its row is deleted when
-- it ends, but for one that was ended because a refresh token was used again: that is told for a
-- while.
CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    user_agent TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    last_use_time INTEGER NOT NULL,
    -- When it ends unless it is renewed before.
    expire_time INTEGER NOT NULL,
    -- When a refresh token of it was used again, late; the session is over since then.
    reuse_time INTEGER,
    -- From when nobody needs the row any more.
    forget_time INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_forget_time ON sessions (forget_time);

-- Every refresh token that a session has had, as long as it lasts; used ones too, so that they are
-- known again. A token is never stored, only its SHA-256.
CREATE TABLE refresh_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- NULL for the session's current token.
    use_time INTEGER,
    -- What makes a used token's successor out of the token itself.
    nonce BLOB
) STRICT;

CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
