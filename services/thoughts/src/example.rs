//! The example data behind `DEMO`.

use runtime::clock::Timestamp;
use uuid::{Uuid, uuid};

use crate::thought::{Author, Thought, Visibility};

/// The users backend makes its example users with these ids.
const BRUCE: Uuid = uuid!("00f7de00-0501-7000-8000-000000000001");
const STEPHEN: Uuid = uuid!("00f7de00-0601-7000-8000-000000000002");

/// 1962-05-11T09:53:00Z and 1963-06-11T19:53:00Z, in seconds since 1970.
const EXPERIMENT: i64 = -241_193_220;
const VISIT: i64 = -206_942_820;

/// Five thoughts: a scientist counts down to an experiment, a magician is about to visit a dream.
pub(crate) fn thoughts() -> Vec<Thought> {
    let bruce = |seconds, n, text| thought("bruce", BRUCE, EXPERIMENT + seconds, n, text);
    let stephen = |seconds, n, text| thought("stephen", STEPHEN, VISIT + seconds, n, text);
    vec![
        bruce(
            0,
            1,
            "Fourteen minutes to go. Every dial reads what it should, and my coffee has gone cold twice.",
        ),
        bruce(
            9 * 60,
            2,
            "Five minutes. Somebody has left a toy platypus on the test range; I had better fetch it myself.",
        ),
        bruce(
            14 * 60,
            3,
            "Ten seconds, nine, eight… A fine day to stay exactly the size I am.",
        ),
        stephen(
            0,
            4,
            "The candles are lit and the window is open: somebody across town cannot wake from a dream.",
        ),
        stephen(
            5 * 60,
            5,
            "One never knocks on the door of a dream. One waits until it looks the other way, and walks in.",
        ),
    ]
}

fn thought(username: &str, id: Uuid, seconds: i64, number: u128, text: &str) -> Thought {
    let time = Timestamp::from_seconds(seconds);
    Thought {
        id: Uuid::from_u128(0x00f7_de00_0000_7000_8000_0000_0000_0000 | number),
        author: Author {
            id,
            username: username.to_owned(),
        },
        text: text.to_owned(),
        visibility: Visibility::Public,
        create_time: time,
        position: time.as_micros(),
        update_time: time,
        trashed: None,
    }
}
