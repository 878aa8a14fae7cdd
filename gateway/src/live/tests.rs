use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{
    list::{BACKLOG, KEPT},
    *,
};

fn list() -> Followed {
    Followed {
        viewer: None,
        author: "bruce".to_owned(),
        query: String::new(),
        of_tag: false,
    }
}

fn backend() -> (
    mpsc::UnboundedSender<Event>,
    impl Stream<Item = Event> + Send,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let events = stream::unfold(
        receiver,
        async |mut receiver: mpsc::UnboundedReceiver<_>| {
            let event = receiver.recv().await?;
            Some((event, receiver))
        },
    );
    (sender, events)
}

fn n(n: usize) -> Event {
    Event::new(&n.to_string(), Some("created"), "x")
}

fn ready(joining: Option<Joining>) -> Reader {
    match joining {
        Some(Joining::Ready(reader)) => reader,
        other => panic!("{other:?}"),
    }
}

async fn all(reader: Reader) -> Vec<Bytes> {
    reader.into_stream().map(Result::unwrap).collect().await
}

fn bytes(numbers: impl IntoIterator<Item = usize>) -> Vec<Bytes> {
    numbers.into_iter().map(|number| n(number).bytes).collect()
}

#[test]
fn an_event_holds_its_lines() {
    let event = Event::new("7", Some("created"), "<p>\nid: 8</p>");
    assert_eq!(
        event.bytes,
        "id: 7\nevent: created\ndata: <p>\ndata: id: 8</p>\n\n"
    );
    assert_eq!(Event::new("8", None, "").bytes, "id: 8\n\n");
}

#[tokio::test]
async fn all_who_follow_a_list_hear_the_same_and_end_with_it() {
    let live = Live::default();
    assert!(live.join(&list(), None).is_none());
    let (backend, events) = backend();
    let mut readers = vec![live.follow(list(), None, events).unwrap()];
    readers.extend((0..9).map(|_| ready(live.join(&list(), None))));
    backend.send(n(1)).unwrap();
    backend.send(n(2)).unwrap();
    drop(backend);
    for reader in readers {
        assert_eq!(all(reader).await, bytes([1, 2]));
    }
    assert!(live.join(&list(), None).is_none());
}

#[tokio::test]
async fn who_comes_from_a_little_before_is_told_what_it_missed() {
    let live = Live::default();
    let (backend, events) = backend();
    let mut first = Box::pin(
        live.follow(list(), Some("0"), events)
            .unwrap()
            .into_stream(),
    );
    for number in 1..=KEPT + 1 {
        backend.send(n(number)).unwrap();
        assert_eq!(first.next().await, Some(Ok(n(number).bytes)));
        let from_begin = live.join(&list(), Some("0"));
        assert_eq!(
            matches!(from_begin, Some(Joining::Ready(_))),
            number <= KEPT,
            "{number}"
        );
    }
    let from_first = ready(live.join(&list(), Some("1")));
    let from_last = ready(live.join(&list(), Some(&(KEPT + 1).to_string())));
    let from_now = ready(live.join(&list(), None));
    backend.send(n(KEPT + 2)).unwrap();
    drop(backend);
    assert_eq!(all(from_first).await, bytes(2..=KEPT + 2));
    assert_eq!(all(from_last).await, bytes([KEPT + 2]));
    // So that it can come back to where it began.
    let place = Event::new(&(KEPT + 1).to_string(), None, "").bytes;
    let behind = n(KEPT + 2).bytes;
    assert_eq!(all(from_now).await, [place, behind]);
}

#[tokio::test]
async fn who_comes_from_elsewhere_hears_each_thing_once() {
    let live = Live::default();
    let (backend, events) = backend();
    let mut first = Box::pin(live.follow(list(), None, events).unwrap().into_stream());
    let Some(Joining::Behind(late)) = live.join(&list(), Some("elsewhere")) else {
        panic!("nobody here knows what was elsewhere");
    };
    // Told here, and by the backend as well, when it was asked.
    for number in [2, 3] {
        backend.send(n(number)).unwrap();
        assert_eq!(first.next().await, Some(Ok(n(number).bytes)));
    }
    let late = late.after(vec![n(1), n(2), n(3), Event::new("3", None, "")]);
    backend.send(n(4)).unwrap();
    drop(backend);
    let place = Event::new("3", None, "").bytes;
    let mut expected = bytes([1, 2, 3]);
    expected.push(place);
    expected.extend(bytes([4]));
    assert_eq!(all(late).await, expected);
}

#[tokio::test]
async fn who_falls_behind_is_let_go_and_so_is_everybody_at_the_end() {
    let live = Live::default();
    let (backend, events) = backend();
    let slow = live.follow(list(), None, events).unwrap();
    let mut quick = Box::pin(ready(live.join(&list(), None)).into_stream());
    for event in 0..=BACKLOG {
        backend.send(n(event)).unwrap();
        assert_eq!(quick.next().await, Some(Ok(n(event).bytes)));
    }
    assert_eq!(live.usage.readers.get(), 2);
    assert_eq!(Box::pin(slow.into_stream()).next().await, None);
    assert_eq!((live.usage.readers.get(), live.usage.dropped.get()), (1, 1));
    live.stop();
    assert_eq!(quick.next().await, None);
}
