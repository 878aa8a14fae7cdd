//! `UpdateThought`, the trash, `ListThoughtRevisions`.

use api::thoughts::v1::{ListThoughtsRequest, Thought, UpdateThoughtRequest, Visibility};
use database::testing::{Fresh, on_each_engine};
use runtime::clock::{Clock, Timestamp};
use tonic::Code;

use crate::support::{Backend, Person, bad_field, because, refusal, texts};

const UNKNOWN: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn time(of: Option<impl Into<Timestamp>>) -> Timestamp {
    of.expect("a time").into()
}

fn with_trash(author: &str) -> ListThoughtsRequest {
    ListThoughtsRequest {
        author: author.to_owned(),
        show_deleted: true,
        ..Default::default()
    }
}

fn trash_alone(author: &str) -> ListThoughtsRequest {
    ListThoughtsRequest {
        author: author.to_owned(),
        only_deleted: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_thought_is_changed_and_what_it_was_is_kept() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let first = bruce.writes("a platypus").await.unwrap();
        let before = Clock::system().now();
        let second = bruce.edits(&first, " a\r\nwombat ").await.unwrap();
        assert_eq!(second.text, "a\nwombat");
        assert_eq!(second.visibility(), Visibility::Public);
        assert_eq!(
            (&second.id, second.create_time),
            (&first.id, first.create_time)
        );
        let updated = time(second.update_time);
        assert!((before..=Clock::system().now()).contains(&updated));
        assert_ne!(second.etag, first.etag);
        // An etag as RFC 9110 spells it, in quotes.
        assert!(
            second.etag.len() > 2 && second.etag.starts_with('"') && second.etag.ends_with('"')
        );

        let private = Thought {
            visibility: Visibility::Private.into(),
            text: "unread".into(),
            ..second.clone()
        };
        let third = bruce
            .updates(&private, &["visibility"], Some(&second.etag))
            .await
            .unwrap();
        assert_eq!(
            (third.text.as_str(), third.visibility()),
            ("a\nwombat", Visibility::Private)
        );
        assert_eq!(
            refusal(backend.nobody().reads(&first.id).await).0,
            Code::NotFound
        );
        let open = Thought {
            visibility: Visibility::Public.into(),
            text: "both".into(),
            ..third.clone()
        };
        let fourth = bruce
            .updates(&open, &["text", "visibility"], None)
            .await
            .unwrap();
        assert_eq!(
            (fourth.text.as_str(), fourth.visibility()),
            ("both", Visibility::Public)
        );

        for seen in [
            backend.nobody().reads(&first.id).await.unwrap(),
            backend
                .nobody()
                .lists("bruce")
                .await
                .unwrap()
                .thoughts
                .remove(0),
            backend
                .nobody()
                .searches("both")
                .await
                .unwrap()
                .thoughts
                .remove(0),
        ] {
            assert_eq!(seen, fourth);
        }
        assert!(
            bruce
                .searches("platypus")
                .await
                .unwrap()
                .thoughts
                .is_empty()
        );

        let kept = bruce.revisions(&first.id, 0, "").await.unwrap();
        assert_eq!(kept.next_page_token, "");
        let told: Vec<_> = kept
            .revisions
            .iter()
            .map(|r| (r.text.as_str(), r.visibility(), r.create_time, r.end_time))
            .collect();
        let of = |thought: &Thought| thought.update_time;
        assert_eq!(
            told,
            [
                ("a\nwombat", Visibility::Private, of(&third), of(&fourth)),
                ("a\nwombat", Visibility::Public, of(&second), of(&third)),
                ("a platypus", Visibility::Public, of(&first), of(&second)),
            ]
        );
        let page = bruce.revisions(&first.id, 2, "").await.unwrap();
        let rest = bruce
            .revisions(&first.id, 2, &page.next_page_token)
            .await
            .unwrap();
        assert_eq!([page.revisions, rest.revisions].concat(), kept.revisions);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_from_a_state_that_is_over_is_refused_and_a_repeat_is_not() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let first = bruce.writes("one").await.unwrap();
        let second = bruce.edits(&first, "two").await.unwrap();
        // The answer of that was lost, so it is made again.
        assert_eq!(bruce.edits(&first, "two").await.unwrap(), second);
        assert_eq!(bruce.edits(&first, "two\r\n").await.unwrap(), second);
        let stale = because(Code::Aborted, "STALE_ETAG");
        assert_eq!(refusal(bruce.edits(&first, "three").await), stale);
        let third = bruce.edits(&second, "three").await.unwrap();
        assert_eq!(refusal(bruce.edits(&first, "two").await), stale);
        // Back to what it was is a change like any other.
        let fourth = bruce.edits(&third, "one").await.unwrap();
        assert_ne!(fourth.etag, first.etag);
        assert_eq!(refusal(bruce.edits(&first, "five").await), stale);
        assert_eq!(
            bruce
                .revisions(&first.id, 0, "")
                .await
                .unwrap()
                .revisions
                .len(),
            3
        );
        assert_eq!(bruce.reads(&first.id).await.unwrap(), fourth);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_people_who_change_one_state_at_once_one_is_told() {
    on_each_engine(async |fresh| {
        let replicas = [Backend::start(fresh).await, Backend::start(fresh).await];
        let bruce = replicas[0].member("bruce");
        let other = replicas[1].member("bruce");
        let mut thought = bruce.writes("start").await.unwrap();
        for round in 0..10 {
            let words = [format!("{round} here"), format!("{round} there")];
            let (here, there) = tokio::join!(
                bruce.edits(&thought, &words[0]),
                other.edits(&thought, &words[1])
            );
            let (won, lost) = if here.is_ok() {
                (here, there)
            } else {
                (there, here)
            };
            thought = won.unwrap();
            assert_eq!(refusal(lost), because(Code::Aborted, "STALE_ETAG"));
            assert_eq!(other.reads(&thought.id).await.unwrap(), thought);
        }
        for replica in replicas {
            replica.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn only_its_author_changes_a_thought() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let open = bruce.writes("open").await.unwrap();
        let secret = bruce.notes("secret").await.unwrap();
        let sign_in = because(Code::Unauthenticated, "SIGN_IN_REQUIRED");
        let not_theirs = because(Code::PermissionDenied, "NOT_THE_AUTHOR");
        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        let nobody = backend.nobody();
        assert_eq!(refusal(nobody.edits(&open, "x").await), sign_in);
        assert_eq!(refusal(nobody.undeletes(&open.id).await), sign_in);
        assert_eq!(refusal(nobody.revisions(&open.id, 0, "").await), sign_in);
        assert_eq!(refusal(nobody.deletes_for_ever(&open.id).await), sign_in);
        for other in [backend.member("stephen"), backend.administrator("ada")] {
            for (thought, refused) in [(&open, &not_theirs), (&secret, &missing)] {
                let stale = Thought {
                    etag: bruce.reads(&secret.id).await.unwrap().etag,
                    ..thought.clone()
                };
                assert_eq!(refusal(other.edits(thought, "x").await), *refused);
                assert_eq!(refusal(other.edits(&stale, &thought.text).await), *refused);
                assert_eq!(refusal(other.undeletes(&thought.id).await), *refused);
                assert_eq!(refusal(other.revisions(&thought.id, 0, "").await), *refused);
                assert_eq!(refusal(other.deletes_for_ever(&thought.id).await), *refused);
            }
            let unknown = Thought {
                id: UNKNOWN.to_owned(),
                ..open.clone()
            };
            assert_eq!(refusal(other.edits(&unknown, "x").await), missing);
            assert_eq!(refusal(other.undeletes(UNKNOWN).await), missing);
            assert_eq!(refusal(other.revisions(UNKNOWN, 0, "").await), missing);
            assert_eq!(refusal(other.deletes_for_ever(UNKNOWN).await), missing);
        }
        let all = bruce.lists("").await.unwrap().thoughts;
        assert_eq!(all, [secret, open]);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn changes_against_the_rules_are_refused_by_field() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let bruce = backend.member("bruce");
    let thought = bruce.notes("text").await.unwrap();
    let with_text = |text: &str| Thought {
        text: text.to_owned(),
        ..thought.clone()
    };
    for text in ["", " ", "nul\0", &"a".repeat(251)] {
        let refused = bruce.updates(&with_text(text), &["text"], None).await;
        assert_eq!(bad_field(refused), "thought.text");
    }
    for visibility in [0, 3, -1] {
        let wrong = Thought {
            visibility,
            ..thought.clone()
        };
        let refused = bruce.updates(&wrong, &["visibility"], None).await;
        assert_eq!(bad_field(refused), "thought.visibility");
    }
    for mask in [
        &[][..],
        &["*"],
        &["id"],
        &["text", "author"],
        &["text,visibility"],
        &[""],
    ] {
        let refused = bruce.updates(&with_text("x"), mask, None).await;
        assert_eq!(bad_field(refused), "update_mask", "{mask:?}");
    }
    for etag in ["", "x", "\"x\"", "*", &thought.etag[1..]] {
        let refused = bruce.updates(&with_text("x"), &["text"], Some(etag)).await;
        assert_eq!(bad_field(refused), "etag", "{etag}");
    }
    for id in ["", "7"] {
        let wrong = Thought {
            id: id.to_owned(),
            ..thought.clone()
        };
        assert_eq!(
            bad_field(bruce.updates(&wrong, &["text"], None).await),
            "thought.id"
        );
    }
    let nothing = UpdateThoughtRequest::default();
    assert_eq!(bad_field(bruce.sends_update(nothing).await), "thought");
    let token = bruce.revisions(&thought.id, 101, "").await;
    assert_eq!(bad_field(token), "page_size");
    assert_eq!(
        bad_field(bruce.revisions(&thought.id, 1, "x").await),
        "page_token"
    );
    assert_eq!(bruce.reads(&thought.id).await.unwrap(), thought);
    backend.stop().await;
}

#[tokio::test]
async fn a_deleted_thought_is_in_its_authors_trash_and_comes_back() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        let older = bruce.writes("an older platypus").await.unwrap();
        let thought = bruce.writes("a platypus").await.unwrap();
        let thought = bruce.edits(&thought, "a better platypus").await.unwrap();
        stephen.writes("another platypus").await.unwrap();
        let before = Clock::system().now();
        bruce.deletes(&thought.id).await.unwrap();
        let lying = bruce.reads(&thought.id).await.unwrap();
        let deleted = time(lying.delete_time);
        assert!((before..=Clock::system().now()).contains(&deleted));
        let month = std::time::Duration::from_secs(30 * 24 * 60 * 60);
        assert_eq!(time(lying.expire_time), deleted + month);
        assert!(!lying.removed);
        assert_eq!(
            Thought {
                delete_time: None,
                expire_time: None,
                ..lying.clone()
            },
            thought
        );

        // Everybody else is told what they would be told had it never been.
        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        for other in [
            backend.nobody(),
            stephen.clone(),
            backend.administrator("ada"),
        ] {
            assert_eq!(refusal(other.reads(&thought.id).await), missing);
            assert_eq!(
                texts(&other.searches("better").await.unwrap().thoughts),
                [""; 0]
            );
            for list in [
                with_trash(""),
                with_trash("bruce"),
                trash_alone(""),
                trash_alone("bruce"),
            ] {
                let seen = other.sends_list(list).await.unwrap().thoughts;
                assert!(seen.iter().all(|seen| seen.id != thought.id));
            }
        }
        for other in [stephen, backend.administrator("ada")] {
            assert_eq!(refusal(other.deletes(&thought.id).await), missing);
            assert_eq!(refusal(other.undeletes(&thought.id).await), missing);
            assert_eq!(refusal(other.edits(&thought, "x").await), missing);
            assert_eq!(refusal(other.revisions(&thought.id, 0, "").await), missing);
            assert_eq!(refusal(other.deletes_for_ever(&thought.id).await), missing);
        }

        let listed = async |list| bruce.sends_list(list).await.unwrap().thoughts;
        assert_eq!(
            texts(&listed(with_trash("")).await),
            ["another platypus", "a better platypus", "an older platypus"]
        );
        assert_eq!(
            listed(with_trash("Bruce")).await,
            [lying.clone(), older.clone()]
        );
        for list in [trash_alone(""), trash_alone("bruce")] {
            assert_eq!(listed(list).await, vec![lying.clone()]);
        }
        assert!(listed(trash_alone("stephen")).await.is_empty());
        assert_eq!(
            bruce.lists("bruce").await.unwrap().thoughts,
            vec![older.clone()]
        );
        let both = ListThoughtsRequest {
            show_deleted: true,
            ..trash_alone("")
        };
        assert_eq!(listed(both).await, [lying]);

        let in_trash = because(Code::FailedPrecondition, "THOUGHT_IN_TRASH");
        assert_eq!(refusal(bruce.edits(&thought, "x").await), in_trash);
        assert_eq!(refusal(bruce.deletes(&thought.id).await), missing);
        assert_eq!(
            bruce
                .revisions(&thought.id, 0, "")
                .await
                .unwrap()
                .revisions
                .len(),
            1
        );

        for _ in 0..2 {
            assert_eq!(bruce.undeletes(&thought.id).await.unwrap(), thought);
        }
        assert_eq!(
            bruce.searches("better").await.unwrap().thoughts,
            vec![thought.clone()]
        );
        assert_eq!(
            bruce.lists("bruce").await.unwrap().thoughts,
            [thought.clone(), older]
        );
        bruce.edits(&thought, "the best platypus").await.unwrap();
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_an_administrator_removed_is_read_but_not_brought_back() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, ada) = (backend.member("bruce"), backend.administrator("ada"));
        let rude = bruce.writes("rude").await.unwrap();
        let forever = refusal(ada.deletes_for_ever(&rude.id).await);
        assert_eq!(forever, because(Code::PermissionDenied, "NOT_THE_AUTHOR"));
        ada.deletes(&rude.id).await.unwrap();
        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        assert_eq!(refusal(ada.deletes(&rude.id).await), missing);
        assert_eq!(refusal(ada.undeletes(&rude.id).await), missing);
        let lying = bruce.reads(&rude.id).await.unwrap();
        assert!(lying.removed);
        assert_eq!(lying.text, "rude");
        let trash = bruce.sends_list(trash_alone("")).await.unwrap().thoughts;
        assert_eq!(trash, [lying]);
        let removed = because(Code::PermissionDenied, "REMOVED_BY_ADMINISTRATOR");
        assert_eq!(refusal(bruce.undeletes(&rude.id).await), removed);
        bruce.deletes_for_ever(&rude.id).await.unwrap();
        assert_eq!(refusal(bruce.reads(&rude.id).await), missing);
        // An administrator's own are like anybody's.
        let own = ada.writes("own").await.unwrap();
        ada.deletes(&own.id).await.unwrap();
        assert!(!ada.reads(&own.id).await.unwrap().removed);
        assert_eq!(ada.undeletes(&own.id).await.unwrap(), own);
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn for_ever_is_for_ever() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let public = Visibility::Public;
        let missing = because(Code::NotFound, "THOUGHT_NOT_FOUND");
        for (request_id, by_trash) in [
            (UNKNOWN, true),
            ("0190163d-8694-739b-aea5-966c26f8ad92", false),
        ] {
            let thought = bruce
                .creates("gone", public, Some(request_id))
                .await
                .unwrap();
            bruce.edits(&thought, "going").await.unwrap();
            if by_trash {
                bruce.deletes(&thought.id).await.unwrap();
            }
            bruce.deletes_for_ever(&thought.id).await.unwrap();
            assert_eq!(refusal(bruce.deletes_for_ever(&thought.id).await), missing);
            assert_eq!(refusal(bruce.undeletes(&thought.id).await), missing);
            assert_eq!(refusal(bruce.reads(&thought.id).await), missing);
            assert_eq!(refusal(bruce.revisions(&thought.id, 0, "").await), missing);
            // A late repeat of its creation does not bring it back.
            let again = bruce.creates("gone", public, Some(request_id)).await;
            assert_eq!(
                refusal(again),
                because(Code::AlreadyExists, "THOUGHT_DELETED")
            );
        }
        assert!(
            bruce
                .sends_list(with_trash(""))
                .await
                .unwrap()
                .thoughts
                .is_empty()
        );
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn pages_of_a_list_with_trash_follow_each_other_and_no_other_list() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        for n in 0..9 {
            let thought = bruce.writes(&n.to_string()).await.unwrap();
            if n % 3 == 0 {
                bruce.deletes(&thought.id).await.unwrap();
            }
        }
        let pages = [
            (
                with_trash(""),
                vec!["8", "7", "6", "5", "4", "3", "2", "1", "0"],
            ),
            (
                with_trash("bruce"),
                vec!["8", "7", "6", "5", "4", "3", "2", "1", "0"],
            ),
            (trash_alone(""), vec!["6", "3", "0"]),
        ];
        let mut tokens = vec![(bruce.pages("", 1, "").await.unwrap().next_page_token)];
        for (list, expected) in &pages {
            assert_eq!(walked(&bruce, list).await, *expected);
            let first = ListThoughtsRequest {
                page_size: 1,
                ..list.clone()
            };
            tokens.push(bruce.sends_list(first).await.unwrap().next_page_token);
        }
        let lists: Vec<_> = [ListThoughtsRequest::default()]
            .into_iter()
            .chain(pages.into_iter().map(|(list, _)| list))
            .collect();
        for (n, list) in lists.iter().enumerate() {
            for (m, token) in tokens.iter().enumerate() {
                let page = ListThoughtsRequest {
                    page_token: token.clone(),
                    ..list.clone()
                };
                let answer = bruce.sends_list(page).await;
                if n == m {
                    answer.unwrap();
                } else {
                    assert_eq!(bad_field(answer), "page_token", "{n} {m}");
                }
            }
        }
        backend.stop().await;
    })
    .await;
}

/// The texts of all pages of a list, two at a time.
async fn walked(person: &Person, list: &ListThoughtsRequest) -> Vec<String> {
    let mut list = ListThoughtsRequest {
        page_size: 2,
        ..list.clone()
    };
    let mut met = Vec::new();
    loop {
        let page = person.sends_list(list.clone()).await.unwrap();
        assert!(page.thoughts.len() <= 2);
        met.extend(page.thoughts.into_iter().map(|thought| thought.text));
        if page.next_page_token.is_empty() {
            return met;
        }
        list.page_token = page.next_page_token;
    }
}
