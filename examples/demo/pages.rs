//! The pages of the shop, and their headers.

use askama::Template;
use axum::{
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse, Response},
};
use telenor_auth::Failure;

use crate::{
    basket::{BASKET, Basket},
    delivery_form::{DeliveryForm, Note},
    visitor::Visitor,
};

// The paths climb out of the crate's own `templates` folder, where askama starts looking.

#[derive(Template)]
#[template(path = "../examples/demo/templates/basket.html")]
pub(crate) struct BasketPage {
    visitor: Visitor,
    basket: &'static Basket,
}

#[derive(Template)]
#[template(path = "../examples/demo/templates/checkout.html")]
pub(crate) struct Checkout {
    visitor: Visitor,
    basket: &'static Basket,
    form: DeliveryForm,
    /// Where the form is posted to.
    action: &'static str,
}

#[derive(Template)]
#[template(path = "../examples/demo/templates/thanks.html")]
pub(crate) struct Thanks {
    visitor: Visitor,
    basket: &'static Basket,
}

/// Where a script of the page loads user info.
#[derive(Template)]
#[template(path = "../examples/demo/templates/javascript.html")]
pub(crate) struct JavaScriptPage {
    visitor: Visitor,
    /// Whether the page may get the access token.
    is_direct: bool,
}

/// One message and the way back to the shop.
#[derive(Template)]
#[template(path = "../examples/demo/templates/notice.html")]
pub(crate) struct Notice {
    visitor: Visitor,
    title: &'static str,
    text: &'static str,
}

/// A line that Telenor could not recognize is not a mistake of the user, so it ends on a page of
/// the shop's own. askama escapes what is in the failure.
#[derive(Template)]
#[template(path = "../examples/demo/templates/not_recognized.html")]
pub(crate) struct NotRecognized<'f> {
    pub(crate) visitor: Visitor,
    pub(crate) failure: &'f Failure,
}

impl BasketPage {
    pub(crate) fn new(visitor: Visitor) -> Self {
        Self {
            visitor,
            basket: &BASKET,
        }
    }
}

impl Checkout {
    pub(crate) fn new(visitor: Visitor, form: DeliveryForm) -> Self {
        Self {
            visitor,
            basket: &BASKET,
            form,
            action: "/orders",
        }
    }

    /// For visitors without a login. It posts to a public route.
    pub(crate) fn manual(visitor: Visitor, form: DeliveryForm) -> Self {
        Self {
            action: "/manual-form",
            ..Self::new(visitor, form)
        }
    }

    fn is_manual(&self) -> bool {
        self.action == "/manual-form"
    }
}

impl Thanks {
    pub(crate) fn new(visitor: Visitor) -> Self {
        Self {
            visitor,
            basket: &BASKET,
        }
    }
}

impl JavaScriptPage {
    pub(crate) fn new(visitor: Visitor, is_direct: bool) -> Self {
        Self { visitor, is_direct }
    }
}

impl Notice {
    pub(crate) fn not_found(visitor: Visitor) -> Self {
        Self {
            visitor,
            title: "Her er det bare snø",
            text: "Vi har ingen side på denne adressen.",
        }
    }

    pub(crate) fn foreign_form() -> Self {
        Self {
            visitor: Visitor::Anonymous,
            title: "Bestillingen ble stoppet",
            text: "Skjemaet ble sendt fra et annet nettsted. Ingenting er bestilt.",
        }
    }
}

/// A page as a response.
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let html = match self.0.render() {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "page not rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let headers = [
            (CONTENT_SECURITY_POLICY, POLICY),
            // With "no-referrer", browsers send "Origin: null" with the shop's own forms.
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // After a logout, the Back button must not show names and addresses.
            (CACHE_CONTROL, "private, no-store"),
        ];
        (headers, Html(html)).into_response()
    }
}

/// `form-action` also applies to redirects after a form. The shop's forms stay on this site, so
/// `'self'` is enough, and the checkout is opened by a link. A form posted to a route that
/// redirects to the login would be blocked by the browser on the redirect to the gateway.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
