//! The commands of docs/runbook.md.

use std::{fs, path::Path};

/// Some commands that stand together, and under which heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) heading: String,
    pub(crate) commands: String,
}

impl Block {
    /// Whether it is for a cluster or for containers.
    pub(crate) fn is_elsewhere(&self) -> bool {
        ["kubectl ", "docker ", "k8s/"]
            .iter()
            .any(|tool| self.commands.starts_with(tool))
    }
}

/// All of them, in order.
pub(crate) fn blocks() -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbook.md");
    blocks_of(&fs::read_to_string(path).expect("docs/runbook.md"))
}

fn blocks_of(text: &str) -> Vec<Block> {
    let (mut blocks, mut heading, mut open) = (Vec::new(), String::new(), None::<Block>);
    for line in text.lines() {
        let line = line.strip_prefix("   ").unwrap_or(line);
        match (&mut open, line) {
            (None, "```sh") => {
                open = Some(Block {
                    heading: heading.clone(),
                    commands: String::new(),
                });
            }
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => block.commands += &format!("{line}\n"),
            (None, line) => {
                if let Some(name) = line.strip_prefix('#') {
                    heading = name.trim_start_matches('#').trim().to_owned();
                }
            }
        }
    }
    assert_eq!(open, None, "a block has no end");
    blocks
}

#[test]
fn blocks_are_found_with_their_headings() {
    let text = "# A\n```sh\none\n```\n## B c\n1. x\n\n   ```sh\n   two\n     three\n   ```\n";
    let expected = [("A", "one\n"), ("B c", "two\n  three\n")];
    let expected = expected.map(|(heading, commands)| Block {
        heading: heading.to_owned(),
        commands: commands.to_owned(),
    });
    assert_eq!(blocks_of(text), expected);
}
