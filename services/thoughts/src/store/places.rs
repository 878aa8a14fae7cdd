//! Where there is room for a thought whose position is taken.

use super::import::parameters;
use crate::thought::Thought;

/// The most positions that are looked at in one go.
pub(super) const MOST: i64 = 1_024;

/// As many are looked at first.
pub(super) const FIRST: i64 = 16;

/// The next positions from one on that are taken.
pub(super) const TAKEN: &str = "
    SELECT position FROM (
        SELECT * FROM (
            SELECT position FROM thoughts WHERE position >= $1 ORDER BY position LIMIT $2
        ) AS kept
        UNION
        SELECT * FROM (
            SELECT position FROM trash WHERE position >= $1 ORDER BY position LIMIT $2
        ) AS lying
    ) AS taken
    ORDER BY position LIMIT $2";

/// Which positions of a stretch are taken.
pub(super) struct Stretch {
    from: i64,
    /// The first position after it.
    end: i64,
    taken: Vec<i64>,
}

impl Stretch {
    /// Of no length.
    pub(super) const fn none() -> Self {
        Self {
            from: 0,
            end: 0,
            taken: Vec::new(),
        }
    }

    /// What [`TAKEN`] gave from a position on, at most so many.
    pub(super) fn new(from: i64, limit: i64, taken: Vec<i64>) -> Self {
        let last = taken.last().map_or(from, |last| last + 1);
        let whole = i64::try_from(taken.len()).is_ok_and(|taken| taken < limit);
        Self {
            from,
            end: if whole { i64::MAX } else { last },
            taken,
        }
    }

    pub(super) fn has(&self, position: i64) -> bool {
        (self.from..self.end).contains(&position)
    }

    /// The first position from one on, which it has, that is free; the first after it if there is
    /// none, of which nothing is known.
    pub(super) fn free(&self, position: i64) -> i64 {
        let before = self.taken.partition_point(|taken| *taken < position);
        let run = self.taken[before..].iter().zip(position..);
        let run = run.take_while(|(taken, place)| **taken == *place);
        run.last().map_or(position, |(_, last)| last + 1)
    }
}

/// Which of so many positions are taken.
pub(super) fn taken_among(positions: usize) -> String {
    let places = parameters(1, positions);
    format!(
        "SELECT position FROM thoughts WHERE position IN ({places})
         UNION ALL
         SELECT position FROM trash WHERE position IN ({places})"
    )
}

/// Thoughts by time, those of one time in the order in which they came.
pub(super) fn by_time(thoughts: &mut [(Thought, String)]) -> Vec<&mut Thought> {
    let mut thoughts: Vec<&mut Thought> = thoughts.iter_mut().map(|(new, _)| new).collect();
    thoughts.sort_by_key(|thought| thought.create_time);
    thoughts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_position_is_in_the_first_gap_or_behind_all() {
        let stretch = Stretch::new(10, 4, vec![10, 11, 13, 14]);
        let free: Vec<_> = (10..15).map(|position| stretch.free(position)).collect();
        assert_eq!(free, [12, 12, 12, 15, 15]);
        // It was cut off there, so nobody knows of 15.
        assert!(stretch.has(10) && stretch.has(14));
        assert!(!stretch.has(9) && !stretch.has(15));
        let whole = Stretch::new(10, 5, vec![10, 11, 13, 14]);
        assert!(whole.has(15) && whole.free(15) == 15);
        assert!(!Stretch::none().has(0));
    }
}
