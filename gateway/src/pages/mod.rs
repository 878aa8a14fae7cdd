//! The pages: a file each, with its handlers, its form and its view.

pub(crate) mod admin;
pub(crate) mod edit;
pub(crate) mod feed;
pub(crate) mod files;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod own;
pub(crate) mod person;
pub(crate) mod problem;
pub(crate) mod reset;
pub(crate) mod revisions;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod signup;
pub(crate) mod tags;
pub(crate) mod thought;
pub(crate) mod trash;
