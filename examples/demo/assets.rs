//! The static files of the shop.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS},
    routing::get,
};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/style.css", get(style_sheet))
        .route("/favicon.svg", get(favicon))
        .route("/javascript.js", get(script))
}

type File = ([(HeaderName, &'static str); 3], &'static str);

async fn style_sheet() -> File {
    file("text/css; charset=utf-8", include_str!("style.css"))
}

async fn favicon() -> File {
    file("image/svg+xml", include_str!("favicon.svg"))
}

async fn script() -> File {
    let script = include_str!("javascript.js");
    file("text/javascript; charset=utf-8", script)
}

fn file(content_type: &'static str, text: &'static str) -> File {
    (
        [
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, "public, max-age=300"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        text,
    )
}
