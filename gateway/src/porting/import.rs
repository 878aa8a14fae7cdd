//! Storing what an upload has, in parts that fit into memory.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use super::{
    pass::Pass,
    record::{Record, Refused},
    report::{Counts, Ended, Report},
};
use crate::error::{Problem, sentence};

/// What is stored at once: as much as the thoughts backend stores in one transaction.
const PART: usize = 500;
const PART_BYTES: usize = 1 << 20;

/// How long to wait before a part is sent once more: that does no harm, whatever became of it. A
/// backend that is replaced is away for seconds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
];

/// An import that is under way.
pub(crate) struct Import {
    pass: Pass,
    /// The longest text, in Unicode scalar values, if that is known.
    limit: Option<usize>,
    part: Vec<(String, Record)>,
    part_bytes: usize,
    report: Report,
    progress: watch::Sender<Counts>,
}

/// Nothing more can be stored; the report says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over;

/// What became of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartOutcome {
    pub(crate) imported: u64,
    pub(crate) there: u64,
    /// By their place in the part, from 0: the field that was wrong, and what was expected of it.
    pub(crate) refused: Vec<(usize, String, String)>,
}

impl Import {
    pub(crate) async fn new(pass: Pass, progress: watch::Sender<Counts>) -> Self {
        let limit = pass.backends().max_thought_length().await;
        Self {
            pass,
            limit: limit.and_then(|limit| usize::try_from(limit).ok()),
            part: Vec::new(),
            part_bytes: 0,
            report: Report::default(),
            progress,
        }
    }

    pub(super) const fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// So many bytes have come.
    pub(super) const fn has_read(&mut self, bytes: u64) {
        self.report.counts.read = bytes;
    }

    /// Takes what was found at a place.
    pub(super) async fn add(
        &mut self,
        place: String,
        record: Result<Record, Refused>,
    ) -> Result<(), Over> {
        match record {
            Err(why) => self.report.refuse(place, sentence(&why)),
            Ok(record) => {
                self.part_bytes += record.size();
                self.part.push((place, record));
            }
        }
        match self.part.len() >= PART || self.part_bytes >= PART_BYTES {
            true => self.store().await,
            false => Ok(()),
        }
    }

    /// Stores what is left, and says what became of all of it.
    pub(super) async fn finish(mut self) -> Report {
        // What was read before the end came is stored.
        if !matches!(self.report.ended, Some(Ended::Storing(_))) {
            let _ = self.store().await;
        }
        self.pass.give_back().await;
        self.report
    }

    async fn store(&mut self) -> Result<(), Over> {
        if self.part.is_empty() {
            return Ok(());
        }
        self.part_bytes = 0;
        let (places, records): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.part).into_iter().unzip();
        let records: Arc<[Record]> = records.into();
        let outcome = match self.send(&records).await {
            Ok(outcome) => outcome,
            Err(problem) => {
                self.report.ended = Some(Ended::Storing(problem));
                return Err(Over);
            }
        };
        let counts = &mut self.report.counts;
        counts.imported += outcome.imported;
        counts.there += outcome.there;
        counts.had_files += records.iter().filter(|it| it.had_files).count() as u64;
        for (at, field, expected) in outcome.refused {
            let (Some(place), Some(record)) = (places.get(at), records.get(at)) else {
                tracing::error!(at, "a refusal of what was not sent");
                continue;
            };
            let too_long = self.limit.is_some_and(|limit| record.length() > limit);
            if field == "thought.text" && too_long {
                self.report.counts.too_long += 1;
            }
            let why = sentence(&format!("{} {expected}", called(&field)));
            self.report.refuse(place.clone(), why);
        }
        self.progress.send_replace(self.report.counts);
        Ok(())
    }

    /// Sends a part, again if need be.
    async fn send(&mut self, records: &Arc<[Record]>) -> Result<PartOutcome, Problem> {
        let mut pauses = PAUSES.iter();
        loop {
            let token = self.pass.token().await;
            let sent = self.pass.backends().import(Arc::clone(records), &token);
            match (sent.await, pauses.next()) {
                (Ok(outcome), _) => return Ok(outcome),
                (
                    Err(Problem::OutOfReach(..) | Problem::Busy(_) | Problem::Conflict),
                    Some(pause),
                ) => {
                    sleep(*pause).await;
                }
                (Err(problem), _) => return Err(problem),
            }
        }
    }
}

/// What people call a field of the contract.
fn called(field: &str) -> &str {
    match field {
        "thought.text" => "the text",
        "thought.id" => "the id",
        "thought.visibility" => "the visibility",
        "thought.create_time" => "the time of writing",
        "thought.update_time" => "the time of the last change",
        "thought.delete_time" => "the time of deleting",
        "revisions.text" => "the text of an earlier version",
        "revisions.create_time" | "revisions.end_time" => "a time of an earlier version",
        _ => "something",
    }
}
