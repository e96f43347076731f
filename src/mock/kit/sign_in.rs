//! A whole login at an app, from the page that needs a login to the session cookie.

use std::fmt;

use axum::{
    body::{self, Body},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, header};
use tower_service::Service;
use url::{Position, Url};

use super::browser::{Browser, UNKNOWN_HOST};
use crate::mock::{error::MockError, gateway::MockGateway};

const MAX_HOPS: usize = 10;
const MAX_PAGE: usize = 1 << 20;

/// A browser that is signed in at an app, from [`MockGateway::login`].
///
/// `Debug` does not show the cookies, because they are credentials.
#[derive(Clone)]
#[must_use]
pub struct SignedIn {
    cookies: HeaderValue,
    page: String,
}

impl SignedIn {
    /// Returns the value of a `Cookie` header for further requests: the session, and the other
    /// cookies that the app has set.
    #[must_use]
    pub fn cookie_header(&self) -> HeaderValue {
        self.cookies.clone()
    }

    /// Returns the page that the login returned to: a path and perhaps a query.
    #[must_use]
    pub fn page(&self) -> &str {
        &self.page
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").finish_non_exhaustive()
    }
}

impl MockGateway {
    /// Logs in at an app as the first subscriber, who agrees to everything.
    ///
    /// It opens `path` as a browser does and follows the app: through its own redirects and its
    /// start page, if it has one, to this gateway, and with the code back to the
    /// callback. The app is any HTTP service, such as a `Router`. It is called in this process,
    /// with paths only, so that its redirect URI may be on any host, and on https. The layer itself
    /// calls this gateway over the network.
    ///
    /// `path` must be a page that needs a login. For an app whose layer is [`optional`] or has a
    /// [`login_page`], use the layer's own route: `/telenor/login?return_to=/path`.
    ///
    /// The cookies are those that the app has set during the login. The test must store later ones
    /// itself.
    ///
    /// # Example
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// use telenor_auth::{TelenorAuthLayer, TelenorUser, mock::MockGateway};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = MockGateway::start().await?;
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let (id, secret) = (gateway.client_id(), gateway.client_secret());
    /// let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
    ///     .gateway(gateway.base_url())
    ///     .build()?;
    /// let app = Router::new()
    ///     .route("/basket", get(async |_: TelenorUser| "a sweater"))
    ///     .layer(auth);
    ///
    /// let kari = gateway.login(&app, "/basket").await?;
    ///
    /// assert_eq!(kari.page(), "/basket");
    /// let request = Request::get("/basket").header("cookie", kari.cookie_header());
    /// assert_eq!(app.oneshot(request.body(Body::empty())?).await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`NotChallenged`](MockError::NotChallenged): the app does not redirect from `path` to this
    ///   gateway.
    /// - [`NotSignedIn`](MockError::NotSignedIn): the app refused the callback.
    /// - As for [`allow`](Self::allow), when the gateway refuses the request that the app makes.
    /// - [`InvalidPath`](MockError::InvalidPath) and [`AppFailed`](MockError::AppFailed).
    ///
    /// [`optional`]: crate::TelenorAuthBuilder::optional
    /// [`login_page`]: crate::TelenorAuthBuilder::login_page
    pub async fn login<S>(&self, app: &S, path: &str) -> Result<SignedIn, MockError>
    where
        S: Service<Request<Body>> + Clone,
        S::Response: IntoResponse,
        S::Error: fmt::Display,
    {
        let mut browser = Browser::new(app.clone());
        let authorization = self.authorization_url(&mut browser, path).await?;
        complete_login(browser, &self.allow(&authorization)?).await
    }

    /// Logs in at an app as the subscriber with `mobile_number`, who agrees.
    ///
    /// # Errors
    ///
    /// As for [`login`](Self::login), and when no subscriber has that number.
    pub async fn login_as<S>(
        &self,
        app: &S,
        path: &str,
        mobile_number: &str,
    ) -> Result<SignedIn, MockError>
    where
        S: Service<Request<Body>> + Clone,
        S::Response: IntoResponse,
        S::Error: fmt::Display,
    {
        let mut browser = Browser::new(app.clone());
        let authorization = self.authorization_url(&mut browser, path).await?;
        complete_login(browser, &self.allow_as(&authorization, mobile_number)?).await
    }

    /// Begins a login at an app as [`login`](Self::login) does, and refuses to share anything.
    ///
    /// Returns the app's answer to the callback with `access_denied`: the page that the user gets.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use telenor_auth::{TelenorAuthLayer, TelenorUser, mock::MockGateway};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = MockGateway::start().await?;
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let (id, secret) = (gateway.client_id(), gateway.client_secret());
    /// let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
    ///     .gateway(gateway.base_url())
    ///     .continue_without("/by-hand")
    ///     .build()?;
    /// let app = Router::new()
    ///     .route("/basket", get(async |_: TelenorUser| "a sweater"))
    ///     .layer(auth);
    ///
    /// let page = gateway.login_denied(&app, "/basket").await?;
    ///
    /// assert_eq!(page.status(), 403);
    /// let page = axum::body::to_bytes(page.into_body(), 100_000).await?;
    /// assert!(String::from_utf8_lossy(&page).contains("/by-hand"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`login`](Self::login), without `NotSignedIn`.
    pub async fn login_denied<S>(&self, app: &S, path: &str) -> Result<Response, MockError>
    where
        S: Service<Request<Body>> + Clone,
        S::Response: IntoResponse,
        S::Error: fmt::Display,
    {
        let mut browser = Browser::new(app.clone());
        let authorization = self.authorization_url(&mut browser, path).await?;
        browser
            .open(&callback_url(&self.deny(&authorization)?))
            .await
    }

    /// Begins a login at an app as [`login`](Self::login) does, and lets the USSD question time
    /// out.
    ///
    /// Returns the app's answer to the callback, which has the error of [`time_out`].
    ///
    /// # Errors
    ///
    /// As for [`login_denied`](Self::login_denied).
    ///
    /// [`time_out`]: Self::time_out
    pub async fn login_timed_out<S>(&self, app: &S, path: &str) -> Result<Response, MockError>
    where
        S: Service<Request<Body>> + Clone,
        S::Response: IntoResponse,
        S::Error: fmt::Display,
    {
        let mut browser = Browser::new(app.clone());
        let authorization = self.authorization_url(&mut browser, path).await?;
        browser
            .open(&callback_url(&self.time_out(&authorization)?))
            .await
    }

    /// Follows a page to its authorization URL.
    async fn authorization_url<S>(
        &self,
        browser: &mut Browser<S>,
        path: &str,
    ) -> Result<String, MockError>
    where
        S: Service<Request<Body>>,
        S::Response: IntoResponse,
        S::Error: fmt::Display,
    {
        let base =
            Url::parse(&format!("https://{UNKNOWN_HOST}")).expect("a scheme and a host are a URL");
        let mut url = base.join(path).map_err(|_| MockError::InvalidPath)?;
        let mut status = 0;
        for _ in 0..MAX_HOPS {
            let response = browser.open(&url).await?;
            status = response.status().as_u16();
            url = match location(&response, &url) {
                Some(next) if self.is_authorization_url(&next) => return Ok(next.into()),
                Some(next) => next,
                None => continue_link(&text(response).await)
                    .ok_or_else(|| not_challenged(status, &url))?,
            };
        }
        Err(not_challenged(status, &url))
    }

    fn is_authorization_url(&self, url: &Url) -> bool {
        // By the port, because the host has more than one spelling.
        url.port_or_known_default() == self.port()
            && url.path() == self.shared.settings.endpoints.authorization
    }
}

async fn complete_login<S>(mut browser: Browser<S>, callback: &str) -> Result<SignedIn, MockError>
where
    S: Service<Request<Body>>,
    S::Response: IntoResponse,
    S::Error: fmt::Display,
{
    let url = callback_url(callback);
    let response = browser.open(&url).await?;
    let status = response.status().as_u16();
    match (location(&response, &url), browser.cookie_header(true)) {
        (Some(page), Some(cookies)) if browser.has_cookie("-session") => Ok(SignedIn {
            cookies,
            page: page[Position::BeforePath..].to_owned(),
        }),
        _ => Err(MockError::NotSignedIn {
            status,
            cause: cause(&text(response).await),
        }),
    }
}

fn callback_url(callback: &str) -> Url {
    Url::parse(callback).expect("the gateway returns URLs")
}

/// The page where the app gave up. Its query may hold anything.
fn not_challenged(status: u16, url: &Url) -> MockError {
    let is_unknown = url.host_str() == Some(UNKNOWN_HOST);
    let page = if is_unknown {
        url.path()
    } else {
        &url[..Position::AfterPath]
    };
    let page = page.to_owned();
    MockError::NotChallenged { status, page }
}

/// Returns the link of a start page that leads on.
fn continue_link(page: &str) -> Option<Url> {
    let (_, link) = page.split_once("id=\"continue\" href=\"")?;
    let (href, _) = link.split_once('"')?;
    Url::parse(&href.replace("&#38;", "&")).ok()
}

/// Returns the target of a redirect.
fn location(response: &Response, from: &Url) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let url = from.join(location).ok();
    url.filter(|_| response.status().is_redirection())
}

/// Returns the cause in the small print of the layer's page.
fn cause(page: &str) -> Option<String> {
    let (_, after) = page.rsplit_once("<code>")?;
    let (cause, _) = after.split_once("</code>")?;
    Some(cause.to_owned())
}

async fn text(response: Response) -> String {
    let bytes = body::to_bytes(response.into_body(), MAX_PAGE).await;
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
