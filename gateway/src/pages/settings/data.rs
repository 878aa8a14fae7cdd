//! Import and export: everything of one's own, to take away and to bring.

mod told;

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, StreamExt as _, stream};
use maud::{Markup, html};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::Instrument as _;

use crate::{
    backends::Backends,
    error::Problem,
    fields::{announced_length, discard},
    pages::{files::AsItIs, login},
    paths,
    porting::{
        Import, Pass,
        download::{self, Format},
        limits::{MAX_UPLOAD, Turn},
        report::{Counts, Report},
        upload,
    },
    session::SignedIn,
    ui::{
        layout::Place,
        tabs::{self, Tab},
    },
    visit::Visit,
};

const TITLE: &str = "Import and export";

/// An upload that is over by then is answered in one piece, with a status that says how it went. A
/// longer one is answered while it goes on, so that nobody between here and the browser takes the
/// silence for an end.
const QUICK: Duration = Duration::from_secs(3);

/// How often a longer one says how far it is.
const TELLING: Duration = Duration::from_secs(5);

/// How soon to come back when too many are at it.
const BUSY: Duration = Duration::from_secs(30);

/// `GET /settings/data`
pub(crate) async fn show(signed_in: SignedIn, visit: Visit) -> Response {
    let main = html! {
        (tabs::settings(Tab::Data, &signed_in.viewer))
        h1 { (TITLE) }
        p.lead { "What you write is yours: take it away, bring it back, or bring it from elsewhere." }
        (export())
        (import_form())
    };
    visit.page(TITLE, Place::Settings, &main)
}

/// `GET /settings/data/thoughts.jsonl`
pub(crate) async fn lines(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
) -> Result<Response, Problem> {
    take_away(Format::Lines, &signed_in, &visit, &backends).await
}

/// `GET /settings/data/thoughts.zip`
pub(crate) async fn folder(
    signed_in: SignedIn,
    visit: Visit,
    backends: Backends,
) -> Result<Response, Problem> {
    take_away(Format::Folder, &signed_in, &visit, &backends).await
}

/// `POST /settings/data`: a form with files, read as it comes.
pub(crate) async fn import(visit: Visit, backends: Backends, request: Request) -> Response {
    let (turn, signed_in, boundary) = match may_begin(&visit, request.headers()) {
        Ok(begun) => begun,
        Err(problem) => {
            discard(request.into_body());
            return match problem {
                Problem::SignIn => login::ask_again(&visit, visit.here.clone()),
                problem => problem.into_response(),
            };
        }
    };
    let (progress, counts) = watch::channel(Counts::default());
    let pass = Pass::new(&visit.app, backends, &signed_in).await;
    // In a task of its own: the answer may have to wait until the browser has sent everything.
    let reading = async move {
        let _turn = turn;
        let import = Import::new(pass, progress).await;
        upload::read(request.into_body(), boundary, import).await
    };
    let mut reading = tokio::spawn(reading.in_current_span());
    match timeout(QUICK, &mut reading).await {
        Ok(Ok(report)) => whole(&visit, &signed_in, &report),
        Ok(Err(_)) => Problem::Defect.into_response(),
        Err(_) => growing(&visit, &signed_in, reading, counts),
    }
}

async fn take_away(
    format: Format,
    signed_in: &SignedIn,
    visit: &Visit,
    backends: &Backends,
) -> Result<Response, Problem> {
    let turn = visit.app.porting.download().ok_or(Problem::Busy(BUSY))?;
    let thoughts = backends.export(&signed_in.token).await?;
    // What fails at once is a page, and not a download that breaks off.
    let mut thoughts = Box::pin(thoughts);
    let first = thoughts.next().await.transpose()?;
    let thoughts = stream::iter(first.map(Ok)).chain(thoughts);
    let body = Body::from_stream(download::write(format, thoughts, turn));
    let name = format!(
        "attachment; filename=\"mythoughts-{}-{}.{}\"",
        signed_in.viewer.username,
        told::day(visit.now),
        format.ending()
    );
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (
            HeaderName::from_static("x-accel-buffering"),
            "no".to_owned(),
        ),
    ];
    let mut response = (headers, body).into_response();
    if format == Format::Folder {
        response.extensions_mut().insert(AsItIs);
    }
    Ok(response)
}

/// Whether an upload can be read: who sends it, and what stands between its files.
fn may_begin(visit: &Visit, headers: &HeaderMap) -> Result<(Turn, SignedIn, String), Problem> {
    let signed_in = visit.session.clone().required()?;
    let length = announced_length(headers).unwrap_or_default();
    if length as u64 > MAX_UPLOAD {
        return Err(Problem::TooLarge);
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| Problem::Unreadable)?;
    let turn = visit.app.porting.upload(&signed_in.viewer.username);
    Ok((turn.ok_or(Problem::Busy(BUSY))?, signed_in, boundary))
}

fn whole(visit: &Visit, signed_in: &SignedIn, report: &Report) -> Response {
    let main = html! {
        (tabs::settings(Tab::Data, &signed_in.viewer))
        h1 { (told::title(report)) }
        (told::report(report))
    };
    let page = visit.page(told::title(report), Place::Settings, &main);
    (told::status(report), page).into_response()
}

/// A page that grows until the upload is over.
fn growing(
    visit: &Visit,
    signed_in: &SignedIn,
    reading: JoinHandle<Report>,
    counts: watch::Receiver<Counts>,
) -> Response {
    const GROWING: &str = "Your upload is being read";
    let (begin, end) = visit.halves(GROWING, Place::Settings);
    let head = html! {
        (tabs::settings(Tab::Data, &signed_in.viewer))
        h1 { (GROWING) }
        p { "This page grows while that goes on, and ends with what became of it." }
    };
    let head = format!("{begin}{}<ol class=\"progress\">", head.into_string());
    let pieces = stream::once(async move { head })
        .chain(progress(reading, counts))
        .chain(stream::once(async move { end }))
        .map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let mut response = (StatusCode::OK, headers, Body::from_stream(pieces)).into_response();
    response.extensions_mut().insert(AsItIs);
    response
}

/// How far it is, now and then, and in the end what became of it.
fn progress(
    mut reading: JoinHandle<Report>,
    counts: watch::Receiver<Counts>,
) -> impl Stream<Item = String> + Send {
    let mut ticks = interval(TELLING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut over) = (Counts::default(), false);
    stream::poll_fn(move |context| {
        use std::{pin::Pin, task::Poll};
        if over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(report) = Pin::new(&mut reading).poll(context) {
            over = true;
            let told = report.map_or_else(|_| told::lost(), |report| told::in_the_end(&report));
            return Poll::Ready(Some(format!("</ol>{}", told.into_string())));
        }
        if ticks.poll_tick(context).is_pending() {
            return Poll::Pending;
        }
        let now = *counts.borrow();
        let piece = match now == last {
            // So that the line is not taken for dead.
            true => "\n".to_owned(),
            false => html! { li { (told::so_far(now)) } }.into_string(),
        };
        last = now;
        Poll::Ready(Some(piece))
    })
}

fn export() -> Markup {
    html! {
        section aria-labelledby="export" {
            h2 #export { "Export" }
            p {
                "Everything that you have written, with its earlier versions and what is in the trash. "
                "Either file can be imported again, here or elsewhere."
            }
            ul.downloads {
                li {
                    a.button href=(paths::DATA_LINES) download { "JSON Lines" }
                    span.quiet { "One line for each thought. For programs." }
                }
                li {
                    a.button href=(paths::DATA_FOLDER) download { "Markdown folder" }
                    span.quiet { "A zip with a file for each thought. For people, and for Obsidian and the like." }
                }
            }
        }
    }
}

fn import_form() -> Markup {
    html! {
        section aria-labelledby="import" {
            h2 #import { "Import" }
            form.card.settings method="post" action=(paths::DATA) enctype="multipart/form-data" data-upload {
                div.field {
                    label for="file" { "Files" }
                    input #file type="file" name=(upload::FIELD) multiple required
                        accept=".jsonl,.ndjson,.json,.zip,.md,.markdown,.txt"
                        aria-describedby="file-hint";
                    p.hint #file-hint {
                        "JSON Lines or a Markdown folder from here, what memos gives as JSON or "
                        "Markdown, or Markdown files. Up to 1 GiB."
                    }
                }
                button { "Import" }
                p role="status" data-progress {}
            }
            ul.hints {
                li { "Nothing that is there is overwritten, and importing a file twice changes nothing." }
                li { "Ids, times, earlier versions and who may see a thought are kept. What does not say who may see it is private." }
                li { "What cannot be taken is told by its line or file, and stops nothing else." }
            }
        }
    }
}
