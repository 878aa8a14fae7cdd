//! What has become of thoughts, and what somebody who watches is told of it.

use uuid::Uuid;

use crate::{
    query::SearchQuery,
    thought::{Author, Thought, Visibility},
};

/// A place in the log of changes, in the order of the commits. On SQLite `xid` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// PostgreSQL's number of the transaction.
    pub xid: i64,
    /// The number of the change.
    pub seq: i64,
}

/// A place in one particular log: what a watcher has been told up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Which log.
    pub epoch: Uuid,
    /// The last change that has been looked at.
    pub mark: Mark,
}

/// The log as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which log it is. Another one means that the database was restored.
    pub epoch: Uuid,
    /// The last change that is not in it any more.
    pub trimmed: Mark,
    /// Up to here nothing can come in any more.
    pub end: Mark,
}

/// One change of one thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is in the log.
    pub mark: Mark,
    /// Which thought.
    pub id: Uuid,
    /// Who wrote it.
    pub author: Author,
    /// What it was; `None` if it was not there, or lay in the trash.
    pub before: Option<Side>,
    /// What it is; `None` if it is not there, or lies in the trash.
    pub after: Option<Side>,
}

/// A thought before a change, or after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// All of it. What it was before has the time of the change after.
    Known(Thought),
    /// Its author's account has been deleted, and with it what it said.
    Erased(Visibility),
}

/// What somebody watches: those of the thoughts that they may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Whose private thoughts are among them.
    pub viewer: Option<Uuid>,
    /// Only this person's, by name.
    pub author: Option<String>,
    /// Only what this matches.
    pub query: SearchQuery,
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A thought is there that was not there before, for this watcher.
    Created(Thought),
    /// A thought that was there has changed.
    Updated(Thought),
    /// A thought is not there any more, for this watcher.
    Deleted(Uuid),
}

impl Log {
    /// Whether everything behind a place is still in the log. Not so for a place of another log, or
    /// one that this log has not come to: it was restored to an earlier state.
    #[must_use]
    pub fn leads_on_from(&self, place: Bookmark) -> bool {
        place.epoch == self.epoch && place.mark >= self.trimmed && place.mark <= self.end
    }
}

impl Watch {
    /// What a change is to this watcher, if anything.
    #[must_use]
    pub fn news(&self, entry: &Entry) -> Option<News> {
        if self
            .author
            .as_ref()
            .is_some_and(|author| *author != entry.author.username)
        {
            return None;
        }
        let erased = |side: &Option<Side>| matches!(side, Some(Side::Erased(_)));
        if erased(&entry.before) || erased(&entry.after) {
            // Nobody knows any more whether it was what the watcher's query asks for.
            let gone = self.may_see(entry, entry.before.as_ref())
                && !self.may_see(entry, entry.after.as_ref());
            return gone.then_some(News::Deleted(entry.id));
        }
        let was = self.shown(entry, entry.before.as_ref()).is_some();
        match self.shown(entry, entry.after.as_ref()) {
            Some(thought) if was => Some(News::Updated(thought.clone())),
            Some(thought) => Some(News::Created(thought.clone())),
            None if was => Some(News::Deleted(entry.id)),
            None => None,
        }
    }

    fn shown<'a>(&self, entry: &Entry, side: Option<&'a Side>) -> Option<&'a Thought> {
        match side {
            Some(Side::Known(thought))
                if self.may_see(entry, side)
                    && (self.query.is_empty() || self.query.matches(thought)) =>
            {
                Some(thought)
            }
            _ => None,
        }
    }

    fn may_see(&self, entry: &Entry, side: Option<&Side>) -> bool {
        let visibility = match side {
            None => return false,
            Some(Side::Known(thought)) => thought.visibility,
            Some(Side::Erased(visibility)) => *visibility,
        };
        visibility == Visibility::Public || self.viewer == Some(entry.author.id)
    }
}

#[cfg(test)]
mod tests {
    use runtime::clock::Timestamp;

    use super::*;

    const BRUCE: Uuid = Uuid::from_u128(1);
    const STEPHEN: Uuid = Uuid::from_u128(2);

    fn thought(text: &str, visibility: Visibility) -> Thought {
        Thought {
            id: Uuid::from_u128(7),
            author: Author {
                id: BRUCE,
                username: "bruce".to_owned(),
            },
            text: text.to_owned(),
            visibility,
            create_time: Timestamp::from_seconds(5),
            position: 5_000_000,
            update_time: Timestamp::from_seconds(5),
            trashed: None,
        }
    }

    fn public(text: &str) -> Option<Side> {
        Some(Side::Known(thought(text, Visibility::Public)))
    }

    fn private(text: &str) -> Option<Side> {
        Some(Side::Known(thought(text, Visibility::Private)))
    }

    fn erased(visibility: Visibility) -> Option<Side> {
        Some(Side::Erased(visibility))
    }

    /// A word for what a watcher is told.
    fn told(watch: &Watch, before: Option<Side>, after: Option<Side>) -> &'static str {
        let entry = Entry {
            mark: Mark::default(),
            id: Uuid::from_u128(7),
            author: thought("", Visibility::Public).author,
            before,
            after,
        };
        match watch.news(&entry) {
            None => "nothing",
            Some(News::Created(_)) => "created",
            Some(News::Updated(_)) => "updated",
            Some(News::Deleted(_)) => "deleted",
        }
    }

    fn by(viewer: Option<Uuid>, author: Option<&str>, query: &str) -> Watch {
        Watch {
            viewer,
            author: author.map(str::to_owned),
            query: SearchQuery::parse(query).expect("a query"),
        }
    }

    #[test]
    fn what_is_told_depends_on_what_could_be_seen_before_and_can_be_after() {
        let (bruce, stephen) = (by(Some(BRUCE), None, ""), by(Some(STEPHEN), None, ""));
        for (before, after, author, others) in [
            (None, public("a"), "created", "created"),
            (None, private("a"), "created", "nothing"),
            (public("a"), public("b"), "updated", "updated"),
            (public("a"), private("a"), "updated", "deleted"),
            (private("a"), public("a"), "updated", "created"),
            (private("a"), private("b"), "updated", "nothing"),
            (public("a"), None, "deleted", "deleted"),
            (private("a"), None, "deleted", "nothing"),
        ] {
            assert_eq!(told(&bruce, before.clone(), after.clone()), author);
            assert_eq!(told(&stephen, before.clone(), after.clone()), others);
            assert_eq!(told(&by(None, None, ""), before, after), others);
        }
    }

    #[test]
    fn what_stops_matching_is_deleted_and_what_begins_to_is_created() {
        let watch = by(None, None, "platypus");
        assert_eq!(told(&watch, None, public("a wombat")), "nothing");
        assert_eq!(told(&watch, None, public("a Platypus")), "created");
        let (wombat, platypus) = (public("a wombat"), public("a platypus"));
        assert_eq!(told(&watch, wombat.clone(), platypus.clone()), "created");
        assert_eq!(told(&watch, platypus.clone(), platypus.clone()), "updated");
        assert_eq!(told(&watch, platypus, wombat.clone()), "deleted");
        assert_eq!(told(&watch, wombat, None), "nothing");
        let bruces = by(None, Some("bruce"), "");
        assert_eq!(told(&bruces, None, public("a")), "created");
        let stephens = by(None, Some("stephen"), "");
        assert_eq!(told(&stephens, None, public("a")), "nothing");
    }

    #[test]
    fn what_an_author_who_is_gone_wrote_is_only_ever_deleted() {
        let (open, own) = (erased(Visibility::Public), erased(Visibility::Private));
        let watch = by(None, None, "platypus");
        assert_eq!(told(&watch, open.clone(), None), "deleted");
        assert_eq!(told(&watch, open.clone(), own.clone()), "deleted");
        assert_eq!(told(&watch, open.clone(), open.clone()), "nothing");
        assert_eq!(told(&watch, None, open.clone()), "nothing");
        assert_eq!(told(&watch, own.clone(), None), "nothing");
        let stephens = by(None, Some("stephen"), "");
        assert_eq!(told(&stephens, open, None), "nothing");
        assert_eq!(told(&by(Some(BRUCE), None, ""), own, None), "deleted");
    }

    #[test]
    fn a_log_leads_on_from_its_own_places_between_its_ends() {
        let mark = |xid, seq| Mark { xid, seq };
        let log = Log {
            epoch: Uuid::from_u128(1),
            trimmed: mark(5, 9),
            end: mark(8, i64::MAX),
        };
        let leads_on = |epoch, xid, seq| {
            log.leads_on_from(Bookmark {
                epoch: Uuid::from_u128(epoch),
                mark: mark(xid, seq),
            })
        };
        assert!(leads_on(1, 5, 9) && leads_on(1, 6, 1) && leads_on(1, 8, 70));
        assert!(!leads_on(2, 6, 1));
        assert!(!leads_on(1, 5, 8));
        assert!(!leads_on(1, 9, 1));
    }
}
