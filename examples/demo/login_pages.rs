//! The layer's pages, in the look and the words of the shop.

use askama::Template;
use telenor_auth::{
    Failure, FailureCause, FailurePage,
    Language::{Bokmal, English, Nynorsk},
    Logo, TelenorAuthBuilder,
};

use crate::{SHOP_NAME, pages::NotRecognized, visitor::Visitor};

/// Most logins are for the checkout. Customers who come back from the payment page want another
/// thing, so a login that fails there says so, and leads elsewhere without Telenor.
pub(crate) fn of_the_shop(auth: TelenorAuthBuilder) -> TelenorAuthBuilder {
    let flask = Logo::svg(include_str!("favicon.svg"));
    auth.app_name(SHOP_NAME)
        .logo(flask.beside_name(true))
        .accent_color("#b92a1e")
        .support_link(Bokmal, "Trenger du hjelp? Skriv til oss", SUPPORT)
        .support_link(Nynorsk, "Treng du hjelp? Skriv til oss", SUPPORT)
        .support_link(English, "Do you need help? Write to us", SUPPORT)
        .purpose(Bokmal, "fylle ut navn og adresse for deg")
        .purpose(Nynorsk, "fylle ut namn og adresse for deg")
        .purpose(English, "fill in your name and address")
        .continue_without("/manual-form")
        .purpose_at("/payment", Bokmal, "vise kvitteringen din")
        .purpose_at("/payment", Nynorsk, "vise kvitteringa di")
        .purpose_at("/payment", English, "show your receipt")
        .continue_without_at("/payment", "/orders/thanks")
        .failure_page(own_page)
}

/// The shop's pages are in bokmål. All other failures and languages get the layer's page.
fn own_page(failure: &Failure) -> Option<FailurePage> {
    if failure.cause() != FailureCause::LineNotRecognized || failure.language() != Bokmal {
        return None;
    }
    let visitor = Visitor::Anonymous;
    let page = NotRecognized { visitor, failure };
    page.render().ok().map(FailurePage::html)
}

const SUPPORT: &str = "mailto:hjelp@fjellbua.example";
