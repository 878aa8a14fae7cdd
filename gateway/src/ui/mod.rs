//! The parts that pages are made of: from values to HTML, and nothing else.
//!
//! - `layout`: the frame around every page;
//! - `thought`: one thought, and lists of them;
//! - `trash`: how a thought lies there, and what can be done about it;
//! - `writing`: the fields that a thought is written in;
//! - `text`: what people wrote, with links and marks;
//! - `search`: what can be searched for;
//! - `time`: when;
//! - `session`: where somebody is signed in;
//! - `account`, `token`, `invitation`: accounts and what gives access to them;
//! - `secret`: what is shown once;
//! - `question`: what is asked before something is destroyed;
//! - `tabs`, `paging`: the ways between pages that belong together;
//! - `device`: what a browser is called;
//! - `form`: fields with their labels and messages;
//! - `notice`: what went wrong, and what there is to do when there is nothing to see.

pub(crate) mod account;
pub(crate) mod device;
pub(crate) mod form;
pub(crate) mod invitation;
pub(crate) mod layout;
pub(crate) mod notice;
pub(crate) mod paging;
pub(crate) mod question;
pub(crate) mod search;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod tabs;
pub(crate) mod text;
pub(crate) mod thought;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod trash;
pub(crate) mod writing;
