//! What a page weighs.

use crate::support::{Site, thought};

/// Sentences as they come: of so many characters, no two alike.
fn sentences(characters: usize, number: usize) -> String {
    const WORDS: &str = "the of and a to in is you that it he was for on are as with his they at be \
        this have from or one had by word but not what all were we when your can said there use an \
        each which she do how their if will up other about out many then them these so some her \
        would make like him into time has look two more write go see number no way could people my \
        than first water been call who oil its now find long down day did get come made may part";
    let words: Vec<_> = WORDS.split_whitespace().collect();
    let mut state = number + 1;
    let mut text = String::new();
    while text.len() < characters {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(words[(state >> 33) % words.len()]);
        text.push(' ');
    }
    text[..characters].to_owned()
}

#[tokio::test]
async fn p08_a_page_of_twenty_thoughts_is_small() {
    let site = Site::start().await;
    let thoughts = (0..20).map(|n| thought("bruce", &sentences(250, n), 60 * n as u64));
    site.fakes.have(thoughts.collect());
    site.fakes.have_more(&"t".repeat(60));
    for page in [
        "/",
        "/search",
        "/search?search=the",
        "/users/bruce",
        "/tags/the",
    ] {
        let request = site.request("GET", page).header("cookie", site.bruce());
        let response = request.header("accept-encoding", "gzip").send().await;
        let response = response.expect("an answer");
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let bytes = response.bytes().await.expect("a body").len();
        assert!(bytes < 12_000, "{page} has {bytes} bytes");
        let plain = site.bruce_gets(page).await.is(200);
        assert_eq!(plain.body.matches("<article").count(), 20);
        // Whatever a browser would ask for by itself is here.
        for source in [" src=\"", "<link rel=\"stylesheet\" href=\""] {
            for place in plain.body.split(source).skip(1) {
                assert!(place.starts_with("/assets/"), "{place}");
            }
        }
    }
}
