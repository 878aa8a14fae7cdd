//! docs/reference.md: tables under headings, names in backticks.

use std::{collections::BTreeSet, fs, path::Path};

/// The names in the first column of a section's tables.
pub(crate) fn names(section: &str) -> BTreeSet<String> {
    rows(section)
        .into_iter()
        .filter_map(|row| row.into_iter().next())
        .flatten()
        .collect()
}

/// A section's rows: for each cell, what stands in it in backticks. A heading of the third level
/// that names something is put before the names in the first cells under it, with a dot.
pub(crate) fn rows(section: &str) -> Vec<Vec<Vec<String>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = rows_of(&text, section);
    assert!(!rows.is_empty(), "docs/reference.md has no table under \"## {section}\"");
    rows
}

fn rows_of(text: &str, section: &str) -> Vec<Vec<Vec<String>>> {
    let mut found = Vec::new();
    let (mut within, mut prefix) = (false, String::new());
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            within = heading.trim() == section;
            prefix.clear();
        } else if let Some(heading) = line.strip_prefix("### ") {
            let name = quoted(heading).pop();
            prefix = name.map_or_else(String::new, |name| {
                format!("{}.", name.rsplit('.').next().unwrap_or_default())
            });
        } else if within && line.starts_with('|') {
            let mut cells: Vec<_> =
                line.trim_matches('|').split('|').map(quoted).collect();
            // The head of a table and the line under it have no names.
            if cells.first().is_some_and(|first| !first.is_empty()) {
                for name in &mut cells[0] {
                    name.insert_str(0, &prefix);
                }
                found.push(cells);
            }
        }
    }
    found
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn rows_are_those_of_the_section() {
    let text = "# R\n## Rpcs\n### `a.v1.S`\n| rpc | who |\n|---|---|\n| `Get`, `Put` | `x` |\n\n\
                ## Routes\n| route |\n|---|\n| `GET /` |\n";
    let cell = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(rows_of(text, "Rpcs"), [[cell(&["S.Get", "S.Put"]), cell(&["x"])]]);
    assert_eq!(rows_of(text, "Routes"), [[cell(&["GET /"])]]);
}
