//! What the benches of telenor-auth share: the same app three times, and what a browser sends it.
//!
//! The app stands bare, in the layer, and in a [minimum written by hand](by_hand). Each figure is
//! what the layer adds to the bare app, for the same request, in the same run.

pub mod apps;
pub mod by_hand;
pub mod cases;
pub mod requests;
pub mod token_endpoint;

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use tower::Service;

/// Sends a request to an app that answers at once, and drops the response.
///
/// # Panics
///
/// When the app does not answer at once.
pub fn send(app: &mut Router, request: Request<Body>) {
    black_box(respond(app, request));
}

/// Sends a request to an app that answers at once.
///
/// # Panics
///
/// When the app does not answer at once.
pub fn respond(app: &mut Router, request: Request<Body>) -> Response<Body> {
    let mut call = pin!(Service::<Request<Body>>::call(app, request));
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the app waits for something"),
    }
}
