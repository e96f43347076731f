//! The steps of a user in a login, and assertions on the answers.

use http::{Method, StatusCode, header};
use telenor_auth::mock::MockGateway;
use url::Url;

use super::browser::{Answer, Browser, request};

impl Browser {
    /// Opens a page, and follows the redirects of the app.
    pub async fn follow(&mut self, target: &str) -> Answer {
        let mut answer = self.open(target).await;
        for _ in 0..5 {
            let Some(location) = answer.headers.get(header::LOCATION) else {
                return answer;
            };
            let location = location.to_str().unwrap().to_owned();
            answer = self.open(&location).await;
        }
        panic!("the redirects do not end");
    }

    /// Opens a page that needs a login, and returns the address at the gateway that it leads to.
    pub async fn start(&mut self, target: &str) -> String {
        let answer = self.open(target).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{target}: {}",
            answer.body
        );
        answer.location()
    }

    /// The same with consent. Returns the callback that the gateway redirects the browser to.
    pub async fn callback_url(&mut self, gateway: &MockGateway, target: &str) -> String {
        let authorization = self.start(target).await;
        gateway.allow(&authorization).unwrap()
    }

    /// The cookies of pending logins.
    pub fn pending(&self) -> Vec<(String, String)> {
        let mut jar = self.jar.clone();
        jar.retain(|(name, _)| name.contains("-login-"));
        jar
    }

    /// The token that the app would use for this browser, if it is signed in.
    pub async fn token(&mut self) -> Option<String> {
        let answer = self.open("/whoami").await;
        (answer.status == StatusCode::OK).then_some(answer.body)
    }

    /// Presses the button that logs out, on a page of the app's own.
    pub async fn log_out(&mut self) -> Answer {
        let headers = &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let form = request(Method::POST, "/telenor/logout", headers);
        self.send(form).await
    }
}

impl Answer {
    /// Asserts that the answer sets no session.
    #[track_caller]
    pub fn assert_no_session(&self) {
        let session = self
            .set_cookies()
            .into_iter()
            .find(|line| line.contains("-session=") && !line.contains("Max-Age=0"));
        assert_eq!(session, None);
    }

    /// Asserts a refusal that changes nothing: no cookie, nothing to cache.
    #[track_caller]
    pub fn assert_safe_reject(&self) {
        assert!(
            (400..=405).contains(&self.status.as_u16()),
            "{}: {}",
            self.status,
            self.body
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.set_cookies(), [""; 0]);
    }
}

pub fn state_of(url: &str) -> String {
    query(url, "state").unwrap()
}

pub fn query(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}
