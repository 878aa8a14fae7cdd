//! Export and import, by a clock that tests move.

use std::time::Duration;

use database::testing::{Fresh, each_engine, on_each_engine};
use futures_util::TryStreamExt as _;
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
    page::Place,
    porting::{Draft, Exported, Outcome, Record, TOLERANCE},
    query::SearchQuery,
    thought::{Author, Change, MaxLength, ThoughtText, Visibility},
    trash::{KEPT_FOR, TrashList},
};

fn member(username: &str) -> Caller {
    caller(username, Role::Member)
}

fn drafted(exported: &Exported) -> Draft {
    let thought = &exported.thought;
    Draft {
        id: Some(thought.id),
        text: thought.text.clone(),
        visibility: thought.visibility,
        create_time: Some(thought.create_time),
        update_time: Some(thought.update_time),
        delete_time: thought.trashed.map(|trashed| trashed.delete_time),
        removed: thought.trashed.is_some_and(|trashed| trashed.removed),
        revisions: exported.revisions.clone(),
    }
}

fn draft(text: &str) -> Draft {
    Draft {
        id: None,
        text: text.to_owned(),
        visibility: Visibility::Public,
        create_time: None,
        update_time: None,
        delete_time: None,
        removed: false,
        revisions: Vec::new(),
    }
}

impl Thoughts {
    async fn exports(&self, caller: &Caller) -> Vec<Exported> {
        let exported = self.export(caller, true).try_collect();
        exported.await.expect("exported")
    }

    fn record(&self, caller: &Caller, draft: Draft) -> Record {
        let author = Author {
            id: caller.user_id,
            username: caller.username.clone(),
        };
        Record::new(author, draft, self.clock.now(), MaxLength::default()).expect("a record")
    }

    async fn imports(
        &self,
        caller: &Caller,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Vec<Outcome> {
        let records = drafts.into_iter().map(|draft| self.record(caller, draft));
        let records: Vec<_> = records.collect();
        let outcomes = self.import(caller, &records).await;
        outcomes.expect("an answer")
    }

    async fn notes(&self, author: &Caller, words: &str) -> Uuid {
        let text = text(words);
        let written = self.create(author, &text, Visibility::Public, None).await;
        written.expect("written").id
    }

    async fn finds(&self, caller: &Caller, query: &str) -> Vec<String> {
        let query = SearchQuery::parse(query).expect("a query");
        let page = self.search(Some(caller), &query, first_page(99)).await;
        let thoughts = page.expect("read").thoughts.into_iter();
        thoughts.map(|thought| thought.text).collect()
    }

    fn refusal(&self, draft: Draft) -> &'static str {
        let author = Author {
            id: Uuid::nil(),
            username: String::new(),
        };
        let record = Record::new(author, draft, self.clock.now(), MaxLength::default());
        record.expect_err("refused").field
    }
}

/// What somebody does; thoughts are meant by the order in which they were created, going round.
#[derive(Clone, Debug)]
enum Step {
    Create(ThoughtText, Visibility),
    Update(usize, ThoughtText, Visibility),
    Delete(usize),
    Undelete(usize),
    Wait(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let text = "[a-z# \\n]{0,9}\\PC{1,30}".prop_filter_map("a text", |text| {
        ThoughtText::parse(&text, MaxLength::default()).ok()
    });
    let visibility = prop_oneof![Just(Visibility::Public), Just(Visibility::Private)];
    let which = 0..9_usize;
    let update = (which.clone(), text.clone(), visibility.clone());
    prop_oneof![
        4 => (text, visibility).prop_map(|(text, visibility)| Step::Create(text, visibility)),
        4 => update.prop_map(|(n, text, visibility)| Step::Update(n, text, visibility)),
        2 => which.clone().prop_map(Step::Delete),
        1 => which.prop_map(Step::Undelete),
        1 => (0..3_u64).prop_map(|days| Step::Wait(Duration::from_secs(days * 86_400))),
    ]
}

impl Thoughts {
    async fn take(&self, caller: &Caller, created: &mut Vec<Uuid>, step: &Step) {
        let nth = |n: usize| created.get(n % created.len().max(1)).copied();
        match step {
            Step::Create(text, visibility) => {
                let thought = self.create(caller, text, *visibility, None).await;
                created.push(thought.expect("written").id);
            }
            Step::Update(n, text, visibility) => {
                let change = Change {
                    text: Some(text.clone()),
                    visibility: Some(*visibility),
                };
                if let Some(id) = nth(*n) {
                    // It may be in the trash, or gone.
                    let _ = self.update(caller, id, &change, None).await;
                }
            }
            Step::Delete(n) => {
                if let Some(id) = nth(*n) {
                    let _ = self.delete(caller, id).await;
                }
            }
            Step::Undelete(n) => {
                if let Some(id) = nth(*n) {
                    let _ = self.undelete(caller, id).await;
                }
            }
            Step::Wait(time) => self.clock.advance(*time),
        }
    }
}

/// The same services serve each case, for another author each time.
#[test]
fn an_export_that_is_imported_is_the_same_again() {
    let runtime = Runtime::new().expect("a runtime");
    let fresh = runtime.block_on(async { [each_engine().await, each_engine().await] });
    let [sources, copies] = &fresh;
    let services: Vec<_> = runtime.block_on(async {
        let mut services = Vec::new();
        for (source, copy) in sources.iter().zip(copies) {
            services.push((thoughts(source).await, thoughts(copy).await));
        }
        services
    });
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let steps = prop::collection::vec(step(), 1..40);
    let outcome = runner.run(&steps, |steps| {
        let author = Caller {
            user_id: Uuid::new_v4(),
            ..member("bruce")
        };
        for (source, copy) in &services {
            runtime.block_on(same_again(source, copy, &author, &steps));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn same_again(source: &Thoughts, copy: &Thoughts, author: &Caller, steps: &[Step]) {
    let mut created = Vec::new();
    for step in steps {
        source.take(author, &mut created, step).await;
    }
    copy.clock.set(source.clock.now());
    let exported = source.exports(author).await;
    let count = |outcomes: Vec<Outcome>, outcome| {
        assert_eq!(outcomes, vec![outcome; exported.len()]);
    };
    let drafts = || exported.iter().map(drafted);
    count(copy.imports(author, drafts()).await, Outcome::Imported);
    assert_eq!(copy.exports(author).await, exported);
    for service in [source, copy] {
        let outcomes = service.imports(author, drafts().rev()).await;
        count(outcomes, Outcome::Unchanged);
        assert_eq!(service.exports(author).await, exported);
    }
    for exported in &exported {
        let text = &exported.thought.text;
        let first: String = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .take(1)
            .collect();
        let (theirs, ours) = (source.finds(author, &first), copy.finds(author, &first));
        if !first.is_empty() && exported.thought.trashed.is_none() {
            let theirs = theirs.await;
            assert!(theirs.contains(text) || theirs.len() == 99);
            assert!(ours.await.contains(text) || theirs.len() == 99);
        }
    }
}

#[tokio::test]
async fn what_others_have_is_imported_under_another_id_and_only_once() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let (bruce, stephen) = (member("bruce"), member("stephen"));
        for words in ["one", "two"] {
            service.notes(&bruce, words).await;
        }
        let bruces = service.exports(&bruce).await;
        service
            .delete(&bruce, bruces[1].thought.id)
            .await
            .expect("in the trash");
        let drafts = || bruces.iter().map(drafted);
        assert_eq!(
            service.imports(&stephen, drafts()).await,
            [Outcome::Imported; 2]
        );
        let stephens = service.exports(&stephen).await;
        assert_eq!(
            service.imports(&stephen, drafts()).await,
            [Outcome::Unchanged; 2]
        );
        assert_eq!(service.exports(&stephen).await, stephens);
        for (theirs, ours) in bruces.iter().zip(&stephens) {
            assert_eq!(theirs.thought.text, ours.thought.text);
            assert_ne!(theirs.thought.id, ours.thought.id);
            assert_eq!(theirs.thought.create_time, ours.thought.create_time);
        }
        // It does not matter any more that the id is free by now.
        let first = bruces[0].thought.id;
        let deleted = service.delete_permanently(&bruce, first).await;
        deleted.expect("deleted");
        assert_eq!(
            service.imports(&stephen, drafts()).await,
            [Outcome::Unchanged; 2]
        );
    })
    .await;
}

#[tokio::test]
async fn nothing_that_is_there_is_overwritten() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let bruce = member("bruce");
        let id = service.notes(&bruce, "first").await;
        let backup = service.exports(&bruce).await;
        let change = Change {
            text: Some(text("second")),
            visibility: None,
        };
        let changed = service.update(&bruce, id, &change, None).await;
        changed.expect("changed");
        let now = service.exports(&bruce).await;
        let again = service.imports(&bruce, backup.iter().map(drafted)).await;
        assert_eq!(again, [Outcome::Differs]);
        assert_eq!(service.exports(&bruce).await, now);
        // What was deleted stays in the trash.
        service.delete(&bruce, id).await.expect("deleted");
        let again = service.imports(&bruce, now.iter().map(drafted)).await;
        assert_eq!(again, [Outcome::Unchanged]);
        assert!(service.exports(&bruce).await[0].thought.trashed.is_some());
        assert!(service.finds(&bruce, "second").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn without_an_id_a_thought_is_known_by_its_time_and_text() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let (bruce, stephen) = (member("bruce"), member("stephen"));
        let on = |seconds, text| Draft {
            create_time: Some(Timestamp::from_seconds(seconds)),
            ..draft(text)
        };
        let drafts = || [on(-7, "old"), on(-7, "too"), on(8, "old"), draft("new")];
        for whose in [&bruce, &stephen] {
            assert_eq!(
                service.imports(whose, drafts()).await,
                [Outcome::Imported; 4]
            );
            service.clock.advance(Duration::from_secs(1));
            assert_eq!(
                service.imports(whose, drafts()).await,
                [Outcome::Unchanged; 4]
            );
            assert_eq!(service.exports(whose).await.len(), 4);
        }
        let twice = [on(9, "twice"), on(9, "twice")];
        assert_eq!(
            service.imports(&bruce, twice).await,
            [Outcome::Imported, Outcome::Unchanged]
        );
    })
    .await;
}

#[tokio::test]
async fn very_many_of_one_moment_keep_it_and_stand_side_by_side() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let bruce = member("bruce");
        let time = Timestamp::from_seconds(1_000);
        for part in 0..5_i64 {
            let drafts = (0..500).map(|n| Draft {
                create_time: Some(time),
                delete_time: (n == 250).then(|| service.clock.now()),
                ..draft(&format!("{part} {n}"))
            });
            let outcomes = service.imports(&bruce, drafts).await;
            assert_eq!(outcomes, [Outcome::Imported; 500]);
        }
        let exported = service.exports(&bruce).await;
        let mut positions = Vec::new();
        for thought in exported.iter().map(|one| &one.thought) {
            assert_eq!((thought.create_time, thought.update_time), (time, time));
            positions.push(thought.position - time.as_micros());
        }
        assert!(exported.is_sorted_by_key(|one| one.thought.id));
        positions.sort_unstable();
        assert!(positions.into_iter().eq(0..2_500));
    })
    .await;
}

/// Whatever the caller is told of own thoughts, but for their ids.
#[derive(Debug, PartialEq)]
struct Told {
    outcomes: Vec<Outcome>,
    exported: Vec<Draft>,
    listed: Vec<ToldPage>,
}

#[derive(Debug, PartialEq)]
struct ToldPage {
    thoughts: Vec<(Timestamp, String)>,
    next: Option<Place>,
}

/// Imports so many at a time.
async fn told(service: &Thoughts, caller: &Caller, drafts: &[Draft], at_a_time: usize) -> Told {
    let mut outcomes = Vec::new();
    for some in drafts.chunks(at_a_time) {
        outcomes.extend(service.imports(caller, some.iter().cloned()).await);
    }
    let exported = service.exports(caller).await.into_iter().map(|one| Draft {
        id: None,
        ..drafted(&one)
    });
    let mut told = Told {
        outcomes,
        exported: exported.collect(),
        listed: Vec::new(),
    };
    let (store, viewer) = (&service.store, Some(caller.user_id));
    let author = Some(caller.username.as_str());
    let words = SearchQuery::parse("mine").expect("a query");
    let query = SearchQuery::parse(&format!("from:{}", caller.username)).expect("a query");
    for list in 0..6 {
        let mut request = first_page(3);
        loop {
            let trash = |list| {
                let now = service.clock.now();
                store.list_trash(caller.user_id, author, list, request, now)
            };
            let page = match list {
                0 => store.list(viewer, None, request).await,
                1 => store.list(viewer, author, request).await,
                2 => trash(TrashList::Beside).await,
                3 => trash(TrashList::Alone).await,
                4 => store.search(viewer, &words, request).await,
                _ => store.search(viewer, &query, request).await,
            };
            let page = page.expect("read");
            let seen = page.thoughts.into_iter();
            told.listed.push(ToldPage {
                thoughts: seen.map(|it| (it.create_time, it.text)).collect(),
                next: page.next,
            });
            request.before = page.next;
            if request.before.is_none() {
                break;
            }
        }
    }
    told
}

/// What bruce imports beside stephen, so many at a time, is told as if he were alone.
async fn tells_nothing(fresh: &Fresh, drafts: &[Draft], stephens: &[Draft], at_a_time: usize) {
    let empty = Fresh::sqlite();
    let (alone, beside) = (thoughts(&empty).await, thoughts(fresh).await);
    // Whoever has imported them there before is gone.
    let [bruce, stephen] = ["bruce", "stephen"].map(|name| Caller {
        user_id: Uuid::new_v4(),
        ..member(name)
    });
    let hidden = beside.imports(&stephen, stephens.iter().cloned()).await;
    assert_eq!(hidden, vec![Outcome::Imported; stephens.len()]);
    let without = told(&alone, &bruce, drafts, at_a_time).await;
    let with = told(&beside, &bruce, drafts, at_a_time).await;
    assert_eq!(with.outcomes, vec![Outcome::Imported; drafts.len()]);
    assert_eq!(with, without);
    let again = told(&beside, &bruce, drafts, at_a_time).await;
    assert_eq!(again.outcomes, vec![Outcome::Unchanged; drafts.len()]);
    assert_eq!(again.exported, with.exported);
    for gone in [&bruce, &stephen] {
        let purged = beside.purge_author(gone.user_id).await;
        purged.expect("purged");
    }
}

fn at(micros: i64, id: u128, text: &str, trashed: bool) -> Draft {
    Draft {
        id: Some(Uuid::from_u128(id)),
        create_time: Some(Timestamp::from_micros(micros)),
        // As the service's clock has it.
        delete_time: trashed.then_some(Timestamp::from_seconds(1_700_000_000)),
        visibility: Visibility::Private,
        ..draft(text)
    }
}

#[tokio::test]
async fn an_import_does_not_tell_what_others_have() {
    on_each_engine(async |fresh| {
        // Those of stephen's are among the times and the ids, also in the trash.
        let numbers = || (0..25).zip(1_u128..);
        let drafts = numbers().map(|(n, id)| at(n * 40, id, &format!("mine {n}"), n % 5 == 0));
        let drafts: Vec<_> = drafts.collect();
        let hidden = numbers().map(|(n, id)| at(n * 20, id + 10, "a secret", n % 3 == 0));
        let hidden: Vec<_> = hidden.collect();
        tells_nothing(fresh, &drafts, &hidden, 25).await;
    })
    .await;
}

/// Neither by the order of what was imported apart, nor by where a page ends.
#[tokio::test]
async fn an_import_into_the_midst_of_others_does_not_tell_of_them() {
    on_each_engine(async |fresh| {
        let drafts = (0..25).zip(1_u128..).map(|(n, id)| {
            let moment = if n < 10 { n } else { 10 + n / 5 };
            at(moment, id, &format!("mine {n}"), n % 5 == 0)
        });
        let mut drafts: Vec<_> = drafts.collect();
        let hidden = (0..20).zip(100_u128..);
        let hidden = hidden.map(|(n, id)| at(n * 2, id, "a secret", n % 3 == 0));
        let hidden: Vec<_> = hidden.collect();
        for at_a_time in [25, 1, 4] {
            // Times count, not the order of the file.
            drafts.reverse();
            tells_nothing(fresh, &drafts, &hidden, at_a_time).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_thought_with_very_many_revisions_comes_in_parts_and_goes_back() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let bruce = member("bruce");
        let id = service.notes(&bruce, "0").await;
        for n in 1..=120 {
            service.clock.advance(Duration::from_millis(1));
            let change = Change {
                text: Some(text(&n.to_string())),
                visibility: None,
            };
            let changed = service.update(&bruce, id, &change, None).await;
            changed.expect("changed");
        }
        let exported = service.exports(&bruce).await;
        let sizes: Vec<_> = exported.iter().map(|part| part.revisions.len()).collect();
        assert_eq!(sizes, [50, 50, 20]);
        let revisions = exported.iter().flat_map(|part| &part.revisions);
        let texts: Vec<_> = revisions.map(|revision| revision.text.clone()).collect();
        let all: Vec<_> = (0..120).rev().map(|n: i32| n.to_string()).collect();
        assert_eq!(texts, all);

        service
            .delete_permanently(&bruce, id)
            .await
            .expect("deleted");
        let back = service.imports(&bruce, exported.iter().map(drafted)).await;
        assert_eq!(
            back,
            [Outcome::Imported, Outcome::Unchanged, Outcome::Unchanged]
        );
        assert_eq!(service.exports(&bruce).await, exported);
    })
    .await;
}

#[tokio::test]
async fn whoever_was_purged_imports_nothing() {
    on_each_engine(async |fresh| {
        let service = thoughts(fresh).await;
        let bruce = member("bruce");
        let purged = service.purge_author(bruce.user_id).await;
        purged.expect("purged");
        let trashed = Draft {
            delete_time: Some(service.clock.now()),
            ..draft("late")
        };
        let record = service.record(&bruce, trashed);
        let late = service.import(&bruce, &[record]).await;
        assert!(matches!(late, Err(Error::AccountGone)), "{late:?}");
        assert_eq!(service.exports(&bruce).await, []);
    })
    .await;
}

#[tokio::test]
async fn times_are_neither_ahead_nor_out_of_the_trash() {
    let fresh = Fresh::sqlite();
    let service = thoughts(&fresh).await;
    let now = service.clock.now();
    let second = Duration::from_secs(1);
    let ahead = Some(now + TOLERANCE + second);
    let create = |create_time| Draft {
        create_time,
        ..draft("a")
    };
    let update = |update_time| Draft {
        update_time,
        ..create(Some(now))
    };
    let delete = |delete_time| Draft {
        delete_time,
        ..draft("a")
    };
    assert_eq!(service.refusal(create(ahead)), "thought.create_time");
    let before_christ = Some(Timestamp::from_micros(i64::MIN));
    assert_eq!(
        service.refusal(create(before_christ)),
        "thought.create_time"
    );
    assert_eq!(service.refusal(update(ahead)), "thought.update_time");
    assert_eq!(
        service.refusal(update(Some(now - second))),
        "thought.update_time"
    );
    assert_eq!(service.refusal(delete(ahead)), "thought.delete_time");
    assert_eq!(
        service.refusal(delete(Some(now - KEPT_FOR))),
        "thought.delete_time"
    );
    assert_eq!(service.refusal(draft(" ")), "thought.text");
    let bruce = member("bruce");
    let fine = [
        create(Some(now + TOLERANCE)),
        delete(Some(now - KEPT_FOR + second)),
    ];
    assert_eq!(service.imports(&bruce, fine).await, [Outcome::Imported; 2]);
}
