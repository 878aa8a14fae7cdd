//! `ExportThoughts`, `ImportThoughts`.

use std::time::Duration;

use api::{
    thoughts::v1::{
        ExportThoughtsRequest, ExportThoughtsResponse, ImportThoughtsRequest,
        ImportThoughtsResponse, Thought, ThoughtRevision, Visibility,
        thoughts_service_client::ThoughtsServiceClient,
    },
    users::v1::{Role, Scope},
};
use database::testing::{Fresh, each_engine, on_each_engine};
use futures_util::{StreamExt as _, stream};
use runtime::clock::{Clock, Timestamp};
use tokio::{sync::mpsc, task::yield_now, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, transport::Endpoint};

use crate::support::{Backend, Person, System, bad_field, because, refusal};

/// Far more than any of this takes.
const SOON: Duration = Duration::from_secs(20);

impl Person {
    /// Everything of this person's, with the trash.
    pub(crate) async fn exports(&self) -> Result<Vec<ExportThoughtsResponse>, Status> {
        let request = self.request(ExportThoughtsRequest { show_deleted: true });
        let mut answers = self
            .client
            .clone()
            .export_thoughts(request)
            .await?
            .into_inner();
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await? {
            all.push(answer);
        }
        Ok(all)
    }

    pub(crate) async fn imports(
        &self,
        requests: Vec<ImportThoughtsRequest>,
    ) -> Result<Vec<ImportThoughtsResponse>, Status> {
        let request = self.request(stream::iter(requests));
        let mut answers = self
            .client
            .clone()
            .import_thoughts(request)
            .await?
            .into_inner();
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await? {
            all.push(answer);
        }
        Ok(all)
    }
}

fn import(exported: &ExportThoughtsResponse) -> ImportThoughtsRequest {
    ImportThoughtsRequest {
        thought: exported.thought.clone(),
        revisions: exported.revisions.clone(),
        line: 0,
    }
}

fn record(text: &str) -> ImportThoughtsRequest {
    let thought = Thought {
        text: text.to_owned(),
        visibility: Visibility::Public.into(),
        ..Default::default()
    };
    ImportThoughtsRequest {
        thought: Some(thought),
        ..Default::default()
    }
}

/// Imported, unchanged, refused.
fn totals(answers: &[ImportThoughtsResponse]) -> (i64, i64, i64) {
    let last = answers.last().expect("an answer");
    (
        last.imported_count,
        last.unchanged_count,
        last.refused_count,
    )
}

fn refused(answers: &[ImportThoughtsResponse]) -> Vec<(i64, &str)> {
    let refused = answers.iter().flat_map(|answer| &answer.refused);
    refused
        .map(|refused| (refused.line, refused.field.as_str()))
        .collect()
}

#[tokio::test]
async fn everything_goes_to_another_server_as_it_was() {
    for (here, there) in each_engine().await.iter().zip(each_engine().await) {
        let (here, there) = (Backend::start(here).await, Backend::start(&there).await);
        let bruce = here.member("bruce");
        let first = bruce.writes("a platypus #京都").await.unwrap();
        bruce.edits(&first, "a wombat\n#東京").await.unwrap();
        bruce.notes("for bruce alone").await.unwrap();
        let deleted = bruce.writes("in the trash").await.unwrap();
        bruce.deletes(&deleted.id).await.unwrap();
        let removed = bruce.writes("removed").await.unwrap();
        here.administrator("ada")
            .deletes(&removed.id)
            .await
            .unwrap();
        here.member("stephen").writes("stephen's").await.unwrap();

        let exported = bruce.exports().await.unwrap();
        assert_eq!(exported.len(), 4);
        assert_eq!(exported[0].revisions[0].text, "a platypus #京都");
        let moved = there.member("bruce");
        let answers = moved.imports(exported.iter().map(import).collect()).await;
        assert_eq!(totals(&answers.unwrap()), (4, 0, 0));
        assert_eq!(moved.exports().await.unwrap(), exported);
        for bruce in [bruce, moved] {
            let answers = bruce.imports(exported.iter().map(import).collect()).await;
            assert_eq!(totals(&answers.unwrap()), (0, 4, 0));
        }
        let found = there.nobody().searches("#東京 WOMBAT").await.unwrap();
        assert_eq!(found.thoughts[0].id, first.id);
        assert_eq!(there.nobody().lists("").await.unwrap().thoughts.len(), 1);
        here.stop().await;
        there.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_by_its_line_and_the_rest_goes_on() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let with = |change: fn(&mut Thought)| {
            let mut record = record("fine but for one thing");
            change(record.thought.as_mut().expect("a thought"));
            record
        };
        let revision = ThoughtRevision {
            text: "before".into(),
            visibility: Visibility::Private.into(),
            create_time: Some(Timestamp::from_seconds(1).into()),
            end_time: Some(Timestamp::from_seconds(2).into()),
        };
        let revised = |revisions| ImportThoughtsRequest {
            revisions,
            ..record("fine but for its revisions")
        };
        let ahead = Clock::system().now() + Duration::from_secs(360);
        let mut ahead_of_time = with(|_| ());
        ahead_of_time.thought.as_mut().unwrap().create_time = Some(ahead.into());
        let records = vec![
            record("fine"),
            ImportThoughtsRequest::default(),
            record(" \n "),
            record("a\u{7}b"),
            record(&"x".repeat(251)),
            with(|thought| thought.visibility = 0),
            with(|thought| thought.visibility = 9),
            with(|thought| thought.id = "seven".into()),
            ahead_of_time,
            revised(vec![revision.clone(), revision.clone()]),
            revised(vec![ThoughtRevision {
                end_time: None,
                ..revision.clone()
            }]),
            ImportThoughtsRequest {
                line: 77,
                ..record("")
            },
            revised(vec![revision]),
        ];
        let answers = bruce.imports(records).await.unwrap();
        assert_eq!(totals(&answers), (2, 0, 11));
        let expected = [
            (2, "thought"),
            (3, "thought.text"),
            (4, "thought.text"),
            (5, "thought.text"),
            (6, "thought.visibility"),
            (7, "thought.visibility"),
            (8, "thought.id"),
            (9, "thought.create_time"),
            (10, "revisions.create_time"),
            (11, "revisions.end_time"),
            (77, "thought.text"),
        ];
        assert_eq!(refused(&answers), expected);
        assert_eq!(bruce.exports().await.unwrap().len(), 2);
        assert_eq!(totals(&bruce.imports(Vec::new()).await.unwrap()), (0, 0, 0));
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_whose_an_id_is_or_gets_at_what_it_stands_for() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        let secret = bruce.notes("bruce's own").await.unwrap();
        let mut guess = record("stephen's");
        guess.thought.as_mut().unwrap().id = secret.id.clone();
        for expected in [(1, 0, 0), (0, 1, 0)] {
            let answers = stephen.imports(vec![guess.clone()]).await.unwrap();
            assert_eq!(totals(&answers), expected);
        }
        assert_eq!(bruce.reads(&secret.id).await.unwrap(), secret);
        let stephens = stephen.exports().await.unwrap();
        let kept = stephens[0].thought.clone().unwrap();
        assert_ne!(kept.id, secret.id);
        assert_eq!((stephens.len(), kept.author.as_str()), (1, "stephen"));
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn counts_come_as_parts_are_stored() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let bruce = backend.member("bruce");
        let records: Vec<_> = (0..1_200).map(|n| record(&format!("{n} #tag"))).collect();
        let answers = bruce.imports(records.clone()).await.unwrap();
        let counts: Vec<_> = answers.iter().map(|answer| answer.imported_count).collect();
        assert_eq!(counts, [500, 1_000, 1_200]);
        assert_eq!(bruce.exports().await.unwrap().len(), 1_200);
        let answers = bruce.imports(records).await.unwrap();
        assert_eq!(totals(&answers), (0, 1_200, 0));
        backend.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_for_reading_exports_and_does_not_import() {
    on_each_engine(async |fresh| {
        let system = System::start(fresh).await;
        let for_us = crate::users::service_token(
            &system.key,
            runtime::auth::THOUGHTS_BACKEND,
            runtime::auth::USERS_BACKEND,
            900,
        );
        let users = system.users_backend(&system.backend);
        users.hands_over(&for_us).await.expect("taken up");
        let known = &system.users.known;
        known.add("mt_reads", "bruce", Role::Member, Scope::Read);
        let reads = system.backend.with_token("mt_reads");
        assert_eq!(reads.exports().await.unwrap(), []);
        assert_eq!(
            refusal(reads.imports(vec![record("a")]).await),
            because(Code::PermissionDenied, "READ_ONLY_TOKEN")
        );
        system.stop().await;
    })
    .await;
}

/// What has come is stored although more may come; and an import that waits does not hold up a
/// server that stops.
#[tokio::test]
async fn r12_an_open_import_ends_with_the_server() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let endpoint = Endpoint::from_shared(backend.url()).expect("an address");
    let mut client = ThoughtsServiceClient::new(endpoint.connect_lazy());
    let (sender, receiver) = mpsc::channel(1);
    let request = backend
        .member("bruce")
        .request(ReceiverStream::new(receiver));
    sender.send(record("a")).await.expect("taken");
    let mut answers = client.import_thoughts(request).await.unwrap().into_inner();
    let first = timeout(SOON, answers.message()).await.expect("in time");
    assert_eq!(first.unwrap().unwrap().imported_count, 1);
    let stopped = tokio::spawn(backend.stop());
    let last = timeout(SOON, answers.message()).await.expect("in time");
    assert_eq!(refusal(last), because(Code::Unavailable, "STOPPING"));
    drop((sender, client));
    timeout(SOON, stopped)
        .await
        .expect("in time")
        .expect("stopped");
}

#[tokio::test]
async fn thoughts_of_one_time_are_listed_by_their_ids_page_by_page() {
    on_each_engine(async |fresh| {
        let backend = Backend::start(fresh).await;
        let (bruce, stephen) = (backend.member("bruce"), backend.member("stephen"));
        // Not in the order of their ids.
        let ids = [3, 1, 5, 4, 2].map(|n| format!("00000000-0000-4000-8000-00000000000{n}"));
        for (n, id) in ids.iter().enumerate() {
            let mut one = record(&format!("thought {n}"));
            let thought = one.thought.as_mut().unwrap();
            thought.id.clone_from(id);
            thought.create_time = Some(Timestamp::from_seconds(1_000).into());
            let whose = if n % 2 == 0 { &bruce } else { &stephen };
            assert_eq!(totals(&whose.imports(vec![one]).await.unwrap()), (1, 0, 0));
        }
        let mut newest_first = ids.to_vec();
        newest_first.sort_unstable();
        newest_first.reverse();
        for size in [1, 2, 4] {
            let (mut listed, mut found) = (Vec::new(), Vec::new());
            let (mut list_token, mut search_token) = (String::new(), String::new());
            loop {
                let page = bruce.pages("", size, &list_token).await.unwrap();
                listed.extend(page.thoughts.into_iter().map(|thought| thought.id));
                let search = bruce.search_pages("thought", size, &search_token).await;
                let search = search.unwrap();
                found.extend(search.thoughts.into_iter().map(|thought| thought.id));
                (list_token, search_token) = (page.next_page_token, search.next_page_token);
                if list_token.is_empty() {
                    break;
                }
                let elsewhere = stephen.pages("bruce", size, &list_token).await;
                assert_eq!(bad_field(elsewhere), "page_token");
            }
            assert_eq!(search_token, "");
            assert_eq!((&listed, &found), (&newest_first, &newest_first));
        }
        backend.stop().await;
    })
    .await;
}

/// As grpcurl sends a file: a frame for each message, as fast as the server takes them.
#[tokio::test]
async fn very_many_small_messages_are_taken_each_in_its_own_frame() {
    let fresh = Fresh::sqlite();
    let backend = Backend::start(&fresh).await;
    let bruce = backend.member("bruce");
    let records = (0..12_000).map(|n| record(&n.to_string()));
    let one_by_one = stream::iter(records).then(|record| async {
        yield_now().await;
        record
    });
    let request = bruce.request(one_by_one);
    let answers = bruce.client.clone().import_thoughts(request).await;
    let mut answers = answers.expect("answered").into_inner();
    let mut imported = 0;
    while let Some(answer) = answers.message().await.expect("it goes on") {
        imported = answer.imported_count;
    }
    assert_eq!(imported, 12_000);
    backend.stop().await;
}
