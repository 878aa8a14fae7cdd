//! Cookies, other sites' forms, and markup in texts.

use crate::support::{LIFETIME, Site, send, thought};

const HTTPS: &str = "--public-url=https://thoughts.example.org";

fn credentials() -> [(&'static str, &'static str); 2] {
    [("username", "bruce"), ("password", "correct horse")]
}

#[tokio::test]
async fn s10_cookies_are_out_of_reach_of_scripts_and_other_sites() {
    let site = Site::start().await;
    let page = site.post("/login", &credentials()).await.goes_to("/");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("session=ey"), "{cookie}");
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=43"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure") && !cookie.contains("Domain"),
        "{cookie}"
    );
}

#[tokio::test]
async fn s10_https_makes_cookies_secure_and_only_the_setting_says_so() {
    let site = Site::with(&[HTTPS]).await;
    let cookie = site.post("/login", &credentials()).await.goes_to("/");
    let cookie = cookie.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-session=ey") && cookie.contains("; Secure"),
        "{cookie}"
    );
    let token = site.keys.token("bruce", "member", LIFETIME);
    let with = |name: &str| {
        site.request("GET", "/")
            .header("cookie", format!("{name}={token}"))
    };
    send(with("session")).await.goes_to("/login");
    send(with("__Host-session")).await.is(200);

    let plain = Site::start().await;
    let request = plain.request("POST", "/login").form(&credentials());
    let page = send(request.header("x-forwarded-proto", "https")).await;
    assert!(page.header("set-cookie").starts_with("session="));
}

#[tokio::test]
async fn a_token_that_is_over_or_forged_is_none() {
    let site = Site::start().await;
    site.fakes.have(vec![thought("bruce", "Ten.", 0)]);
    let good = site.keys.token("bruce", "member", LIFETIME);
    let expired = site.keys.token("bruce", "member", -1);
    let foreign = crate::support::Keys::generate().token("bruce", "member", LIFETIME);
    let (head, rest) = good.split_once('.').unwrap();
    let unsigned = format!("{head}.{}.", rest.split('.').next().unwrap());
    let nonsense = "nonsense".to_owned();
    for token in [expired, foreign, unsigned, nonsense, String::new()] {
        let read = |path: &str| {
            site.request("GET", path)
                .header("cookie", format!("session={token}"))
        };
        send(read("/?page_token=x"))
            .await
            .goes_to("/login?next=%2F%3Fpage_token%3Dx");
        send(read("/search")).await.is(200).has("Log in");
        let write = site.request("POST", "/thoughts").form(&[("text", "Nine.")]);
        let page = send(write.header("cookie", format!("session={token}")))
            .await
            .is(401);
        assert_eq!(page.hidden("text"), "Nine.");
    }
    assert!(
        site.fakes
            .calls("SearchThoughts")
            .iter()
            .all(|call| call.authorization.is_none())
    );
}

#[tokio::test]
async fn logging_out_ends_the_cookie() {
    let site = Site::start().await;
    let page = site.bruce_posts("/logout", &[]).await.goes_to("/login");
    let cookie = &page.cookies()[0];
    assert!(
        cookie.starts_with("session=;") && cookie.contains("Max-Age=0"),
        "{cookie}"
    );
    site.bruce_gets("/logout").await.is(405);
}

#[tokio::test]
async fn log_in_goes_on_within_the_site_only() {
    let site = Site::start().await;
    for (next, place) in [
        ("/search?search=a%20b", "/search?search=a%20b"),
        ("/users/bruce", "/users/bruce"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("\n//evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/logout", "/"),
        ("/settings/password", "/"),
        ("/%0d%0aset-cookie:x=y", "/%0d%0aset-cookie:x=y"),
        ("/\r\nset-cookie: x=y", "/"),
    ] {
        let mut fields = credentials().to_vec();
        fields.push(("next", next));
        site.post("/login", &fields).await.goes_to(place);
        let mut link = reqwest::Url::parse(&site.url("/login")).unwrap();
        link.query_pairs_mut().append_pair("next", next);
        let path = format!("{}?{}", link.path(), link.query().unwrap());
        site.bruce_gets(&path).await.goes_to(place);
    }
}

#[tokio::test]
async fn s11_other_sites_forms_are_refused() {
    let site = Site::start().await;
    let host = site.address.to_string();
    let own = format!("http://{host}");
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.example"),
            ],
            403,
        ),
        (
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://sub.example"),
            ],
            403,
        ),
        (&[("sec-fetch-site", "same-origin"), ("origin", &own)], 303),
        (&[("sec-fetch-site", "none")], 303),
        (&[("origin", &own)], 303),
        (&[], 303),
    ];
    for (headers, code) in cases {
        for path in [
            "/thoughts",
            "/login",
            "/logout",
            "/signup",
            "/settings/password",
            "/settings/sessions/0190a000-0000-7000-8000-000000000001/revoke",
            "/reset-password",
        ] {
            let form = if path == "/thoughts" {
                [("text", "Nine."), ("visibility", "")]
            } else {
                credentials()
            };
            let mut request = site
                .request("POST", path)
                .form(&form)
                .header("cookie", site.bruce());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let page = send(request).await.is(code);
            if code == 403 {
                page.has("Another site sent this form");
            }
        }
    }
    assert_eq!(site.fakes.calls("CreateThought").len(), 4);
}

#[tokio::test]
async fn s11_other_sites_forms_reach_no_thought_setting_or_administration() {
    let site = Site::start().await;
    site.fakes.have_user("bruce", api::users::v1::Role::Member);
    for path in [
        "/thoughts/0190a000-0000-7000-8000-000000000001/edit",
        "/thoughts/0190a000-0000-7000-8000-000000000001/undelete",
        "/thoughts/0190a000-0000-7000-8000-000000000001/delete",
        "/settings/tokens",
        "/settings/tokens/0190a000-0000-7000-8000-000000000001/revoke",
        "/settings/delete",
        "/admin/users/bruce/role",
        "/admin/users/bruce/disabled",
        "/admin/users/bruce/reset",
        "/admin/users/bruce/delete",
        "/admin/invitations",
        "/admin/invitations/0190a000-0000-7000-8000-000000000001/revoke",
    ] {
        let days = if path == "/settings/tokens" {
            "30"
        } else {
            "7"
        };
        for origin in ["https://evil.example", "null"] {
            let form = [
                ("username", "ada"),
                ("role", "admin"),
                ("disabled", "true"),
                ("display_name", "evil"),
                ("scope", "read_write"),
                ("days", days),
            ];
            let request = site.request("POST", path).form(&form);
            let request = request.header("cookie", site.ada());
            let page = send(request.header("origin", origin)).await.is(403);
            page.has("Another site sent this form");
        }
    }
    for rpc in [
        "UpdateThought",
        "UndeleteThought",
        "DeleteThought",
        "CreateAccessToken",
        "RevokeAccessToken",
        "DeleteUser",
        "UpdateUser",
        "CreatePasswordReset",
        "CreateInvitation",
        "RevokeInvitation",
    ] {
        assert_eq!(site.fakes.calls(rpc), [], "{rpc}");
    }
}

#[tokio::test]
async fn s11_the_public_address_is_trusted_whatever_the_proxy_makes_of_the_host() {
    let site = Site::with(&[HTTPS]).await;
    for (origin, code) in [
        ("https://thoughts.example.org", 303),
        ("http://thoughts.example.org", 403),
    ] {
        let request = site.request("POST", "/login").form(&credentials());
        send(request.header("origin", origin)).await.is(code);
    }
}

#[tokio::test]
async fn s11_no_get_changes_anything_and_nothing_is_shared_across_origins() {
    let site = Site::start().await;
    for path in [
        "/thoughts",
        "/logout",
        "/settings/password",
        "/settings/sessions/0190a000-0000-7000-8000-000000000001/revoke",
        "/admin/users/bruce/role",
        "/admin/users/bruce/disabled",
        "/admin/users/bruce/reset",
        "/thoughts/0190a000-0000-7000-8000-000000000001/delete",
        "/thoughts/0190a000-0000-7000-8000-000000000001/undelete",
    ] {
        let page = site.bruce_gets(path).await.is(405);
        assert_eq!(page.header("allow"), "POST", "{path}");
        page.has("<h1>That does not work here</h1>");
    }
    let request = site
        .request("GET", "/search")
        .header("origin", "https://evil.example");
    assert_eq!(
        send(request)
            .await
            .is(200)
            .header("access-control-allow-origin"),
        ""
    );
    send(site.request("OPTIONS", "/search")).await.is(405);
    send(site.request("DELETE", "/search")).await.is(405);
}

#[tokio::test]
async fn s13_texts_are_text_wherever_they_come_back() {
    let site = Site::start().await;
    for attack in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'\"></textarea><script>alert(1)</script>",
        "</title><svg onload=alert(1)>",
        "javascript:alert(1)//",
        "http://x.y/\"onmouseover=\"alert(1)",
        "<a href=javascript:alert(1)>x</a>",
        "&lt;script&gt;&#60;",
        "<!--",
        "]]>",
        "\u{0}<b>",
        "\u{2028}<i>",
    ] {
        let stored = thought("bruce", attack, 0);
        let path = format!("/thoughts/{}", stored.id);
        site.fakes.have(vec![stored]);
        site.fakes
            .refuse("CreateThought", tonic::Status::unknown("broken"));
        site.fakes
            .refuse("Login", tonic::Status::unauthenticated("no"));
        let query =
            reqwest::Url::parse_with_params("http://x/search", [("search", attack)]).unwrap();
        let query = format!("/search?{}", query.query().unwrap());
        let all = [
            ("text", attack),
            ("username", attack),
            ("password", "x"),
            ("next", attack),
        ];
        let pages = [
            site.get(&path).await,
            site.get("/users/bruce").await,
            site.bruce_gets("/").await,
            site.get(&query).await,
            site.bruce_posts("/thoughts", &all).await,
            site.post("/thoughts", &all).await,
            site.post("/login", &all).await,
            site.post("/signup", &all).await,
        ];
        for page in pages {
            for live in [
                "<script>",
                "<img src=x",
                "<svg onload",
                "<a href=javascript",
                "\"onmouseover",
                "<b>",
                "<i>",
                "<!--",
            ] {
                assert!(
                    !page.body.contains(live),
                    "{attack:?} gives {live:?} in {}",
                    page.body
                );
            }
            assert!(!page.body.contains("&lt;script&gt;&#60;"), "{}", page.body);
        }
    }
}
