//! Steps that several transactions share: each is written once for both engines, as `read!` and
//! `write!` are.

/// [`database::write!`] of what watchers want to know of, who are woken when it is done.
macro_rules! change {
    ($store:expr, |$conn:ident| $body:expr) => {{
        let outcome = database::write!($store.database, |$conn| $body);
        $store.changed.notify();
        outcome
    }};
}

/// Inserts a thought; false when its position is taken, be it by one in the trash.
macro_rules! insert {
    ($conn:expr, $engine:expr, $thought:expr, $folded:expr) => {{
        let thought: &$crate::thought::Thought = $thought;
        let inserted = sqlx::query($crate::store::write::INSERT)
            .bind(thought.position)
            .bind(thought.moved_by())
            .bind(thought.id)
            .bind(thought.author.id)
            .bind(&thought.author.username)
            .bind(&thought.text)
            .bind($folded)
            .bind($crate::store::write::number(thought.visibility))
            .bind(thought.update_time.as_micros())
            .execute(&mut *$conn)
            .await?
            .rows_affected()
            == 1;
        if inserted {
            index!($conn, $engine, thought, $folded);
        }
        inserted
    }};
}

/// Moves a new thought on to the next position that is free, and its time with it.
macro_rules! move_on {
    ($conn:expr, $thought:expr) => {
        use $crate::store::places::{FIRST, MOST, Stretch, TAKEN};
        let (mut position, mut limit) = ($thought.position + 1, FIRST);
        loop {
            let taken = sqlx::query_scalar(TAKEN).bind(position).bind(limit);
            let taken: Vec<i64> = taken.fetch_all(&mut *$conn).await?;
            let stretch = Stretch::new(position, limit, taken);
            position = stretch.free(position);
            if stretch.has(position) {
                break;
            }
            limit = (limit * 4).min(MOST);
        }
        $thought.move_on_to(position);
    };
}

/// Makes a thought that has been inserted or changed be found, where the table itself does not.
macro_rules! index {
    ($conn:expr, $engine:expr, $thought:expr, $folded:expr) => {
        if $engine == database::Engine::Sqlite {
            sqlx::query($crate::store::sqlite::INDEX)
                .bind($thought.position)
                .bind($crate::store::sqlite::document($thought, $folded))
                .execute(&mut *$conn)
                .await?;
        }
        $crate::store::tags::index_tags!($conn, $thought, $folded);
    };
}

/// Undoes `index!`, before a thought is changed or when it has been taken out of the table.
macro_rules! unindex {
    ($conn:expr, $engine:expr, $thought:expr) => {
        if $engine == database::Engine::Sqlite {
            sqlx::query($crate::store::sqlite::REMOVE)
                .bind($thought.position)
                .execute(&mut *$conn)
                .await?;
        }
        $crate::store::tags::unindex_tags!($conn, $thought.position);
    };
}

/// Makes a purge of the author wait for this transaction, or this transaction for it. On SQLite they
/// come one after the other anyway.
macro_rules! hold_off_purge {
    ($conn:expr, $engine:expr, $author:expr) => {
        if $engine == database::Engine::Postgres {
            sqlx::query($crate::store::purge::HOLD_OFF)
                .bind($author)
                .execute(&mut *$conn)
                .await?;
        }
    };
}
