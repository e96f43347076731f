//! What does the shop show, and with which headers?

use askama::Template;
use axum::{
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse, Response},
};

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

/// One message and the way back to the shop.
#[derive(Template)]
#[template(path = "../examples/demo/templates/notice.html")]
pub(crate) struct Notice {
    visitor: Visitor,
    title: &'static str,
    text: &'static str,
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

    /// For people who would rather not sign in, or cannot: it also posts to a public route.
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

/// A page of the shop, on its way out.
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
            // With "no-referrer", browsers would post our own forms as "Origin: null".
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Names and addresses must not come back with the Back button after logging out.
            (CACHE_CONTROL, "private, no-store"),
        ];
        (headers, Html(html)).into_response()
    }
}

/// `form-action` also judges where a form's answer redirects to. Our forms end on this site, so
/// `'self'` will do, and the way into the checkout is a link. A form posted straight to a route
/// that redirects to the login would be stopped by the browser on its way to the gateway.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
