//! The documentation's tables: sections under headings, cells, and names in backticks.

use std::{fs, path::Path};

/// What stands under a heading of the second level, such as `README.md`'s "Configuration".
pub(crate) fn section(file: &str, heading: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let section = section_of(&text, heading);
    assert!(
        !section.is_empty(),
        "{file} has no section \"## {heading}\", which is looked into here"
    );
    section
}

/// The cells of each row of a section's tables, without the rows that head them.
pub(crate) fn rows(section: &str) -> Vec<Vec<String>> {
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .filter(|cells: &Vec<String>| cells.first().is_some_and(|first| first.contains('`')))
        .collect()
}

/// What stands in backticks.
pub(crate) fn names(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn section_of(text: &str, heading: &str) -> String {
    text.lines()
        .skip_while(|line| line.strip_prefix("## ").map(str::trim) != Some(heading))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn a_section_ends_where_the_next_begins() {
    let text = "# R\n## A\n| name | who |\n|---|---|\n| `x`, `y` | all |\n## B\n| `z` | x |\n";
    let rows = rows(&section_of(text, "A"));
    assert_eq!(rows, [["`x`, `y`", "all"]]);
    assert_eq!(names(&rows[0][0]), ["x", "y"]);
}
