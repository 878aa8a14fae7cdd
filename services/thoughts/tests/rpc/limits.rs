//! `GetLimits`, and what the settings change.

use database::testing::Fresh;
use thoughts_backend::{Config, thought::MaxLength};

use crate::support::{Backend, bad_field, config};

#[tokio::test]
async fn limits_are_told_and_held_to() {
    let fresh = Fresh::sqlite();
    let max_thought_length = MaxLength::parse("5").unwrap();
    let backend = Backend::start_with(Config {
        max_thought_length,
        ..config(&fresh)
    })
    .await;
    let limits = backend.nobody().asks_for_limits().await.unwrap();
    assert_eq!((limits.max_thought_length, limits.max_page_size), (5, 100));
    let bruce = backend.member("bruce");
    assert!(bruce.writes("12\r\n45").await.is_ok());
    assert_eq!(bad_field(bruce.writes("123456").await), "text");
    let fresh = Fresh::sqlite();
    let defaults = Backend::start(&fresh).await;
    assert_eq!(
        defaults
            .nobody()
            .asks_for_limits()
            .await
            .unwrap()
            .max_thought_length,
        250
    );
}
