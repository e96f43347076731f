//! What a person does in a login, and what a test looks for in the answers.

use http::{Method, StatusCode, header};
use telenor_auth::mock::MockGateway;
use url::Url;

use super::browser::{Answer, Browser, request};

impl Browser {
    /// A person opens a page and goes wherever the app's own redirects lead.
    pub async fn follow(&mut self, target: &str) -> Answer {
        let mut answer = self.open(target).await;
        for _ in 0..5 {
            let Some(location) = answer.headers.get(header::LOCATION) else {
                return answer;
            };
            let location = location.to_str().unwrap().to_owned();
            answer = self.open(&location).await;
        }
        panic!("redirected for ever");
    }

    /// Opens a page that needs a login: the address at the gateway that it leads to.
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

    /// The same, and consents: the address that the gateway sends the browser back to.
    pub async fn callback_url(&mut self, gateway: &MockGateway, target: &str) -> String {
        let authorization = self.start(target).await;
        gateway.allow(&authorization).unwrap()
    }

    /// The cookies of logins under way.
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
    /// Nobody was signed in by this.
    #[track_caller]
    pub fn assert_no_session(&self) {
        let session = self
            .set_cookies()
            .into_iter()
            .find(|line| line.contains("-session=") && !line.contains("Max-Age=0"));
        assert_eq!(session, None);
    }

    /// A refusal that changes nothing for anybody: no cookie, nothing to cache.
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
