//! The log of changes: reading, trimming, and being woken when there is something new.
//!
//! Triggers write it (see the migration `changes`), in the transaction of the change itself.

use std::{future::pending, sync::Arc};

use database::{Database, Engine, Error};
use runtime::clock::Timestamp;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Store, read::visibility};
use crate::{
    live::{Entry, Log, Mark, Side},
    thought::{Author, Thought},
};

/// Where replicas tell each other that there is something new.
const CHANNEL: &str = "thoughts_changes";

/// The statements that order the log, which is by the number of the change alone where there is one
/// writer.
struct Sql {
    log: &'static str,
    after: &'static str,
    /// The last of the oldest changes, as many as one transaction deletes, that is old enough.
    old: &'static str,
    delete_old: &'static str,
    /// Takes out what was said by an author who is gone.
    erase: &'static str,
}

const SQLITE: Sql = Sql {
    log: "
        SELECT epoch, trimmed_xid, trimmed_seq, 0,
            max(trimmed_seq, coalesce((SELECT max(seq) FROM changes), 0))
        FROM change_log",
    after: "
        SELECT xid, seq, thought_id, position, moved_by, author_id, author, before_visibility,
            before_text, after_visibility, after_text, after_update_time
        FROM changes WHERE xid >= $1 AND seq > $2 AND xid <= $3
        ORDER BY seq LIMIT $4",
    old: "
        SELECT xid, seq FROM (
            SELECT xid, seq, change_time FROM changes WHERE xid <= $1 ORDER BY seq LIMIT 500
        ) AS oldest
        WHERE change_time < $2 ORDER BY seq DESC LIMIT 1",
    delete_old: "DELETE FROM changes WHERE xid <= $1 AND seq <= $2",
    erase: "
        UPDATE changes SET before_text = NULL, after_text = NULL WHERE seq IN (
            SELECT seq FROM changes
            WHERE author_id = $1 AND (before_text IS NOT NULL OR after_text IS NOT NULL) LIMIT $2
        )",
};

const POSTGRES: Sql = Sql {
    // Transactions before the oldest that is under way have committed, or never will.
    log: "
        SELECT epoch, trimmed_xid, trimmed_seq,
            pg_snapshot_xmin(pg_current_snapshot())::TEXT::BIGINT - 1, 9223372036854775807
        FROM change_log",
    after: "
        SELECT xid, seq, thought_id, position, moved_by, author_id, author, before_visibility,
            before_text, after_visibility, after_text, after_update_time
        FROM changes WHERE (xid, seq) > ($1, $2) AND xid <= $3
        ORDER BY xid, seq LIMIT $4",
    old: "
        SELECT xid, seq FROM (
            SELECT xid, seq, change_time FROM changes WHERE xid <= $1 ORDER BY xid, seq LIMIT 500
        ) AS oldest
        WHERE change_time < $2 ORDER BY xid DESC, seq DESC LIMIT 1",
    delete_old: "DELETE FROM changes WHERE (xid, seq) <= ($1, $2)",
    erase: "
        UPDATE changes SET before_text = NULL, after_text = NULL WHERE (xid, seq) IN (
            SELECT xid, seq FROM changes
            WHERE author_id = $1 AND (before_text IS NOT NULL OR after_text IS NOT NULL) LIMIT $2
        )",
};

const NOTE_TRIMMED: &str = "
    UPDATE change_log SET trimmed_xid = $1, trimmed_seq = $2
    WHERE (trimmed_xid, trimmed_seq) < ($1, $2)";

/// A dump takes the log along to a server that counts transactions from elsewhere.
const MOVE_HOME: &str = "
    UPDATE change_log SET epoch = gen_random_uuid(), trimmed_xid = 0, trimmed_seq = 0,
        home = (SELECT system_identifier::TEXT FROM pg_control_system())
            || ' ' || (SELECT oid::TEXT FROM pg_database WHERE datname = current_database())
    WHERE home <> (SELECT system_identifier::TEXT FROM pg_control_system())
            || ' ' || (SELECT oid::TEXT FROM pg_database WHERE datname = current_database())";

#[derive(sqlx::FromRow)]
struct Row {
    xid: i64,
    seq: i64,
    thought_id: Uuid,
    position: i64,
    moved_by: i64,
    author_id: Uuid,
    author: String,
    before_visibility: Option<i16>,
    before_text: Option<String>,
    after_visibility: Option<i16>,
    after_text: Option<String>,
    after_update_time: Option<i64>,
}

/// Wakes when another replica has changed something. It misses some while its connection is away.
#[derive(Debug)]
pub struct Listener {
    own: String,
    /// `None` on SQLite, whose changes are all of this process or seen by looking now and then.
    connection: Option<PgListener>,
}

impl Store {
    /// The log as it is now.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn change_log(&self) -> Result<Log, Error> {
        let sql = sql(self.database.engine()).log;
        let (epoch, trimmed_xid, trimmed_seq, end_xid, end_seq) =
            database::read!(self.database, |conn| {
                sqlx::query_as(sql).fetch_one(&mut *conn).await
            })?;
        Ok(Log {
            epoch,
            trimmed: Mark {
                xid: trimmed_xid,
                seq: trimmed_seq,
            },
            end: Mark {
                xid: end_xid,
                seq: end_seq,
            },
        })
    }

    /// The changes behind a place, the oldest first, up to the end of `log` and no more than
    /// `limit`.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn changes(&self, after: Mark, log: &Log, limit: i64) -> Result<Vec<Entry>, Error> {
        let sql = sql(self.database.engine()).after;
        let rows: Vec<Row> = database::read!(self.database, |conn| {
            sqlx::query_as(sql)
                .bind(after.xid)
                .bind(after.seq)
                .bind(log.end.xid)
                .bind(limit)
                .fetch_all(&mut *conn)
                .await
        })?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// Whether changes have been committed that cannot be told before an older transaction ends.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn has_changes_behind(&self, log: &Log) -> Result<bool, Error> {
        if self.database.engine() == Engine::Sqlite {
            return Ok(false);
        }
        database::read!(self.database, |conn| {
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM changes WHERE xid > $1)")
                .bind(log.end.xid)
                .fetch_one(&mut *conn)
                .await
        })
    }

    /// Deletes what was logged before that time, by the database's clock.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn trim_changes(&self, before: Timestamp) -> Result<(), Error> {
        // A few at a time, so that nobody waits for long.
        while self.trim_some(before).await? {}
        Ok(())
    }

    /// Completes when something has been changed through this store or a clone of it, since the
    /// last time. For one task alone.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes whoever listens in other replicas. Never in the transaction of the change: on
    /// PostgreSQL those that notify commit one after the other.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn announce_changes(&self) -> Result<(), Error> {
        if let Database::Postgres(pool) = &self.database {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(self.changed.name())
                .execute(&**pool)
                .await?;
        }
        Ok(())
    }

    /// Listens to the other replicas.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn listen_for_changes(&self) -> Result<Listener, Error> {
        let connection = match &self.database {
            Database::Sqlite { .. } => None,
            Database::Postgres(pool) => {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen(CHANNEL).await?;
                Some(listener)
            }
        };
        Ok(Listener {
            own: self.changed.name().to_owned(),
            connection,
        })
    }

    /// Begins a new log where the one at hand came with a dump from another server.
    pub(super) async fn settle_log(&self) -> Result<(), Error> {
        if self.database.engine() == Engine::Sqlite {
            return Ok(());
        }
        database::write!(self.database, |conn| {
            let moved = sqlx::query(MOVE_HOME).execute(&mut *conn).await?;
            if moved.rows_affected() == 1 {
                sqlx::query("DELETE FROM changes")
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(())
        })
    }

    /// One transaction of trimming; whether there may be more.
    async fn trim_some(&self, before: Timestamp) -> Result<bool, Error> {
        let end = self.change_log().await?.end;
        let sql = sql(self.database.engine());
        database::write!(self.database, |conn| {
            let old: Option<(i64, i64)> = sqlx::query_as(sql.old)
                .bind(end.xid)
                .bind(before.as_micros())
                .fetch_optional(&mut *conn)
                .await?;
            if let Some((xid, seq)) = old {
                for sql in [NOTE_TRIMMED, sql.delete_old] {
                    sqlx::query(sql)
                        .bind(xid)
                        .bind(seq)
                        .execute(&mut *conn)
                        .await?;
                }
            }
            Ok(old.is_some())
        })
    }
}

impl Listener {
    /// Completes when another replica has said that it changed something, or may have done so while
    /// the connection was away.
    ///
    /// # Errors
    ///
    /// The database's; listening again is up to the caller.
    pub async fn heard(&mut self) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else {
            return pending().await;
        };
        loop {
            match connection.try_recv().await? {
                Some(notification) if notification.payload() == self.own => {}
                _ => return Ok(()),
            }
        }
    }
}

/// That something has been changed here, and the name under which other replicas are told.
#[derive(Clone, Debug)]
pub(super) struct Changed(Arc<(Notify, String)>);

impl Changed {
    /// A name of its own.
    pub(super) fn new() -> Self {
        Self(Arc::new((Notify::new(), Uuid::new_v4().to_string())))
    }

    /// To be called after the commit.
    pub(super) fn notify(&self) {
        self.0.0.notify_one();
    }

    async fn notified(&self) {
        self.0.0.notified().await;
    }

    fn name(&self) -> &str {
        &self.0.1
    }
}

/// What takes an author's texts out of the log, no more than so many rows at a time.
pub(super) const fn erase(engine: Engine) -> &'static str {
    sql(engine).erase
}

const fn sql(engine: Engine) -> &'static Sql {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let author = Author {
            id: row.author_id,
            username: row.author,
        };
        let create_time = row.position - row.moved_by;
        let update_time = row.after_update_time.unwrap_or(create_time);
        let side = |number: Option<i16>, text: Option<String>| {
            let visibility = visibility(number?);
            let Some(text) = text else {
                return Some(Side::Erased(visibility));
            };
            Some(Side::Known(Thought {
                id: row.thought_id,
                author: author.clone(),
                text,
                visibility,
                create_time: Timestamp::from_micros(create_time),
                position: row.position,
                update_time: Timestamp::from_micros(update_time),
                trashed: None,
            }))
        };
        Self {
            mark: Mark {
                xid: row.xid,
                seq: row.seq,
            },
            id: row.thought_id,
            before: side(row.before_visibility, row.before_text),
            after: side(row.after_visibility, row.after_text),
            author,
        }
    }
}
