//! The settings of the pages that the layer shows.

use super::TelenorAuthBuilder;
use crate::{
    browser::language::Language,
    response::{Failure, FailurePage, FailurePages, Logo, page::look::SupportLink},
};

impl TelenorAuthBuilder {
    /// Sets the app's name for the pages that the layer shows. It defaults to no name.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.pages.app_name = Some(name.into());
        self
    }

    /// Sets what the app needs the login for, in one language. The pages use it to say what does
    /// not work without the login. It defaults to no purpose.
    ///
    /// The text is a verb phrase, once for each language:
    /// `purpose(Language::Bokmal, "fylle ut adressen din")`.
    pub fn purpose(mut self, language: Language, purpose: impl Into<String>) -> Self {
        let purpose = (None, language, purpose.into());
        self.pages.purposes.push(purpose);
        self
    }

    /// Sets the [`purpose`](Self::purpose) at one path of the app and at what lies below it, in one
    /// language. It defaults to the purpose of the app as a whole.
    ///
    /// `/checkout` covers `/checkout` and `/checkout/delivery`, but not `/checkout-old`. Of several
    /// paths, the longest counts. The path is one that the app receives, with the path of
    /// [`nested_at`](Self::nested_at) and without a [`stripped_prefix`](Self::stripped_prefix). It
    /// does not matter how a browser spells it: percent-encoding and a slash at the end are no
    /// difference.
    ///
    /// A login keeps its place: a page after a failed login has the words for the page that the
    /// login leads to. Set each language that the app has a general purpose in.
    ///
    /// ```
    /// use telenor_auth::{Language, TelenorAuthLayer};
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .purpose(Language::Bokmal, "fylle ut navn og adresse")
    ///     .purpose_at("/support", Language::Bokmal, "vise henvendelsene dine")
    ///     .continue_without("/manual-form")
    ///     .continue_without_at("/support", "/contact")
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn purpose_at(
        mut self,
        path: impl Into<String>,
        language: Language,
        purpose: impl Into<String>,
    ) -> Self {
        let purpose = (Some(path.into()), language, purpose.into());
        self.pages.purposes.push(purpose);
        self
    }

    /// Sets a page of the app that works without the login. The login page offers it, and so do the
    /// pages after a failed login. It defaults to no such page.
    pub fn continue_without(mut self, path: impl Into<String>) -> Self {
        self.pages.ways_out.push((None, path.into()));
        self
    }

    /// Sets the page that works without the login for one path of the app and what lies below it,
    /// as [`purpose_at`](Self::purpose_at) sets the purpose. It defaults to the page of
    /// [`continue_without`](Self::continue_without).
    pub fn continue_without_at(
        mut self,
        path: impl Into<String>,
        target: impl Into<String>,
    ) -> Self {
        let way_out = (Some(path.into()), target.into());
        self.pages.ways_out.push(way_out);
        self
    }

    /// Sets the logo at the top of the pages. It defaults to no logo.
    pub fn logo(mut self, logo: Logo) -> Self {
        self.pages.logo = Some(logo);
        self
    }

    /// Sets the color of buttons, links and the icon, as `#rrggbb`. It defaults to a dark green.
    ///
    /// [`build`](Self::build) checks that it can be read: it needs a contrast of 4.5:1 to white,
    /// which is behind links and on buttons (WCAG 2.2, level AA). The error has a color near it
    /// that can. In dark mode the pages use a lighter color made of it, or that of
    /// [`accent_color_dark`](Self::accent_color_dark).
    ///
    /// ```
    /// use telenor_auth::{ConfigError, TelenorAuthLayer};
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let shop = |color| {
    ///     TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///         .accent_color(color)
    ///         .build()
    /// };
    /// assert!(shop("#b92a1e").is_ok());
    /// assert!(matches!(shop("#ffcc00"), Err(ConfigError::LowContrast { .. })));
    /// ```
    pub fn accent_color(mut self, color: impl Into<String>) -> Self {
        self.pages.accent = Some(color.into());
        self
    }

    /// Sets the color of buttons, links and the icon in dark mode, as `#rrggbb`. It defaults to a
    /// color made of [`accent_color`](Self::accent_color), or to a light green without one.
    ///
    /// It needs a contrast of 4.5:1 to the dark ground of the pages, `#1b2123`.
    pub fn accent_color_dark(mut self, color: impl Into<String>) -> Self {
        self.pages.dark_accent = Some(color.into());
        self
    }

    /// Adds a link to help for the pages of failures, in one language. It defaults to no link.
    ///
    /// The target is a path of the app, or a URL of `https:`, `mailto:` or `tel:`. A user whose
    /// language has no link gets the one that was added first.
    ///
    /// ```
    /// use telenor_auth::{Language, TelenorAuthLayer};
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .support_link(Language::Bokmal, "Ring oss på 915 09 000", "tel:+4791509000")
    ///     .support_link(Language::English, "Get help", "/help")
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn support_link(
        mut self,
        language: Language,
        text: impl Into<String>,
        target: impl Into<String>,
    ) -> Self {
        self.pages.support.push(SupportLink {
            language,
            text: text.into(),
            href: target.into(),
        });
        self
    }

    /// Sets a function that makes the app's own page for a failure. It defaults to the layer's
    /// pages.
    ///
    /// The function gets the texts and addresses of the layer's page, and returns a
    /// [`FailurePage`], or an `Option` of it: for `None` the layer shows its own page. It is called
    /// for failures that a person reads, also those of extractors and of an
    /// [`ApiError`](crate::ApiError). A script gets the problem document as before. If the function
    /// panics, the user gets the layer's page, and the log has an error with the id of the login.
    ///
    /// Status, `Cache-Control`, `Referrer-Policy` and the headers against frames stay the layer's.
    /// The address of such a page may hold the code of a login, so do not put a foreign script on
    /// it, such as analytics: see [`FailurePage`].
    ///
    /// **Escape everything** that the page takes from the [`Failure`]. Some of it is from the
    /// address, which anyone can make. Templates that escape by default, like askama's, do it:
    ///
    /// ```
    /// use askama::Template;
    /// use telenor_auth::{Failure, FailureCause, FailurePage, TelenorAuthLayer};
    ///
    /// #[derive(Template)]
    /// #[template(
    ///     ext = "html",
    ///     source = r#"<!doctype html><html lang="{{ failure.language().lang() }}">
    ///         <title>{{ failure.title() }}</title><link rel="stylesheet" href="/style.css">
    ///         <h1>{{ failure.title() }}</h1><p>{{ failure.summary() }}</p>
    ///         {% if let Some(retry) = failure.retry() %}
    ///         <a href="{{ retry }}">{{ failure.button() }}</a>
    ///         {% endif %}"#
    /// )]
    /// struct Denied<'f> {
    ///     failure: &'f Failure,
    /// }
    ///
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
    ///     .failure_page(|failure| match failure.cause() {
    ///         FailureCause::AccessDenied => {
    ///             Denied { failure }.render().ok().map(FailurePage::html)
    ///         }
    ///         _ => None,
    ///     })
    ///     .build()?;
    /// # Ok::<(), telenor_auth::ConfigError>(())
    /// ```
    pub fn failure_page<P>(mut self, page: impl Fn(&Failure) -> P + Send + Sync + 'static) -> Self
    where
        P: Into<Option<FailurePage>>,
    {
        self.pages.failure_pages = Some(FailurePages::new(page));
        self
    }
}
