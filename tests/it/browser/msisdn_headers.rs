//! Headers in which a request claims a phone number.

use axum::routing::get;
use http::{HeaderName, HeaderValue};
use telenor_auth::mock::MockGateway;

use crate::support::{self, App, Hits, builder, navigation};

/// S106.
#[tokio::test]
async fn headers_that_claim_a_number_reach_no_handler() {
    async fn headers(headers: http::HeaderMap) -> String {
        format!("{headers:?}")
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default()).route("/headers", get(headers));
    let app = App::mounted(
        router.layer(builder(&gateway).optional(true).build().unwrap()),
        gateway,
    );
    for mut browser in [app.browser(), app.signed_in().await] {
        let mut sent = navigation("/headers");
        for name in [
            "x-msisdn",
            "msisdn",
            "X_MSISDN",
            "x-up-calling-line-id",
            "x-nokia-msisdn",
        ] {
            let name: HeaderName = name.parse().unwrap();
            sent.headers_mut()
                .insert(name, HeaderValue::from_static("4791234567"));
        }
        let page = browser.send(sent).await;
        assert!(!page.body.contains("4791234567"), "{}", page.body);
        assert!(page.body.contains("text/html"), "other headers remain");
    }
}

over_http2! {
    headers_that_claim_a_number_reach_no_handler
}
