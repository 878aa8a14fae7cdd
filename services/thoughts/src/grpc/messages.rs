//! Messages to domain types, and back.

use api::thoughts::v1::{Thought as ProtoThought, Visibility as ProtoVisibility};
use runtime::{
    auth::{THOUGHTS_BACKEND, USERS_BACKEND, Verifier, VerifyError},
    paging::{PageSize, PageToken},
    status,
};
use tonic::Status;
use uuid::Uuid;

use crate::{
    etag::Etag,
    page::{PageRequest, Place},
    service_token::ServiceToken,
    tag,
    thought::{Thought, Visibility},
};

impl From<Thought> for ProtoThought {
    fn from(thought: Thought) -> Self {
        let etag = Etag::of(&thought).to_string();
        let tags = tag::tags(&thought.text).into_iter();
        Self {
            id: thought.id.to_string(),
            author: thought.author.username,
            text: thought.text,
            visibility: ProtoVisibility::from(thought.visibility).into(),
            create_time: Some(thought.create_time.into()),
            update_time: Some(thought.update_time.into()),
            tags: tags.map(String::from).collect(),
            etag,
            delete_time: thought.trashed.map(|trashed| trashed.delete_time.into()),
            expire_time: thought.trashed.map(|trashed| trashed.expire_time.into()),
            removed: thought.trashed.is_some_and(|trashed| trashed.removed),
        }
    }
}

impl From<Visibility> for ProtoVisibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Private => Self::Private,
        }
    }
}

pub(super) fn requested_visibility(number: i32) -> Result<Visibility, Status> {
    match ProtoVisibility::try_from(number) {
        Ok(ProtoVisibility::Unspecified | ProtoVisibility::Public) => Ok(Visibility::Public),
        Ok(ProtoVisibility::Private) => Ok(Visibility::Private),
        Err(_) => Err(status::invalid_argument(
            "visibility",
            "must be VISIBILITY_PUBLIC or VISIBILITY_PRIVATE",
        )),
    }
}

/// A UUID in the one form that ids are given out in; case makes no difference.
pub(super) fn parse_id(field: &str, text: &str) -> Result<Uuid, Status> {
    const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == LENGTH)
        .ok_or_else(|| {
            status::invalid_argument(field, "must be a UUID in its text form with hyphens")
        })
}

pub(super) fn requested_page(size: i32, token: &str, scope: &str) -> Result<PageRequest, Status> {
    let size = PageSize::parse(size)?.get();
    if let Ok(time) = PageToken::parse(token, scope) {
        let before = time.map(Place::before);
        return Ok(PageRequest { size, before });
    }
    let key = PageToken::parse_key(token, scope)?;
    let place = key.and_then(|key| place(&key));
    let before = Some(place.ok_or_else(PageToken::refusal)?);
    Ok(PageRequest { size, before })
}

/// A time alone where that tells the place, as every release has it; otherwise the id as well.
pub(super) fn next_page_token(next: Option<Place>, scope: &str) -> String {
    match next {
        None => String::new(),
        Some(place) if place.is_between_times() => PageToken::encode(place.time, scope),
        Some(Place { time, id }) => {
            let key = [&time.to_be_bytes()[..], id.as_bytes()].concat();
            PageToken::encode_key(&key, scope)
        }
    }
}

fn place(key: &[u8]) -> Option<Place> {
    let (time, id) = key.split_first_chunk()?;
    Some(Place {
        time: i64::from_be_bytes(*time),
        id: Uuid::from_slice(id).ok()?,
    })
}

/// The token by which the users backend knows this one, if it will.
pub(super) async fn parse_service_token(
    verifier: &Verifier,
    text: String,
) -> Result<ServiceToken, Status> {
    match verifier.verify_service(&text, USERS_BACKEND).await {
        Ok((service, expires)) if service.name == THOUGHTS_BACKEND => {
            Ok(ServiceToken::new(text, expires))
        }
        Ok(_) | Err(VerifyError::Rejected) => Err(status::invalid_argument(
            "service_token",
            "must be the thoughts backend's token for the users backend",
        )),
        Err(error @ VerifyError::KeysUnavailable) => Err(error.into()),
    }
}

/// Lengths of texts are far below the limit of the wire's integers.
pub(super) fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
