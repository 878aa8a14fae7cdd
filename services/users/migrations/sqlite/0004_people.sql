-- What administrators do about accounts. Tables of their own: a column more in users would change
-- the answers that an older program, still running, has prepared.

-- Accounts that nobody may sign in to.
CREATE TABLE disabled_users (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    disable_time INTEGER NOT NULL
) STRICT;

-- Every name that an account has ever had: none is given out again.
CREATE TABLE usernames (
    username TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO usernames (username) SELECT username FROM users;

-- Invitations that have not been used. They end with their maker's being an administrator. A code is
-- never stored, only its SHA-256. No two share a create_time: lists go and page by it.
CREATE TABLE invitations (
    id BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    -- The role of the account to be made, numbered as in users.
    role INTEGER NOT NULL,
    inviter_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    create_time INTEGER NOT NULL UNIQUE,
    expire_time INTEGER NOT NULL
) STRICT;

CREATE INDEX invitations_inviter_id ON invitations (inviter_id);
CREATE INDEX invitations_expire_time ON invitations (expire_time);

-- Codes by which another password can be set, one for an account. They end as invitations do.
CREATE TABLE password_resets (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    digest BLOB NOT NULL UNIQUE,
    maker_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expire_time INTEGER NOT NULL
) STRICT;

CREATE INDEX password_resets_maker_id ON password_resets (maker_id);
CREATE INDEX password_resets_expire_time ON password_resets (expire_time);

-- Deleted accounts whose thoughts are still to go: written in the transaction that deletes the
-- account, deleted when the thoughts backend has done its part.
CREATE TABLE purges (
    user_id BLOB NOT NULL PRIMARY KEY,
    -- How often it has been tried.
    attempts INTEGER NOT NULL,
    -- When it is to be tried next. Whoever tries moves it on first, so that nobody else does too.
    due_time INTEGER NOT NULL
) STRICT;

CREATE INDEX purges_due_time ON purges (due_time);
