//! Keeps docs/api.md, the reference of the contract, equal to the comments in `proto/`.
//!
//! ```sh
//! UPDATE_REFERENCE=1 cargo test -p mythoughts-api    # writes it anew
//! ```

use std::{collections::BTreeMap, env, fmt::Write as _, fs};

use mythoughts_api::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
    source_code_info::Location,
};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md");

const INTRODUCTION: &str = "\
# The contract

What the services say to each other and to anybody else, made from the comments in `proto/`. The
files there are the contract itself; `buf breaking` holds them to every release.
";

// The numbers of the fields in descriptor.proto that lead to a comment.
const FILE_PACKAGE: i32 = 2;
const FILE_MESSAGES: i32 = 4;
const FILE_ENUMS: i32 = 5;
const FILE_SERVICES: i32 = 6;
const MESSAGE_FIELDS: i32 = 2;
const MESSAGE_ONEOFS: i32 = 8;
const ENUM_VALUES: i32 = 2;
const SERVICE_METHODS: i32 = 2;

#[test]
fn the_reference_is_what_the_comments_say() {
    let reference = reference();
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(REFERENCE, &reference).unwrap();
    }
    let written = fs::read_to_string(REFERENCE).unwrap_or_default();
    assert!(
        written == reference,
        "docs/api.md is out of date: UPDATE_REFERENCE=1 cargo test -p mythoughts-api"
    );
}

#[test]
fn every_rpc_says_who_may_call_it() {
    for file in files() {
        let comments = Comments::of(&file);
        for (s, service) in file.service.iter().enumerate() {
            for (m, method) in service.method.iter().enumerate() {
                let comment = comments.at(&[FILE_SERVICES, int(s), SERVICE_METHODS, int(m)]);
                let name = method.name();
                assert!(
                    comment.contains("\nCallers: "),
                    "{name} names no callers: {comment}"
                );
            }
        }
    }
}

fn reference() -> String {
    let sections: String = files().iter().map(section).collect();
    format!("{INTRODUCTION}{sections}")
}

/// Our own files, not those that they import.
fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = |file: &FileDescriptorProto| file.package().starts_with("mythoughts.");
    set.file.into_iter().filter(ours).collect()
}

/// One file: its services, then its messages and enumerations, in the order of the file.
fn section(file: &FileDescriptorProto) -> String {
    let comments = Comments::of(file);
    let mut page = format!("\n## {}\n", file.package());
    paragraph(&mut page, &comments.at(&[FILE_PACKAGE]));
    for (at, service) in file.service.iter().enumerate() {
        service_section(&mut page, &comments, int(at), service);
    }
    for (at, message) in file.message_type.iter().enumerate() {
        message_section(&mut page, &comments, int(at), message);
    }
    for (at, enumeration) in file.enum_type.iter().enumerate() {
        enum_section(&mut page, &comments, int(at), enumeration);
    }
    page
}

fn service_section(
    page: &mut String,
    comments: &Comments,
    at: i32,
    service: &ServiceDescriptorProto,
) {
    heading(page, 3, service.name());
    paragraph(page, &comments.at(&[FILE_SERVICES, at]));
    for (m, method) in service.method.iter().enumerate() {
        heading(page, 4, method.name());
        let stream = |streams| if streams { "stream of " } else { "" };
        let (takes, gives) = (method.client_streaming(), method.server_streaming());
        let (input, output) = (
            type_link(method.input_type()),
            type_link(method.output_type()),
        );
        paragraph(
            page,
            &format!("{}{input} → {}{output}", stream(takes), stream(gives)),
        );
        paragraph(
            page,
            &comments.at(&[FILE_SERVICES, at, SERVICE_METHODS, int(m)]),
        );
    }
}

fn message_section(page: &mut String, comments: &Comments, at: i32, message: &DescriptorProto) {
    heading(page, 3, message.name());
    paragraph(page, &comments.at(&[FILE_MESSAGES, at]));
    if message.field.is_empty() {
        paragraph(page, "No fields.");
        return;
    }
    page.push('\n');
    let mut oneof = None;
    for (f, field) in message.field.iter().enumerate() {
        if field.oneof_index != oneof && !field.proto3_optional() {
            oneof = field.oneof_index;
            oneof_item(page, comments, at, message, oneof);
        }
        let comment = comments.at(&[FILE_MESSAGES, at, MESSAGE_FIELDS, int(f)]);
        item(
            page,
            &format!("`{}` ({})", field.name(), field_type(message, field)),
            &comment,
        );
    }
}

/// What is said of a choice, before the fields that it is among.
fn oneof_item(
    page: &mut String,
    comments: &Comments,
    at: i32,
    message: &DescriptorProto,
    oneof: Option<i32>,
) {
    let Some(oneof) = oneof else { return };
    let comment = comments.at(&[FILE_MESSAGES, at, MESSAGE_ONEOFS, oneof]);
    let name = message.oneof_decl[usize::try_from(oneof).unwrap()].name();
    if !comment.is_empty() {
        item(page, &format!("`{name}`, one of those below"), &comment);
    }
}

fn enum_section(
    page: &mut String,
    comments: &Comments,
    at: i32,
    enumeration: &EnumDescriptorProto,
) {
    heading(page, 3, enumeration.name());
    paragraph(page, &comments.at(&[FILE_ENUMS, at]));
    page.push('\n');
    for (v, value) in enumeration.value.iter().enumerate() {
        let comment = comments.at(&[FILE_ENUMS, at, ENUM_VALUES, int(v)]);
        item(page, &format!("`{}`", value.name()), &comment);
    }
}

fn heading(page: &mut String, level: usize, text: &str) {
    writeln!(page, "\n{} {text}", "#".repeat(level)).unwrap();
}

fn paragraph(page: &mut String, text: &str) {
    if !text.is_empty() {
        writeln!(page, "\n{text}").unwrap();
    }
}

fn item(page: &mut String, what: &str, comment: &str) {
    if comment.is_empty() {
        writeln!(page, "- {what}").unwrap();
    } else {
        writeln!(page, "- {what}: {}", comment.replace('\n', "\n  ")).unwrap();
    }
}

fn field_type(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let mut words = Vec::new();
    if field.proto3_optional() {
        words.push("optional".to_owned());
    } else if field.label() == Label::Repeated {
        words.push("repeated".to_owned());
    } else if let Some(oneof) = field.oneof_index {
        let oneof = message.oneof_decl[usize::try_from(oneof).unwrap()].name();
        words.push(format!("one of `{oneof}`,"));
    }
    words.push(match field.r#type() {
        Type::Message | Type::Enum => type_link(field.type_name()),
        scalar => scalar
            .as_str_name()
            .trim_start_matches("TYPE_")
            .to_lowercase(),
    });
    words.join(" ")
}

/// A link to the section of one of our types, or the full name of another.
fn type_link(name: &str) -> String {
    let name = name.trim_start_matches('.');
    let short = name.rsplit('.').next().unwrap_or(name);
    if name.starts_with("mythoughts.") {
        format!("[{short}](#{})", short.to_lowercase())
    } else {
        format!("`{name}`")
    }
}

/// The comments of a file, by the path of what they stand before.
struct Comments(BTreeMap<Vec<i32>, String>);

impl Comments {
    fn of(file: &FileDescriptorProto) -> Self {
        let info = file.source_code_info.as_ref().unwrap();
        Self(
            info.location
                .iter()
                .map(|at| (at.path.clone(), text(at)))
                .collect(),
        )
    }

    fn at(&self, path: &[i32]) -> String {
        self.0.get(path).cloned().unwrap_or_default()
    }
}

fn text(location: &Location) -> String {
    let lines = location.leading_comments().lines();
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n").trim().to_owned()
}

fn int(index: usize) -> i32 {
    i32::try_from(index).unwrap()
}
