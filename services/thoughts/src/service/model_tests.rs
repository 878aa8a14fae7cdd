//! Any sequence of creating, changing, deleting and bringing back, beside a model of it in plain
//! Rust: a list that is searched from end to end.

use std::time::Duration;

use database::testing::Fresh;
use proptest::{prelude::*, test_runner::TestRunner};
use runtime::{
    auth::{Caller, Role},
    clock::Timestamp,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{
    Thoughts,
    tests::{caller, first_page, text, thoughts},
};
use crate::{
    error::Error,
    etag::Etag,
    fold::fold,
    page::{Page, PageRequest},
    query::SearchQuery,
    revision::Revision,
    thought::{Change, Thought, Visibility},
    trash::{KEPT_FOR, TrashList, Trashed},
};

const TEXTS: [&str; 5] = [
    "a platypus",
    "A PLATYPUS 京都",
    "京都",
    "wombats & 100%",
    "a wombat",
];
const QUERIES: [&str; 6] = ["platypus", "京", "京都 a", "wombat", "%", "a"];

/// What somebody does. Thoughts are meant by the order in which they were created, going round.
#[derive(Clone, Debug)]
enum Step {
    Create(usize, usize, Visibility),
    Update(usize, usize, Option<usize>, Option<Visibility>, Given),
    Delete(usize, usize),
    DeletePermanently(usize, usize),
    Undelete(usize, usize),
    Wait(Duration),
    EmptyTrash,
}

/// Which etag comes with a change.
#[derive(Clone, Copy, Debug)]
enum Given {
    Nothing,
    Current,
    /// The one that the thought had when it was created.
    First,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    let which = 0..6_usize;
    let visibility = prop_oneof![Just(Visibility::Public), Just(Visibility::Private)];
    let given = prop_oneof![
        Just(Given::Nothing),
        Just(Given::Current),
        Just(Given::First)
    ];
    let change = (
        who.clone(),
        which.clone(),
        prop::option::of(0..TEXTS.len()),
        prop::option::of(visibility.clone()),
        given,
    );
    let waits = [0, 1, 29 * 86_400, 30 * 86_400].map(Duration::from_secs);
    prop_oneof![
        4 => (who.clone(), 0..TEXTS.len(), visibility).prop_map(|(a, t, v)| Step::Create(a, t, v)),
        4 => change.prop_map(|(a, n, t, v, e)| Step::Update(a, n, t, v, e)),
        4 => (who.clone(), which.clone()).prop_map(|(a, n)| Step::Delete(a, n)),
        1 => (who.clone(), which.clone()).prop_map(|(a, n)| Step::DeletePermanently(a, n)),
        4 => (who, which).prop_map(|(a, n)| Step::Undelete(a, n)),
        2 => prop::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => Just(Step::EmptyTrash),
    ]
}

/// The kinds of answers.
#[derive(Debug, PartialEq)]
enum Answer {
    Thought(Box<Thought>),
    Done,
    NotFound,
    NotYours,
    InTrash,
    Removed,
    Changed,
}

fn answer(outcome: Result<Answer, Error>) -> Answer {
    match outcome {
        Ok(answer) => answer,
        Err(Error::NotFound) => Answer::NotFound,
        Err(Error::NotYours) => Answer::NotYours,
        Err(Error::InTrash) => Answer::InTrash,
        Err(Error::Removed) => Answer::Removed,
        Err(Error::Changed) => Answer::Changed,
        Err(error) => panic!("{error}"),
    }
}

fn whole(thought: Thought) -> Answer {
    Answer::Thought(Box::new(thought))
}

/// The naive one.
#[derive(Default)]
struct Model {
    /// Also those that expired and have not been cleared away.
    thoughts: Vec<(Thought, Vec<Revision>)>,
}

impl Model {
    fn create(&mut self, thought: &Thought) -> Thought {
        let mut made = thought.clone();
        while self
            .thoughts
            .iter()
            .any(|(other, _)| other.create_time == made.create_time)
        {
            made.create_time = made.create_time + Duration::from_micros(1);
            made.position += 1;
        }
        made.update_time = made.create_time;
        self.thoughts.push((made.clone(), Vec::new()));
        made
    }

    /// What the caller finds under an id.
    fn find(&mut self, caller: &Caller, id: Uuid, now: Timestamp) -> Result<usize, Answer> {
        let found = self.thoughts.iter().position(|(thought, _)| {
            let own = thought.author.id == caller.user_id;
            thought.id == id
                && match thought.trashed {
                    None => own || thought.visibility == Visibility::Public,
                    Some(trashed) => own && now < trashed.expire_time,
                }
        });
        found.ok_or(Answer::NotFound)
    }

    fn own(&mut self, caller: &Caller, id: Uuid, now: Timestamp) -> Result<usize, Answer> {
        let at = self.find(caller, id, now)?;
        if self.thoughts[at].0.author.id == caller.user_id {
            Ok(at)
        } else {
            Err(Answer::NotYours)
        }
    }

    fn update(
        &mut self,
        caller: &Caller,
        id: Uuid,
        change: &Change,
        etag: Option<Etag>,
        now: Timestamp,
    ) -> Result<Thought, Answer> {
        let at = self.own(caller, id, now)?;
        let (thought, revisions) = &mut self.thoughts[at];
        if thought.trashed.is_some() {
            return Err(Answer::InTrash);
        }
        let mut after = thought.clone();
        if let Some(text) = &change.text {
            after.text = text.as_str().to_owned();
        }
        after.visibility = change.visibility.unwrap_or(after.visibility);
        if after == *thought {
            return Ok(after);
        }
        if etag.is_some_and(|etag| etag != Etag::of(thought)) {
            return Err(Answer::Changed);
        }
        after.update_time = now.max(after.update_time + Duration::from_micros(1));
        revisions.insert(
            0,
            Revision {
                text: thought.text.clone(),
                visibility: thought.visibility,
                create_time: thought.update_time,
                end_time: after.update_time,
            },
        );
        *thought = after.clone();
        Ok(after)
    }

    fn delete(&mut self, caller: &Caller, id: Uuid, now: Timestamp) -> Result<(), Answer> {
        let at = self.find(caller, id, now)?;
        let thought = &mut self.thoughts[at].0;
        let own = thought.author.id == caller.user_id;
        if thought.trashed.is_some() {
            return Err(Answer::NotFound);
        }
        if !own && !caller.is_admin() {
            return Err(Answer::NotYours);
        }
        thought.trashed = Some(Trashed {
            delete_time: now,
            expire_time: now + KEPT_FOR,
            removed: !own,
        });
        Ok(())
    }

    fn undelete(&mut self, caller: &Caller, id: Uuid, now: Timestamp) -> Result<Thought, Answer> {
        let at = self.own(caller, id, now)?;
        let thought = &mut self.thoughts[at].0;
        if thought.trashed.is_some_and(|trashed| trashed.removed) {
            return Err(Answer::Removed);
        }
        thought.trashed = None;
        Ok(thought.clone())
    }

    /// Newest first, what a viewer may see of what is there, in the trash, or both.
    fn list(
        &self,
        viewer: Option<&Caller>,
        live: bool,
        trash: bool,
        now: Timestamp,
    ) -> Vec<Thought> {
        let mut seen: Vec<_> = self
            .thoughts
            .iter()
            .map(|(thought, _)| thought)
            .filter(|thought| {
                let own = viewer.is_some_and(|viewer| viewer.user_id == thought.author.id);
                match thought.trashed {
                    None => live && (own || thought.visibility == Visibility::Public),
                    Some(trashed) => trash && own && now < trashed.expire_time,
                }
            })
            .cloned()
            .collect();
        seen.sort_by_key(|thought| std::cmp::Reverse(thought.create_time));
        seen
    }
}

struct Both {
    service: Thoughts,
    model: Model,
    people: [Caller; 3],
    /// Of each thought that was ever created, as it was then.
    created: Vec<Thought>,
}

impl Both {
    async fn take(&mut self, step: &Step) {
        let now = self.service.clock.now();
        let nth =
            |n: usize| (!self.created.is_empty()).then(|| &self.created[n % self.created.len()]);
        let (service, model) = (&self.service, &mut self.model);
        let (told, expected) = match *step {
            Step::Create(who, words, visibility) => {
                let author = &self.people[who];
                let made = service
                    .create(author, &text(TEXTS[words]), visibility, None)
                    .await;
                let made = made.expect("written");
                let expected = model.create(&Thought {
                    create_time: now,
                    position: now.as_micros(),
                    ..made.clone()
                });
                self.created.push(made.clone());
                (Ok(whole(made)), Ok(whole(expected)))
            }
            Step::Update(who, n, words, visibility, given) => {
                let Some(thought) = nth(n) else { return };
                let caller = &self.people[who];
                let change = Change {
                    text: words.map(|words| text(TEXTS[words])),
                    visibility,
                };
                let etag = match given {
                    Given::Nothing => None,
                    Given::First => Some(Etag::of(thought)),
                    Given::Current => {
                        let found = service.get(Some(caller), thought.id).await.ok();
                        found.as_ref().map(Etag::of)
                    }
                };
                let told = service.update(caller, thought.id, &change, etag).await;
                let expected = model.update(caller, thought.id, &change, etag, now);
                (told.map(whole), expected.map(whole))
            }
            Step::Delete(who, n) => {
                let Some(thought) = nth(n) else { return };
                let caller = &self.people[who];
                let told = service.delete(caller, thought.id).await;
                let expected = model.delete(caller, thought.id, now);
                (told.map(|()| Answer::Done), expected.map(|()| Answer::Done))
            }
            Step::DeletePermanently(who, n) => {
                let Some(thought) = nth(n) else { return };
                let caller = &self.people[who];
                let told = service.delete_permanently(caller, thought.id).await;
                let expected = model.own(caller, thought.id, now);
                let expected = expected.map(|at| drop(model.thoughts.remove(at)));
                (told.map(|()| Answer::Done), expected.map(|()| Answer::Done))
            }
            Step::Undelete(who, n) => {
                let Some(thought) = nth(n) else { return };
                let caller = &self.people[who];
                let told = service.undelete(caller, thought.id).await;
                let expected = model.undelete(caller, thought.id, now);
                (told.map(whole), expected.map(whole))
            }
            Step::Wait(time) => {
                service.clock.advance(time);
                (Ok(Answer::Done), Ok(Answer::Done))
            }
            Step::EmptyTrash => {
                service.store.empty_trash(now).await.expect("emptied");
                let over = |trashed: Trashed| trashed.expire_time <= now;
                model
                    .thoughts
                    .retain(|(thought, _)| !thought.trashed.is_some_and(over));
                (Ok(Answer::Done), Ok(Answer::Done))
            }
        };
        let expected = expected.unwrap_or_else(|refusal| refusal);
        assert_eq!(answer(told), expected, "{step:?}");
    }

    /// Everybody sees the same in both.
    async fn compare(&self) {
        let now = self.service.clock.now();
        let nobody = [None];
        for viewer in nobody.into_iter().chain(self.people.iter().map(Some)) {
            let live = self.model.list(viewer, true, false, now);
            let page = self
                .service
                .list(viewer, None, first_page(99))
                .await
                .expect("read");
            assert_eq!(page.thoughts, live);
            for (list, with_live) in [(TrashList::Beside, true), (TrashList::Alone, false)] {
                let expected = self.model.list(viewer, with_live, true, now);
                assert_eq!(self.walk(viewer, list).await, expected);
            }
            for words in QUERIES {
                let query = SearchQuery::parse(words).expect("a query");
                let page = self.service.search(viewer, &query, first_page(99)).await;
                let expected = live.iter().filter(|thought| {
                    words
                        .split(' ')
                        .all(|word| fold(&thought.text).contains(&fold(word)))
                });
                let expected: Vec<_> = expected.cloned().collect();
                assert_eq!(page.expect("read").thoughts, expected, "{words}");
            }
        }
        for (thought, revisions) in &self.model.thoughts {
            let page = self
                .service
                .store
                .revisions(thought.id, first_page(99))
                .await;
            assert_eq!(page.expect("read").revisions, *revisions);
        }
    }

    /// All pages of a list, two at a time.
    async fn walk(&self, viewer: Option<&Caller>, list: TrashList) -> Vec<Thought> {
        let (mut met, mut before) = (Vec::new(), None);
        loop {
            let request = PageRequest { size: 2, before };
            let page: Page = self
                .service
                .list_trash(viewer, None, list, request)
                .await
                .expect("read");
            met.extend(page.thoughts);
            before = page.next;
            if before.is_none() {
                return met;
            }
        }
    }
}

#[test]
fn any_sequence_of_steps_does_what_a_plain_list_would() {
    let runtime = Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let steps = prop::collection::vec(step(), 1..40);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let fresh = Fresh::sqlite();
            let mut both = Both {
                service: thoughts(&fresh).await,
                model: Model::default(),
                people: [
                    caller("bruce", Role::Member),
                    caller("stephen", Role::Member),
                    caller("ada", Role::Admin),
                ],
                created: Vec::new(),
            };
            for step in &steps {
                both.take(step).await;
            }
            both.compare().await;
            both.service.store.close().await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
