//! The authorization endpoint and its pages, and logins without a browser.

use reqwest::header;
use telenor_auth::mock::{MockError, MockGateway};

use super::{
    CALLBACK, DENIED, USERS, VERIFIER, answer_on_the_phone, api, asked_phone, authorize_url,
    client, first_page, get, get_as, json_of, location, parameter, post, redeem, registered, token,
};

#[tokio::test]
async fn two_clicks_lead_from_the_authorization_endpoint_to_the_callback() {
    let gateway = registered().await;

    let start = get(authorize_url(&gateway, &[("state", "a b&c")])).await;
    assert_eq!(start.status(), 302);
    let hop = get(location(&start)).await;
    assert_eq!(hop.status(), 302);
    let page = get(location(&hop)).await;
    let url = page.url().clone();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("47 ** ** *5 67"), "{html}");
    assert!(html.contains("id=\"continue\"") && html.contains("id=\"use-ussd\""));

    let consent = post(url, &[]).await;
    assert_eq!(consent.status(), 303);
    let consent = location(&consent);
    let html = get(&consent).await.text().await.unwrap();
    for shared in [
        "Kari Eksempel Nordmann",
        "912 34 567",
        "Prøveveien 12B, 9008 Tromsø",
        "17.05.1985",
    ] {
        assert!(html.contains(shared), "{shared} in {html}");
    }
    assert!(html.contains("id=\"allow\"") && html.contains("id=\"deny\""));

    let done = post(&consent, &[("answer", "allow")]).await;
    assert_eq!(done.status(), 302);
    let callback = location(&done);
    assert!(callback.starts_with(CALLBACK));
    assert_eq!(parameter(&callback, "state").unwrap(), "a b&c");
    let code = parameter(&callback, "code").unwrap();
    assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(redeem(&gateway, &code).await.status(), 200);
}

#[tokio::test]
async fn no_on_the_consent_page_is_access_denied_in_telenors_words() {
    let gateway = registered().await;
    let start = first_page(&gateway, &[("state", "s")], None).await;
    let consent = location(&post(&start, &[]).await);
    let callback = location(&post(&consent, &[("answer", "deny")]).await);
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&callback, "error_description").unwrap(), DENIED);
    assert_eq!(parameter(&callback, "state").unwrap(), "s");
    assert_eq!(parameter(&callback, "code"), None);

    // A second visit finds the login used up.
    assert_eq!(get(&consent).await.status(), 410);
    assert_eq!(post(&consent, &[("answer", "allow")]).await.status(), 410);
}

#[tokio::test]
async fn on_wifi_ussd_proves_the_number_before_consent() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK).wifi(true);
    let gateway = gateway.start().await.unwrap();
    let ussd = first_page(&gateway, &[], None).await;
    assert!(ussd.ends_with("/ussd"), "{ussd}");
    let base = ussd.strip_suffix("/ussd").unwrap();

    // Without recognition, no address leads to the consent.
    assert_eq!(location(&post(base, &[]).await), ussd);
    let decided = post(format!("{base}/consent"), &[("answer", "allow")]).await;
    assert_eq!(location(&decided), base);

    let unknown = post(&ussd, &[("msisdn", "<b>40000000")]).await;
    assert_eq!(unknown.status(), 422);
    let html = unknown.text().await.unwrap();
    assert!(html.contains("id=\"msisdn\"") && html.contains("id=\"ussd-send\""));
    assert!(!html.contains("<b>"), "{html}");

    let phone = location(&post(&ussd, &[("msisdn", "+47 412 34 567")]).await);
    let html = get(&phone).await.text().await.unwrap();
    for button in ["ussd-ok", "ussd-not-ok", "ussd-timeout"] {
        assert!(html.contains(&format!("id=\"{button}\"")), "{html}");
    }
    let consent = location(&post(&phone, &[("answer", "ok")]).await);
    let html = get(&consent).await.text().await.unwrap();
    assert!(html.contains("Ola Nordmann") && html.contains("Ikke registrert"));
    let callback = location(&post(&consent, &[("answer", "allow")]).await);
    assert!(parameter(&callback, "code").is_some());
}

#[tokio::test]
async fn not_ok_on_the_phone_is_access_denied() {
    let gateway = registered().await;
    let callback = answer_on_the_phone(&gateway, "not-ok").await;
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
}

#[tokio::test]
async fn no_answer_on_the_phone_is_login_required_or_what_is_set() {
    let set = MockGateway::builder().redirect_uri(CALLBACK);
    let set = set.ussd_timeout_error("ussd timeout&x=1");
    for (gateway, error) in [
        (registered().await, "login_required"),
        (set.start().await.unwrap(), "ussd timeout&x=1"),
    ] {
        let callback = answer_on_the_phone(&gateway, "time-out").await;
        assert!(callback.starts_with(CALLBACK), "{callback}");
        assert_eq!(parameter(&callback, "error").unwrap(), error);
        assert!(parameter(&callback, "error_description").is_some());
        assert_eq!(parameter(&callback, "state").unwrap(), "s");
        assert_eq!(parameter(&callback, "code"), None);

        // A login without a browser ends in the same place.
        let url = authorize_url(&gateway, &[("state", "s")]);
        assert_eq!(gateway.time_out(&url).unwrap(), callback);
    }
}

#[tokio::test]
async fn the_ussd_question_ends_the_login_unless_the_answer_is_ok() {
    let gateway = registered().await;
    for answer in ["not-ok", "time-out"] {
        let phone = asked_phone(&gateway).await;
        post(&phone, &[("answer", answer)]).await;
        assert_eq!(get(&phone).await.status(), 410);
        assert_eq!(post(&phone, &[("answer", "ok")]).await.status(), 410);
    }
}

#[tokio::test]
async fn the_network_names_the_subscriber_or_leaves_it_to_ussd() {
    let on_mobile_data = registered().await;
    let on_wifi = MockGateway::builder().redirect_uri(CALLBACK).wifi(true);
    let on_wifi = on_wifi.start().await.unwrap();
    let kari = Some("Kari Eksempel Nordmann");
    let ola = Some("Ola Nordmann");
    let cases = [
        (&on_mobile_data, None, kari),
        (&on_mobile_data, Some("41234567"), ola),
        (&on_mobile_data, Some("+47 412 34 567"), ola),
        (&on_mobile_data, Some("40000000"), None),
        (&on_mobile_data, Some("none"), None),
        (&on_mobile_data, Some(""), None),
        (&on_wifi, None, None),
        (&on_wifi, Some("91234567"), kari),
    ];
    for (gateway, msisdn, recognized) in cases {
        let page = first_page(gateway, &[], msisdn).await;
        let html = get(&page).await.text().await.unwrap();
        if let Some(name) = recognized {
            assert!(html.contains("id=\"continue\""), "{msisdn:?}: {html}");
            let consent = location(&post(&page, &[]).await);
            let html = get(consent).await.text().await.unwrap();
            assert!(html.contains(name), "{msisdn:?}: {html}");
        } else {
            assert!(page.ends_with("/ussd"), "{msisdn:?}: {page}");
            assert!(html.contains("Vi kjenner ikke igjen"), "{html}");
        }
    }
}

#[tokio::test]
async fn the_network_shows_nothing_sets_nothing_and_keeps_the_number_out_of_addresses() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let response = get_as("41234567", &hop).await;
    assert_eq!(response.status(), 302);
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let page = location(&response);
    assert_eq!(response.text().await.unwrap(), "");
    let consent = location(&post(&page, &[]).await);
    for url in [hop, page, consent] {
        assert!(url.starts_with(&gateway.base_url()), "{url}");
        assert!(!url.contains("1234567"), "{url}");
    }
}

#[tokio::test]
async fn a_login_keeps_the_line_that_the_network_named_first() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let page = location(&get_as("91234567", &hop).await);

    // Neither a second hop nor the header on a page changes the line.
    assert_eq!(location(&get_as("41234567", &hop).await), page);
    assert_eq!(location(&get_as("none", &hop).await), page);
    get_as("41234567", &page).await;
    let post_as = |url: &str, body: &'static str| {
        let request = client().post(url).header("x-mock-msisdn", "41234567");
        request.body(body).send()
    };
    let consent = location(&post_as(&page, "").await.unwrap());
    let html = get_as("41234567", &consent).await.text().await.unwrap();
    assert!(html.contains("Kari Eksempel Nordmann"), "{html}");
    let callback = location(&post_as(&consent, "answer=allow").await.unwrap());
    let code = parameter(&callback, "code").unwrap();
    let body = json_of(redeem(&gateway, &code).await).await;
    let users = api(&gateway, USERS, body["access_token"].as_str().unwrap()).await;
    assert_eq!(json_of(users).await["mobileNumber"], "4791234567");
}

#[tokio::test]
async fn header_on_a_page_identifies_no_subscriber() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let page = hop.strip_suffix("/network").unwrap();
    let ussd = format!("{page}/ussd");
    let recognition = [
        // Without the hop, and after a hop that added no number.
        get_as("91234567", page).await,
        get_as("none", &hop).await,
        get_as("91234567", page).await,
        get_as("91234567", &hop).await,
    ];
    for response in recognition {
        assert_eq!(location(&response), ussd);
    }
    let consent = get_as("91234567", format!("{page}/consent")).await;
    assert_eq!(location(&consent), page);
}

#[tokio::test]
async fn pages_are_uncached_and_their_addresses_name_no_subscriber() {
    let gateway = registered().await;
    let start = first_page(&gateway, &[], None).await;
    let consent = location(&post(&start, &[]).await);
    let page = get(&consent).await;
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    assert!(!consent.contains("9123"), "{consent}");
    for gone in ["/mock/login/x", "/mock/login/x/network"] {
        let page = get(format!("{}{gone}", gateway.base_url())).await;
        assert_eq!(page.status(), 410);
    }
}

#[tokio::test]
async fn a_bad_client_or_redirect_uri_gets_an_error_and_no_redirect() {
    let gateway = registered().await;
    let base = gateway.base_url();
    let elsewhere = authorize_url(&gateway, &[("redirect_uri", "https://evil.example/")]);
    let twice = format!("{}&state=a&state=b", authorize_url(&gateway, &[]));
    let cases = [
        (format!("{base}/oauth/v2/authorize"), 400, "client_id"),
        (
            format!("{base}/oauth/v2/authorize?client_id=x"),
            401,
            "ClientId is Invalid",
        ),
        (
            elsewhere,
            400,
            "Invalid redirection uri https://evil.example/",
        ),
        (
            authorize_url(&gateway, &[("response_type", "token")]),
            400,
            "Response type",
        ),
        (twice, 400, "state"),
    ];
    for (url, status, text) in cases {
        let response = get(&url).await;
        assert_eq!(response.status(), status, "{url}");
        assert!(!response.headers().contains_key(header::LOCATION), "{url}");
        let body = json_of(response).await;
        assert_eq!(body["ErrorCode"], "invalid_request", "{url}");
        assert!(body["Error"].as_str().unwrap().contains(text), "{body}");
        let Err(MockError::Refused {
            status: refused, ..
        }) = gateway.allow(&url)
        else {
            panic!("{url} was followed");
        };
        assert_eq!(refused, status);
    }
}

#[tokio::test]
async fn without_a_registered_redirect_uri_the_request_has_to_bring_one() {
    let gateway = MockGateway::start().await.unwrap();
    assert!(gateway.allow(&authorize_url(&gateway, &[])).is_err());
    let any = authorize_url(&gateway, &[("redirect_uri", "http://127.0.0.1:1/cb")]);
    assert!(
        gateway
            .allow(&any)
            .unwrap()
            .starts_with("http://127.0.0.1:1/cb?code=")
    );
    let script = authorize_url(&gateway, &[("redirect_uri", "javascript:alert(1)")]);
    assert!(gateway.allow(&script).is_err());
}

#[tokio::test]
async fn a_query_in_the_redirect_uri_is_kept() {
    let gateway = MockGateway::builder().redirect_uri("https://shop.example/cb?shop=1");
    let gateway = gateway.start().await.unwrap();
    let callback = gateway.deny(&authorize_url(&gateway, &[])).unwrap();
    assert!(callback.starts_with("https://shop.example/cb?shop=1&error=access_denied&"));
}

#[tokio::test]
async fn a_weak_code_challenge_ends_at_the_callback_with_invalid_request() {
    let gateway = registered().await;
    for extra in [
        &[("code_challenge", VERIFIER)][..],
        &[
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ],
        &[
            ("code_challenge", "short"),
            ("code_challenge_method", "S256"),
        ],
        &[("code_challenge_method", "S256")],
    ] {
        let callback = location(&get(authorize_url(&gateway, extra)).await);
        assert_eq!(parameter(&callback, "error").unwrap(), "invalid_request");
    }
}

#[tokio::test]
async fn strict_demands_response_type_and_redirect_uri() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK).strict(true);
    let gateway = gateway.start().await.unwrap();
    let response_type = ("response_type", "code");
    let redirect_uri = ("redirect_uri", CALLBACK);
    assert_eq!(
        get(authorize_url(&gateway, &[response_type]))
            .await
            .status(),
        400
    );
    assert_eq!(
        get(authorize_url(&gateway, &[redirect_uri])).await.status(),
        400
    );

    let url = authorize_url(&gateway, &[response_type, redirect_uri]);
    let code = parameter(&gateway.allow(&url).unwrap(), "code").unwrap();
    let refused = redeem(&gateway, &code).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(
        json_of(refused).await["Error"],
        "Required param : redirect_uri"
    );

    let code = parameter(&gateway.allow(&url).unwrap(), "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        redirect_uri,
    ];
    assert_eq!(token(&gateway, &fields).await.status(), 200);
}

#[tokio::test]
async fn fail_returns_the_error_that_the_test_sets() {
    let gateway = registered().await;
    let url = authorize_url(&gateway, &[("state", "s")]);
    let callback = gateway.fail(&url, "server_error", None).unwrap();
    assert_eq!(callback, format!("{CALLBACK}?error=server_error&state=s"));
    let stray = gateway.allow("https://shop.example/").unwrap_err();
    assert_eq!(stray, MockError::NotAnAuthorizationUrl);
}

#[tokio::test]
async fn a_login_without_a_browser_takes_any_subscriber() {
    let gateway = registered().await;
    let url = authorize_url(&gateway, &[]);
    let callback = gateway.allow_as(&url, "412 34 567").unwrap();
    let body = json_of(redeem(&gateway, &parameter(&callback, "code").unwrap()).await).await;
    let users = api(&gateway, USERS, body["access_token"].as_str().unwrap()).await;
    assert_eq!(json_of(users).await["name"]["givenName"], "Ola");
    let unknown = gateway.allow_as(&url, "40000000").unwrap_err();
    assert_eq!(unknown, MockError::UnknownSubscriber);
}
