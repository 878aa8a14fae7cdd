//! The style sheet, the script and the icon, inside the binary.
//!
//! An address has the hash of what it leads to, so that browsers may keep it for ever and still
//! see a new version at once.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
};

use crate::paths;

/// The base first, then the house's own rules over it: one request for both, and nothing in it that
/// only people read.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    lean(concat!(
        include_str!("../assets/modern-normalize/modern-normalize-3.0.1.css"),
        "\n",
        include_str!("../assets/style.css"),
    ))
});

/// The script of every page, and that of one, as it is sent.
static CODE: LazyLock<String> = LazyLock::new(|| {
    lean_script(concat!(
        include_str!("../assets/script.js"),
        "\n",
        include_str!("../assets/upload.js"),
    ))
});

/// Who may crawl what.
pub(crate) const ROBOTS: &str = include_str!("../assets/robots.txt");

pub(crate) static STYLE_SHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", &STYLE));
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("script", "js", "text/javascript; charset=utf-8", &CODE));
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    )
});

/// A file that pages refer to.
#[derive(Debug)]
pub(crate) struct Asset {
    name: String,
    /// Where it lies: path and nothing else.
    pub(crate) path: String,
    /// An entity tag, quotes included.
    pub(crate) etag: String,
    pub(crate) content_type: &'static str,
    pub(crate) content: &'static str,
}

impl Asset {
    /// The asset of this name; an older or newer version of a name leads to none.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        [&*STYLE_SHEET, &*SCRIPT, &*ICON]
            .into_iter()
            .find(|asset| asset.name == name)
    }

    fn new(stem: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let hash = hasher.finish();
        let name = format!("{stem}-{hash:016x}.{extension}");
        Self {
            path: paths::asset(&name),
            name,
            etag: format!("\"{hash:016x}\""),
            content_type,
            content,
        }
    }
}

/// A style sheet without its comments, licences excepted (`/*!`), and without space that is there for
/// people. None of its texts may look like a comment, or have a colon and a space.
fn lean(style: &str) -> String {
    let mut pieces = style.split("/*");
    let mut lean = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (comment, rest) = piece.split_once("*/").unwrap_or_default();
        if comment.starts_with('!') {
            lean.extend(["/*", comment, "*/"]);
        }
        lean.push_str(rest);
    }
    let lines = lean.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |lean, line| {
        let line = line.replace(" {", "{").replace(": ", ":");
        let end = if line.ends_with(['{', '}', ';', ',']) {
            ""
        } else {
            "\n"
        };
        lean + &line + end
    })
}

/// A script without the lines that are comments, and without the space in front of the others. None
/// of its texts may go over several lines.
fn lean_script(script: &str) -> String {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.fold(String::new(), |lean, line| lean + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_keeps_its_rules() {
        let style = "/*! Mine. */\n/* Paper. */\na {\n  color: red; /* or\n not */\n}\n\n@media print {\n  b {}\n}\n";
        let lean = "/*! Mine. */\na{color:red;}@media print{b{}}";
        assert_eq!(super::lean(style), lean);
    }

    #[test]
    fn a_script_keeps_its_lines() {
        let script = "// Says it.\n(() => {\n  // Twice.\n\n  a(\"// no comment\");\n})();\n";
        assert_eq!(
            lean_script(script),
            "(() => {\na(\"// no comment\");\n})();\n"
        );
        let texts = [
            include_str!("../assets/script.js"),
            include_str!("../assets/upload.js"),
        ];
        let mut lines = texts.iter().flat_map(|text| text.lines());
        assert!(lines.all(|line| line.matches('`').count() % 2 == 0));
    }

    #[test]
    fn p08_script_and_style_are_small() {
        let (script, style) = (SCRIPT.content.len(), STYLE_SHEET.content.len());
        assert!(script < 20_000, "the script has {script} bytes");
        let both = script + style;
        assert!(both < 35_000, "script and style have {both} bytes");
    }
}
